import type { ChannelHost, Logger, Tip } from '@heddle/core/plugin'
import { OrderError } from '@heddle/core/plugin'
import type { RaftCore } from '../core/raft-core.ts'
import type { DropReason, Entry, Message, RoleState, Snapshot } from '../core/types.ts'
import type { Alarms } from '../driver/alarms.ts'
import { Replica } from '../driver/replica.ts'
import type { RaftLog } from '../log/raft-log.ts'
import type { ConsenterSet } from '../membership/consenters.ts'
import type { ChannelOptions } from '../membership/metadata-rules.ts'
import { Applier, type DecidedBlock } from './applier.ts'
import type { BlockFollower } from './block-follower.ts'
import type { EnvelopeRouter } from './envelope-router.ts'
import { RaftError } from './errors.ts'
import { LeaderDuties } from './leader-duties.ts'
import type { RaftMetrics } from './raft-metrics.ts'
import { decodeSnapshotData, encodeSnapshotData } from './snapshot-data.ts'

export interface RunningConsenterParts {
  readonly host: ChannelHost
  readonly log: RaftLog
  readonly core: RaftCore
  /** Entries up to here stand in the chain already. */
  readonly appliedIndex: number
  readonly snapshotIndex: number
  readonly alarms: Alarms
  readonly router: EnvelopeRouter
  readonly follower: BlockFollower
  readonly metrics: RaftMetrics
  readonly logger: Logger
  readonly set: () => ConsenterSet
  readonly options: () => ChannelOptions
  readonly send: (message: Message) => void
  readonly role: (role: RoleState) => void
  /** A config block was decided. */
  readonly configured: () => void
  readonly disowned: () => void
  readonly failed: (error: unknown) => void
}

/** This node as a consenter: its replica of the log, the blocks that it makes of it, and the snapshots that keep it short. */
export class RunningConsenter {
  readonly id: number
  readonly duties: LeaderDuties
  readonly #parts: RunningConsenterParts
  readonly #replica: Replica
  readonly #applier: Applier
  /** When each other member was last heard of. */
  readonly #heard = new Map<number, number>()
  #snapshotIndex: number
  /** Of entries since the last snapshot. */
  #bytes = 0
  #isStopped = false

  constructor(parts: RunningConsenterParts) {
    this.#parts = parts
    this.id = parts.core.id
    this.#snapshotIndex = parts.snapshotIndex
    const { host, router, alarms, set } = parts
    this.#applier = new Applier({
      host,
      appliedIndex: parts.appliedIndex,
      ids: () => set().ids,
      viewOf: (bytes) => router.viewOf(bytes),
      decided: (block) => this.#decided(block),
      durable: (index, tip, bytes) => this.#durable(index, tip, bytes),
      failed: parts.failed,
    })
    this.#replica = new Replica({
      core: parts.core,
      log: parts.log,
      channel: host.channel,
      clock: host.environment.clock,
      alarms,
      events: {
        send: parts.send,
        role: (role) => {
          // What a replica says while it ends is no news.
          if (this.#isStopped) return
          parts.role(role)
          this.duties.watchLearners()
        },
        membership: () => {
          if (this.#isStopped) return
          this.duties.watchLearners()
          router.released()
        },
        committed: (entries) => this.#committed(entries),
        install: (snapshot) => void this.#install(snapshot),
        disowned: parts.disowned,
        failed: parts.failed,
      },
    })
    this.duties = new LeaderDuties({
      host,
      id: this.id,
      replica: this.#replica,
      alarms,
      set,
      heartbeat: parts.options().heartbeat,
      electionTimeout: parts.options().electionTimeout,
      isAlive: (member) => this.isAlive(member),
      retry: () => router.released(),
    })
  }

  start(): void {
    this.#replica.start()
  }

  /** Hands leadership over, if there is somebody to take it at once. */
  farewell(): void {
    this.#replica.transfer()
  }

  stop(): void {
    this.#isStopped = true
    this.#replica.stop()
  }

  /** Whether a member was heard of within an election timeout. */
  isAlive(member: number): boolean {
    const { host, options } = this.#parts
    const at = this.#heard.get(member)
    return at !== undefined && host.environment.clock.monotonic() - at <= options().electionTimeout
  }

  receive(message: Message): DropReason | undefined {
    if (this.#parts.set().ids.ids.includes(message.from))
      this.#heard.set(message.from, this.#parts.host.environment.clock.monotonic())
    return this.#replica.receive(message)
  }

  /** The chain took the block of an entry from others. */
  adopted(raftIndex: number, durable: Promise<void>): void {
    this.#applier.skipTo(raftIndex, durable)
  }

  status() {
    const { commit, lastIndex, firstIndex, silent, membership, peers } = this.#replica.status
    return {
      commit,
      applied: this.#applier.appliedIndex,
      lastIndex,
      firstIndex,
      snapshotIndex: this.#snapshotIndex,
      silent,
      membership,
      peers,
    }
  }

  #committed(entries: readonly Entry[]): void {
    const { router, metrics, host } = this.#parts
    for (const entry of entries) {
      // A config block may have ended this node's part: the blocks behind it come from others.
      if (this.#isStopped) return
      this.#applier.apply(entry, router.proposed(entry.index, entry.term))
      if (this.#isStopped) return
      router.applied(entry.index, entry.term)
      metrics.committed(entry.index, host.environment.clock.monotonic())
    }
    router.routeSoon()
  }

  #decided({ number, envelopes, isConfig, durable }: DecidedBlock): void {
    this.#parts.router.decided(envelopes, number, durable)
    if (isConfig) this.#parts.configured()
  }

  #durable(index: number, { number, headerHash, consenterMetadata }: Tip, bytes: number): void {
    if (this.#isStopped) return
    this.#replica.applied(index)
    this.#parts.router.released()
    this.#bytes += bytes
    if (this.#bytes < this.#parts.options().snapshotInterval) return
    this.#bytes = 0
    // Followers that are a little behind still find in memory what came since the snapshot before.
    const retain = index - this.#snapshotIndex
    this.#snapshotIndex = index
    this.#parts.metrics.snapshots.add()
    void this.#replica.compact(index, encodeSnapshotData({ number, headerHash, consenterMetadata }), retain)
  }

  async #install(snapshot: Snapshot): Promise<void> {
    const { host, logger, router } = this.#parts
    const { index, term } = snapshot
    try {
      await this.#pullTo(snapshot)
    } catch (err) {
      if (this.#isStopped) return
      if (err instanceof RaftError) this.#parts.failed(err)
      else {
        logger.warn({ err, index, tip: host.tip.number }, 'the blocks of a snapshot could not be had yet')
        this.#replica.installFailed(index)
      }
      return
    }
    if (this.#isStopped) return
    this.#applier.skipTo(index, Promise.resolve())
    this.#snapshotIndex = index
    this.#bytes = 0
    this.#replica.installed(index)
    router.skipped(index, term)
  }

  /** Throws RaftError when the node must end, OrderError when the blocks could not be had. */
  async #pullTo(snapshot: Snapshot): Promise<void> {
    const { host, logger, follower } = this.#parts
    const data = decodeSnapshotData(snapshot.data)
    if (data === undefined)
      throw new RaftError('RAFT_ENTRY_UNREADABLE', 'a snapshot holds nothing that this version can read', {
        index: snapshot.index,
      })
    const { number, headerHash } = data
    logger.info({ index: snapshot.index, block: number, tip: host.tip.number }, 'far behind the others: pulling blocks')
    await follower.pull(number)
    const { tip } = host
    if (tip.number < number) throw new OrderError('ORDER_CATCH_UP_FAILED', `block ${number} could not be had`)
    if (tip.number === number && Buffer.compare(tip.headerHash, headerHash) !== 0)
      throw new RaftError('RAFT_NODE_FAILED', `block ${number} is another one here than at the leader`, { number })
  }
}
