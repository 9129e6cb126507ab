import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createNetworkFromFile } from '@heddle/core'
import { freePorts } from './cluster-plan.ts'

export const CHANNEL = 'main'
export const ORGANIZATIONS = ['Org1', 'Org2']
/** As the network names them. */
export const ORDERERS = ['orderer0.orderer', 'orderer1.orderer', 'orderer2.orderer']
export const PEERS = ['peer0.org1', 'peer0.org2']

/** Folder of a node's files. */
export const nodeFolder = (folder: string, node: string): string => join(folder, 'data', 'nodes', node)

const local = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * Writes the configuration of the network under test, makes its identities, and lets it agree on its chaincode, all in this process; what
 * is in the folder then goes on in processes of single nodes.
 */
export async function prepareKillNetwork(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const nodes = [...ORDERERS, ...PEERS]
  const ports = await freePorts(nodes.length)
  const file = join(folder, 'network.json')
  const definition = {
    organizations: ORGANIZATIONS,
    orderers: ORDERERS.length,
    // Snapshots often, so that logs are compacted and those who come back catch up by blocks.
    ordering: { use: local('../dist/index.js'), options: { snapshotInterval: 64 * 1024 } },
    chaincodes: { kv: { module: local('./kill-chaincode.ts'), endorsement: "AND('Org1MSP.peer', 'Org2MSP.peer')" } },
    stateDb: 'memory',
    // Small files, so that the change to a new one is among the moments of death.
    blockStore: { use: 'files', options: { segmentBytes: 128 * 1024 } },
    storage: { folder: 'data' },
    log: { level: 'error' },
    nodes: Object.fromEntries(nodes.map((name, i) => [name, `127.0.0.1:${ports[i]}`])),
  }
  await writeFile(file, JSON.stringify(definition))
  const network = await createNetworkFromFile(file)
  await network.stop()
  return file
}
