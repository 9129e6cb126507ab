// A process of its own: takes the dissemination that its argument names, on the sources, and prints the modules that were loaded.
import process from 'node:process'
import { recordLoadedModules } from '../../../test/loaded-modules.fixture.ts'
import type { FakePeer } from '../../testkit/src/dissemination-conformance/fake-peer.ts'

const loaded = recordLoadedModules()
const [what = ''] = process.argv.slice(2)

const { memoryDisk } = await import('@heddle/core/testing')
const { noMetrics, seededRandom, silentLogger } = await import('@heddle/core/testing')
const { systemClock } = await import('@heddle/core/testing')
const environment = {
  clock: systemClock,
  random: seededRandom('child'),
  disk: memoryDisk(),
  logger: silentLogger,
  metrics: noMetrics,
  transport: undefined as never,
}
const context = { node: 'peer0.org1', mspId: 'Org1MSP', identity: new Uint8Array(0), signatures: undefined as never, environment }
const url = new URL('../../testkit/src/dissemination-conformance/fake-peer.ts', import.meta.url).href
const { FakePeer: Peer } = (await import(url)) as { FakePeer: typeof FakePeer }
const peer = new Peer(environment, [])
if (what === 'deliver') {
  const direct = new URL('../../core/src/adapters/dissemination-deliver/deliver-dissemination.ts', import.meta.url).href
  const { DeliverDissemination } = (await import(direct)) as {
    DeliverDissemination: new () => { join(host: object): Promise<void> }
  }
  await new DeliverDissemination().join(peer)
} else {
  const { default: gossip } = await import('../src/index.ts')
  const dissemination = await gossip.create(context, { transport: 'memory' })
  if (what === 'joined') await dissemination.join(peer)
}
process.stdout.write(`${JSON.stringify(loaded)}\n`)
process.exit(0)
