import { mkdtemp, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What every process of the test reads. */
export interface Layout {
  readonly folder: string
  readonly config: string
  readonly orderers: readonly string[]
  readonly peers: readonly string[]
}

const CHAINCODE = `
export default {
  async invoke(stub) {
    const { fcn, params: [key, value] } = stub.getFunctionAndParameters()
    if (fcn === 'put') await stub.putState(key, Buffer.from(value))
    else if (fcn !== 'get') throw new Error('no function ' + fcn)
    return { status: 200, message: '', payload: await stub.getState(key) }
  },
}
`

/** Writes a configuration for processes on loopback: two organisations with a peer each, and so many orderers. */
export async function layOut(ordering: string, ordererCount: number): Promise<Layout> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-processes-'))
  const orderers = Array.from({ length: ordererCount }, (_, i) => `orderer${i}.orderer`)
  const peers = ['peer0.org1', 'peer0.org2']
  const nodes = [...orderers, ...peers]
  const ports = await freePorts(nodes.length)
  const config = join(folder, 'network.json')
  await writeFile(join(folder, 'chaincode.mjs'), CHAINCODE)
  await writeFile(
    config,
    JSON.stringify({
      organizations: ['Org1', 'Org2'],
      orderers: ordererCount,
      ordering,
      channels: { main: { batch: { timeout: 200 } } },
      chaincodes: {
        // One of both suffices: the loss of a peer must not end anything.
        store: { module: './chaincode.mjs', endorsement: "OR('Org1MSP.peer','Org2MSP.peer')", version: '1' },
      },
      storage: { folder: './data' },
      nodes: Object.fromEntries(nodes.map((name, i) => [name, `127.0.0.1:${ports[i]}`])),
      log: { level: 'error' },
    }),
  )
  return { folder, config, orderers, peers }
}

/** Ports of loopback that nobody has now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
