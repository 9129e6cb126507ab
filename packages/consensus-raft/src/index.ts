import { SerializedIdentity } from '@heddle/core/model'
import { type Consenter, definePlugin, etcdraftMetadata, type PluginContext } from '@heddle/core/plugin'
import { RaftLog } from './log/raft-log.ts'
import { certificateKey, certificateOf, metadataOf } from './membership/consenters.ts'
import { checkMetadata } from './membership/metadata-rules.ts'
import { DEFAULTS, optionsSchema, type RaftOptions } from './options.ts'
import { RaftOrdering } from './ordering/raft-ordering.ts'

export { RaftLogError } from './errors.ts'
export type { RaftOptions } from './options.ts'
export { RaftError } from './raft-error.ts'

/** Folder of the node's disk that holds the write-ahead log of all its channels. */
const FOLDER = 'raft'
/** Stands beside a name where no address is known, as Fabric's tools have it. */
const PORT = 7050

/**
 * Crash-fault-tolerant ordering by Raft, embedded in the ordering nodes: of 2 f + 1 nodes, f may be down, and nothing that was acknowledged
 * is lost. On the ledger it is Fabric's `etcdraft`.
 */
const raft = definePlugin<'ordering', RaftOptions>({
  name: '@heddle/consensus-raft',
  provides: 'ordering',
  capabilities: { consensusType: 'etcdraft', faultModel: 'crash', simulable: true, nodes: { min: 1 } },
  options: optionsSchema,
  create: (context, options) => createConsenter(context, options),
  genesisMetadata(nodes, options) {
    const { electionTimeout, heartbeat, maxInflightBlocks, snapshotInterval } = { ...DEFAULTS, ...options }
    // Both times in whole ticks, as Fabric has them.
    const tick = greatestCommonDivisor(electionTimeout, heartbeat)
    return etcdraftMetadata(
      nodes.map((node) => {
        const certificate = SerializedIdentity.decode(node.identity).idBytes
        const { host, port } = node.address ?? { host: node.name, port: PORT }
        return { host, port, clientTlsCert: certificate, serverTlsCert: certificate }
      }),
      {
        tickInterval: `${tick}ms`,
        electionTick: electionTimeout / tick,
        heartbeatTick: heartbeat / tick,
        maxInflightBlocks,
        snapshotIntervalSize: snapshotInterval,
      },
    )
  },
})

export default raft

function createConsenter({ node, environment }: PluginContext, options: RaftOptions): Consenter {
  let log: RaftLog | undefined
  return {
    async start() {
      log = await RaftLog.open({ environment, folder: FOLDER, owner: node })
    },
    async stop() {
      const open = log
      log = undefined
      await open?.close()
    },
    join: (host) => new RaftOrdering({ host, log: () => log!, options: { ...DEFAULTS, ...options } }),
    validateMetadata: checkMetadata,
    isConsenter(config, identity) {
      const own = certificateOf(identity)
      return metadataOf(config).consenters.some(({ clientTlsCert }) => certificateKey(clientTlsCert) === own)
    },
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
