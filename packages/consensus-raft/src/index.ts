import { type Consenter, definePlugin, etcdraftMetadata, type PluginContext } from '@heddle/core/plugin'
import { RaftLog } from './log/raft-log.ts'
import { certificateKey, certificateOf, metadataOf } from './membership/consenters.ts'
import { consenterOf } from './membership/edit-consenters.ts'
import { checkMetadata } from './membership/metadata-rules.ts'
import { DEFAULTS, optionsSchema, type RaftOptions, type ResolvedRaftOptions } from './options.ts'
import { RaftError } from './ordering/errors.ts'
import { RaftOrdering } from './ordering/raft-ordering.ts'

export { RaftLogError } from './errors.ts'
export { addConsenter, removeConsenter, replaceCertificate } from './membership/edit-consenters.ts'
export type { RaftOptions } from './options.ts'
export { RaftError } from './ordering/errors.ts'

/** Folder of the node's disk that holds the write-ahead log of all its channels. */
const FOLDER = 'raft'

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
    const { electionTimeout, heartbeat, maxInflightBlocks, snapshotInterval } = resolved(options)
    // Both times in whole ticks, as Fabric has them.
    const tick = greatestCommonDivisor(electionTimeout, heartbeat)
    return etcdraftMetadata(nodes.map(consenterOf), {
      tickInterval: `${tick}ms`,
      electionTick: electionTimeout / tick,
      heartbeatTick: heartbeat / tick,
      maxInflightBlocks,
      snapshotIntervalSize: snapshotInterval,
    })
  },
})

export default raft

/** @throws RaftError RAFT_BAD_OPTIONS */
function resolved(options: RaftOptions): ResolvedRaftOptions {
  const all = { ...DEFAULTS, ...options }
  const { electionTimeout, heartbeat, submitTimeout, outcomeTimeout } = all
  if (heartbeat >= electionTimeout)
    throw new RaftError('RAFT_BAD_OPTIONS', `heartbeat (${heartbeat} ms) is below electionTimeout (${electionTimeout} ms)`, all)
  if (submitTimeout > outcomeTimeout)
    throw new RaftError(
      'RAFT_BAD_OPTIONS',
      `submitTimeout (${submitTimeout} ms) is at most outcomeTimeout (${outcomeTimeout} ms)`,
      all,
    )
  return all
}

function createConsenter({ node, environment }: PluginContext, options: RaftOptions): Consenter {
  const all = resolved(options)
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
    join: (host) => new RaftOrdering({ host, log: () => log!, options: all }),
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
