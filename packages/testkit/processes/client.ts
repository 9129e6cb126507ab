// A client process: `client.ts CONFIG ORGANIZATION PREFIX`; submits transactions until it is killed, and says how many were committed.
import process from 'node:process'
import { loadConfigFile, startNetwork } from '@heddle/core'

const [config, organization, prefix] = process.argv.slice(2)
const network = await startNetwork(await loadConfigFile(config!), { only: [] })
const contract = network.gateway(organization!).channel('main').contract('store')
for (let i = 0; ; i++) {
  await contract.submit('put', `${prefix}${i}`, 'value')
  process.stdout.write(`${i + 1}\n`)
}
