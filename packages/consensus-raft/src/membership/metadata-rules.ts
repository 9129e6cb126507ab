import type { EtcdRaftConfigMetadata } from '@heddle/core/model'
import { OrderError, type OrderingConfig } from '@heddle/core/plugin'
import { certificateKey, metadataOf } from './consenters.ts'
import { parseDuration } from './duration.ts'
import { assertOneChange } from './membership-change.ts'

/** Times and limits that the channel's consensus metadata sets for all of its consenters. */
export interface ChannelOptions {
  /** Milliseconds. */
  readonly electionTimeout: number
  readonly heartbeat: number
  readonly maxInflightBlocks: number
  /** Bytes of blocks between two snapshots. */
  readonly snapshotInterval: number
}

/** Fabric's default where the metadata says 0. */
const DEFAULT_SNAPSHOT_INTERVAL = 16 * 1024 * 1024
const SHORTEST_TICK = 1
const LONGEST_TIMEOUT = 3_600_000
const MOST_CONSENTERS = 64

/**
 * What the metadata of a channel may say, and which step from one to the next is safe.
 *
 * Source of the rules: VerifyConfigMetadata, MetadataHasDuplication and ComputeMembershipChanges of Hyperledger Fabric.
 *
 * @throws OrderError ORDER_CONFIG_REFUSED
 */
export function checkMetadata(previous: OrderingConfig | undefined, next: OrderingConfig): void {
  const metadata = metadataOf(next)
  channelOptions(metadata)
  checkConsenters(metadata)
  if (previous === undefined || previous.consensusType !== next.consensusType) return
  const [before, after] = [keysOf(metadataOf(previous)), keysOf(metadata)]
  assertOneChange(after.filter((key) => !before.includes(key)).length, before.filter((key) => !after.includes(key)).length)
}

/** @throws OrderError ORDER_CONFIG_REFUSED */
export function channelOptions({ options }: EtcdRaftConfigMetadata): ChannelOptions {
  if (options === undefined) throw refused('the metadata has no options')
  const { tickInterval, electionTick, heartbeatTick, maxInflightBlocks, snapshotIntervalSize } = options
  const tick = parseDuration(tickInterval)
  if (tick === undefined || tick < SHORTEST_TICK)
    throw refused(`the tick interval '${tickInterval}' is no duration of 1ms or more`)
  if (electionTick === 0 || heartbeatTick === 0 || maxInflightBlocks === 0)
    throw refused('the election tick, heartbeat tick and number of blocks in flight are above 0')
  if (electionTick <= heartbeatTick)
    throw refused(`the election tick (${electionTick}) is above the heartbeat tick (${heartbeatTick})`)
  if (tick * electionTick > LONGEST_TIMEOUT) throw refused('the election timeout is more than an hour')
  return {
    electionTimeout: tick * electionTick,
    heartbeat: tick * heartbeatTick,
    maxInflightBlocks,
    snapshotInterval: snapshotIntervalSize === 0 ? DEFAULT_SNAPSHOT_INTERVAL : snapshotIntervalSize,
  }
}

function checkConsenters({ consenters }: EtcdRaftConfigMetadata): void {
  if (consenters.length === 0) throw refused('there are no consenters')
  if (consenters.length > MOST_CONSENTERS) throw refused(`there are ${consenters.length} consenters; at most ${MOST_CONSENTERS}`)
  const seen = new Set<string>()
  for (const { host, port, clientTlsCert, serverTlsCert } of consenters) {
    const name = `${host}:${port}`
    if (host === '') throw refused('a consenter has no host')
    if (clientTlsCert.length === 0 || serverTlsCert.length === 0) throw refused(`consenter ${name} has no certificate`)
    const keys = new Set([certificateKey(clientTlsCert), certificateKey(serverTlsCert)])
    for (const key of keys) {
      if (seen.has(key)) throw refused(`consenter ${name} has the certificate of another one`)
      seen.add(key)
    }
  }
}

const keysOf = ({ consenters }: EtcdRaftConfigMetadata): string[] =>
  consenters.map(({ clientTlsCert }) => certificateKey(clientTlsCert))

function refused(why: string): OrderError {
  return new OrderError('ORDER_CONFIG_REFUSED', `etcdraft metadata: ${why}`, { reason: 'RAFT_BAD_METADATA' })
}
