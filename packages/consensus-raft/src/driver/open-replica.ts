import { sha256 } from '@heddle/core/model'
import type { ChannelHost, Environment } from '@heddle/core/plugin'
import { RaftCore } from '../core/raft-core.ts'
import type { Restored, Snapshot } from '../core/types.ts'
import type { RaftLog, StoredLog } from '../log/raft-log.ts'
import { foundingIds, readBlockMetadata } from '../membership/consenters.ts'
import type { ChannelOptions } from '../membership/metadata-rules.ts'
import { decodeSnapshotData } from '../ordering/snapshot-data.ts'

export interface OpenReplicaParts {
  readonly host: ChannelHost
  readonly log: RaftLog
  /** What the node's start found of the channel. */
  readonly stored: StoredLog | undefined
  /** Id of this node. */
  readonly id: number
  /** Under which it took part before, since the node started; 0: under none. */
  readonly lastId: number
  readonly options: ChannelOptions
  readonly founding: 'survey' | 'assured'
}

/**
 * - `lost-log`: the chain shows that this id has acted, and there is no log of it: it may have promised what it does not know any more.
 * - `older-chain`: the log is of a later id than the chain knows; the chain has to catch up first.
 * - `log-in-use`: the log was handed out in this process already; a new start of the node reads it again.
 * - `missing-blocks`: the log begins behind blocks that the chain does not have; up to `number` they have to be pulled first.
 */
export type Opened =
  | { readonly core: RaftCore; readonly appliedIndex: number; readonly snapshotIndex: number }
  | { readonly refused: 'lost-log' | 'older-chain' | 'log-in-use' }
  | { readonly refused: 'missing-blocks'; readonly number: number }

/** Finds or begins this node's log of a channel and makes the core that goes on where it ends. */
export async function openReplica({ host, log, stored, id, lastId, options, founding }: OpenReplicaParts): Promise<Opened> {
  const { channel, environment } = host
  const founders = host.genesisConfig.consensusType === host.config.consensusType ? foundingIds(host.genesisConfig).ids : []
  const isFounder = founders.includes(id)
  const metadata = readBlockMetadata(host.tip)
  let known = stored
  const lastKnown = known?.identity.member ?? lastId
  if (lastKnown > id) return { refused: 'older-chain' }
  if (known === undefined && lastId === id) return { refused: 'log-in-use' }
  if (lastKnown !== 0 && lastKnown < id) {
    // An earlier life of this node, under an id that was removed: nobody will ask for it again.
    await log.remove(channel)
    known = undefined
  }
  if (known === undefined) {
    if (isFounder && metadata !== undefined) return { refused: 'lost-log' }
    const identity = { channel, genesis: host.genesisHash, member: id, incarnation: uniqueNumber(environment) }
    await log.create(identity)
    known = { identity, hardState: undefined, snapshot: undefined, entries: [] }
  }
  const missing = decodeSnapshotData(known.snapshot?.data ?? new Uint8Array(0))
  if (missing !== undefined && missing.number > host.tip.number) return { refused: 'missing-blocks', number: missing.number }
  const snapshot = known.snapshot ?? (isFounder ? foundation(founders) : undefined)
  const appliedIndex = Math.max(metadata?.raftIndex ?? 0, known.snapshot?.index ?? 0)
  const restored: Restored = {
    ...(known.hardState === undefined ? {} : { hardState: known.hardState }),
    ...(snapshot === undefined ? {} : { snapshot }),
    entries: known.entries,
    applied: appliedIndex,
    ...(isFounder ? { founding } : {}),
  }
  const { electionTimeout, heartbeat } = options
  const random = environment.random.fork(`raft ${channel} ${uniqueNumber(environment)}`)
  const core = new RaftCore(
    { id, incarnation: known.identity.incarnation, electionTimeout, heartbeat },
    restored,
    () => random.float(),
    environment.clock.monotonic(),
  )
  return { core, appliedIndex, snapshotIndex: known.snapshot?.index ?? 0 }
}

/** What all founders begin with. */
function foundation(founders: readonly number[]): Snapshot {
  const membership = { voters: founders, outgoing: [], learners: [] }
  return { index: 0, term: 0, membership, data: new Uint8Array(0) }
}

/**
 * A positive safe integer that this node never had before. Time goes into it, since the random numbers of a seeded network begin anew with
 * each start.
 */
export function uniqueNumber({ random, clock }: Pick<Environment, 'random' | 'clock'>): number {
  const drawn = Buffer.concat([random.bytes(16), Buffer.from(`${clock.now()} ${clock.monotonic()}`)])
  return Buffer.from(sha256(drawn)).readUIntBE(0, 6) + 1
}
