import type { Block } from '@heddle/core/model'
import type {
  ChannelHost,
  ConfigSubmission,
  Logger,
  OrderError,
  Ordered,
  OrderingConfig,
  OrderingService,
  Submission,
  Tip,
} from '@heddle/core/plugin'
import type { PeerStatus, RoleState } from '../core/types.ts'
import { Alarms } from '../driver/alarms.ts'
import { openReplica } from '../driver/open-replica.ts'
import type { RaftLog, StoredLog } from '../log/raft-log.ts'
import {
  type ConsenterSet,
  certificateOf,
  consenterSet,
  foundingIds,
  idOf,
  metadataOf,
  readBlockMetadata,
} from '../membership/consenters.ts'
import { MemberNames } from '../membership/member-names.ts'
import { type ChannelOptions, channelOptions } from '../membership/metadata-rules.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../messages/message.ts'
import type { ResolvedRaftOptions } from '../options.ts'
import { BlockFollower } from './block-follower.ts'
import { EnvelopeRouter } from './envelope-router.ts'
import { RaftError } from './errors.ts'
import { RaftMetrics } from './raft-metrics.ts'
import { RunningConsenter } from './running-consenter.ts'
import { unavailable } from './submissions.ts'

/** Largest message that is read: as large as the largest entry of the log. */
const MESSAGE_LIMIT = 128 << 20
/** Heartbeats between two rounds of questions for missing blocks. */
const ASK_HEARTBEATS = 10
/** Election timeouts after which a consenter that hears from no leader looks whether it was removed. */
const LEADERLESS = 10
const NOBODY: RoleState = { role: 'follower', term: 0, leader: 0 }

/** What a node's channels share, and its options. */
export interface RaftOrderingParts {
  readonly host: ChannelHost
  readonly log: () => RaftLog
  readonly options: ResolvedRaftOptions
}

/** Ordering of one channel on one node: a consenter where the configuration has it, a follower of the chain where it has not. */
export class RaftOrdering implements OrderingService {
  readonly failed: Promise<never>
  readonly #host: ChannelHost
  readonly #parts: RaftOrderingParts
  readonly #logger: Logger
  readonly #failure = Promise.withResolvers<never>()
  readonly #alarms: Alarms
  readonly #metrics: RaftMetrics
  readonly #router: EnvelopeRouter
  readonly #follower: BlockFollower
  readonly #names: MemberNames
  #set: ConsenterSet
  #options: ChannelOptions
  #stored: StoredLog | undefined
  /** Under which this node took part last. */
  #lastId = 0
  /** What `#set` and `#options` were read from. */
  #config: OrderingConfig
  #running: RunningConsenter | undefined
  #role: RoleState = NOBODY
  /** Why this node takes no part although the configuration has it, and under which id. */
  #silent: { readonly reason: 'lost-log' | 'disowned'; readonly id: number } | undefined
  #entering: Promise<void> | undefined
  #state: 'new' | 'serving' | 'stopped' = 'new'

  constructor(parts: RaftOrderingParts) {
    const { host, options } = parts
    const { environment } = host
    this.#parts = parts
    this.#host = host
    this.failed = this.#failure.promise
    this.failed.catch(() => {})
    this.#logger = environment.logger.child({ subsystem: 'raft', channel: host.channel })
    this.#alarms = new Alarms(environment.clock)
    this.#metrics = new RaftMetrics(environment, host.channel)
    this.#config = host.config
    this.#set = this.#readSet()
    this.#options = channelOptions(metadataOf(host.config))
    this.#names = new MemberNames(host, this.#set)
    this.#router = new EnvelopeRouter({
      host,
      options,
      alarms: this.#alarms,
      heartbeat: this.#options.heartbeat,
      maxInflightBlocks: () => this.#options.maxInflightBlocks,
      send: (member, message) => this.#send(member, message),
      propose: (batch) => {
        const proposed = this.#running?.duties.propose(batch) ?? { reason: 'not-leader' }
        if ('index' in proposed) this.#metrics.proposed(proposed.index, environment.clock.monotonic())
        return proposed
      },
      admitConfig: (config) => this.#running?.duties.admitConfig(config) ?? 'later',
    })
    this.#follower = new BlockFollower({
      host,
      alarms: this.#alarms,
      ask: (member) => this.#sendTo(member, { kind: 'height-request' }),
      interval: ASK_HEARTBEATS * this.#options.heartbeat,
    })
  }

  async start(): Promise<void> {
    this.#stored = this.#parts.log().stored(this.#host.channel, this.#host.genesisHash)
    this.#state = 'serving'
    await this.#enter()
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    if (this.#role.role === 'leader') this.#running?.farewell()
    this.#end()
    await this.#entering
    await this.#follower.stop()
  }

  submit(submission: Submission, signal?: AbortSignal): Promise<Ordered> {
    return this.#take(submission, false, signal)
  }

  configure(submission: ConfigSubmission, signal?: AbortSignal): Promise<Ordered> {
    return this.#take(submission, true, signal)
  }

  receive(from: string, bytes: Uint8Array, identity: Uint8Array): void {
    if (this.#state !== 'serving') return
    const message = decodeMessage(this.#host.genesisHash, bytes, MESSAGE_LIMIT)
    const dropped = typeof message === 'string' ? message : this.#received(from, identity, message)
    if (dropped !== undefined) this.#metrics.dropped(dropped)
  }

  adopted(tip: Tip, block: Block, durable: Promise<void>): void {
    const metadata = readBlockMetadata(tip)
    if (metadata !== undefined) this.#running?.adopted(metadata.raftIndex, durable)
    this.#router.decided(block.data, block.number, durable)
    this.#followConfig()
  }

  status(): Readonly<Record<string, unknown>> {
    const core = this.#running?.status()
    const { role, term, leader } = this.#role
    const leaderNode = leader === this.#running?.id ? this.#host.node : this.#names.nameOf(leader)
    return {
      node: this.#running?.id ?? 0,
      role: this.#running === undefined ? 'none' : role,
      leader,
      leaderNode: leader === 0 ? null : (leaderNode ?? null),
      term,
      commit: core?.commit ?? 0,
      applied: core?.applied ?? 0,
      lastIndex: core?.lastIndex ?? 0,
      firstIndex: core?.firstIndex ?? 0,
      snapshotIndex: core?.snapshotIndex ?? 0,
      silent: this.#silent?.reason ?? core?.silent ?? 'no',
      members: this.#set.consenters.map(({ id, host }) => ({
        id,
        host,
        votes: core?.membership.voters.includes(id) ?? false,
        ...this.#peerStatus(id, core?.peers),
      })),
      ...this.#router.status(),
    }
  }

  /** What a leader knows of another consenter. */
  #peerStatus(id: number, peers: readonly PeerStatus[] = []) {
    const peer = peers.find((each) => each.id === id)
    const running = this.#running
    return peer === undefined || running === undefined
      ? {}
      : { match: peer.match, alive: id === running.id || running.isAlive(id) }
  }

  #take(submission: Submission, isConfig: boolean, signal: AbortSignal | undefined): Promise<Ordered> {
    const refusal = this.#whyNot()
    return refusal === undefined ? this.#router.take(submission, isConfig, signal) : Promise.reject(refusal)
  }

  #whyNot(): OrderError | undefined {
    if (this.#state !== 'serving') return unavailable('the orderer is stopped')
    if (this.#ownId === 0) return unavailable('this orderer is no consenter of the channel')
    if (this.#silent?.id === this.#ownId)
      return unavailable('this orderer lost its Raft log: it takes no part until it has a new id')
    return undefined
  }

  get #ownId(): number {
    return idOf(this.#set, certificateOf(this.#host.identity))
  }

  #received(from: string, identity: Uint8Array, message: WireMessage): string | undefined {
    switch (message.kind) {
      case 'raft':
        if (!this.#names.maySpeakFor(from, identity, message.message.from)) {
          if (idOf(this.#set, certificateOf(identity)) === 0) this.#follower.hint(from)
          return 'wrong-sender'
        }
        return this.#running === undefined ? 'no-consenter' : this.#running.receive(message.message)
      case 'height-request':
        this.#sendTo(from, { kind: 'height', height: this.#host.tip.number + 1 - this.#host.load.blocks })
        return undefined
      case 'height':
        this.#follower.heard(message.height)
        return undefined
      default: {
        const member = idOf(this.#set, certificateOf(identity))
        if (member === 0 || !this.#names.maySpeakFor(from, identity, member)) return 'wrong-sender'
        if (message.kind === 'forward') return this.#router.forwarded(member, message) ? undefined : 'not-leader'
        this.#router.taken(member, message)
        return undefined
      }
    }
  }

  #send(member: number, message: WireMessage): void {
    const name = this.#names.nameOf(member)
    if (name === undefined) this.#metrics.dropped('no-address')
    else this.#sendTo(name, message)
  }

  #sendTo(name: string, message: WireMessage): void {
    try {
      this.#host.send(name, encodeMessage(this.#host.genesisHash, message))
    } catch (err) {
      this.#metrics.dropped('not-sent')
      this.#logger.warn({ err, to: name }, 'a message could not be sent')
    }
  }

  /** Takes part in consensus, if the configuration has this node and its log is all there; follows the chain otherwise. */
  #enter(): Promise<void> {
    this.#entering ??= this.#open()
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#entering = undefined
      })
    return this.#entering
  }

  async #open(): Promise<void> {
    const { host, log, options } = this.#parts
    const id = this.#ownId
    if (this.#running !== undefined || this.#state !== 'serving') return
    if (id === 0 || id === this.#silent?.id) {
      this.#follower.follow()
      return
    }
    const { founding } = options
    const opened = await openReplica({
      host,
      log: log(),
      stored: this.#stored,
      id,
      lastId: this.#lastId,
      options: this.#options,
      founding,
    })
    if (this.#state !== 'serving') return
    if ('refused' in opened) {
      if (opened.refused === 'lost-log') this.#fallSilent('lost-log', id)
      // Once the blocks are here, `adopted` tries again.
      else this.#logger.warn({ ...opened, consenter: id }, 'blocks are missing; they are pulled before this node takes part')
      this.#follower.follow()
      return
    }
    this.#stored = undefined
    this.#silent = undefined
    this.#lastId = id
    // While the log was made, blocks may have been taken from others: another config block, and entries that must not be applied again.
    if (this.#ownId !== id) return this.#open()
    const taken = readBlockMetadata(this.#host.tip)?.raftIndex ?? 0
    this.#run({ ...opened, appliedIndex: Math.max(opened.appliedIndex, taken) })
  }

  #run(opened: Pick<ConstructorParameters<typeof RunningConsenter>[0], 'core' | 'appliedIndex' | 'snapshotIndex'>): void {
    const { host, log } = this.#parts
    const { id } = opened.core
    this.#running = new RunningConsenter({
      ...opened,
      host,
      log: log(),
      alarms: this.#alarms,
      router: this.#router,
      follower: this.#follower,
      metrics: this.#metrics,
      logger: this.#logger,
      set: () => this.#set,
      options: () => this.#options,
      send: (message) => this.#send(message.to, { kind: 'raft', message }),
      role: (role) => this.#roleChanged(role),
      configured: () => this.#followConfig(),
      disowned: () => this.#fallSilent('disowned', id),
      failed: (error) => this.#fail(error),
    })
    this.#logger.info({ consenter: id, applied: opened.appliedIndex }, 'this node orders the channel')
    this.#watchForLeader()
    this.#running.start()
  }

  #roleChanged(role: RoleState): void {
    const { leader, term } = role
    const isNews = leader !== this.#role.leader
    this.#role = role
    this.#metrics.role(role)
    if (isNews) {
      this.#logger.info({ term, leader, role: role.role }, leader === 0 ? 'there is no leader' : 'there is a leader')
      this.#watchForLeader()
    }
    this.#router.follow(role)
  }

  /** Who hears from no leader for long may have been removed: blocks of the others tell. */
  #watchForLeader(): void {
    if (this.#role.leader !== 0) {
      this.#alarms.set('leaderless', Number.POSITIVE_INFINITY, () => {})
      this.#follower.rest()
      return
    }
    const after = LEADERLESS * this.#options.electionTimeout
    this.#alarms.set('leaderless', this.#host.environment.clock.monotonic() + after, () => this.#follower.follow())
  }

  /** A block has been decided or taken: who orders may have changed. */
  #followConfig(): void {
    const running = this.#running
    if (this.#host.config !== this.#config) {
      this.#config = this.#host.config
      const before = this.#set
      this.#set = this.#readSet()
      if (!sameSet(before, this.#set)) this.#names.follow(this.#set)
      this.#options = channelOptions(metadataOf(this.#config))
      this.#router.checkConfigsAgain()
    }
    if (running === undefined) {
      void this.#enter()
      return
    }
    if (running.id === this.#ownId) return
    const block = this.#host.tip.number
    this.#logger.warn({ consenter: running.id, block }, 'this node is no consenter any more: it follows the chain')
    this.#leave('this orderer is no consenter of the channel any more')
    void this.#enter()
  }

  #leave(why: string): void {
    this.#running?.stop()
    this.#running = undefined
    this.#role = { ...NOBODY, term: this.#role.term }
    this.#metrics.role(this.#role)
    this.#router.leave(unavailable(why))
    for (const name of ['raft', 'leaderless', 'learners', 'retry']) this.#alarms.set(name, Number.POSITIVE_INFINITY, () => {})
    this.#follower.follow()
  }

  /** This id has promised what this node does not know any more: it never acts under it again. */
  #fallSilent(reason: 'lost-log' | 'disowned', id: number): void {
    this.#silent = { reason, id }
    this.#logger.error(
      { reason, consenter: id },
      'the Raft log of this consenter was lost; it takes no part. Remove the consenter from the channel and add it again: it gets a new id',
    )
    this.#leave('this orderer lost its Raft log')
  }

  #readSet(): ConsenterSet {
    const { tip, config } = this.#host
    return consenterSet(config, readBlockMetadata(tip)?.ids ?? foundingIds(config))
  }

  #fail(cause: unknown): void {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#end()
    void this.#follower.stop()
    this.#failure.reject(new RaftError('RAFT_NODE_FAILED', `ordering of ${this.#host.channel} ended: ${why}`, {}, { cause }))
  }

  #end(): void {
    this.#running?.stop()
    this.#alarms.stop()
    this.#router.close()
  }
}

function sameSet(a: ConsenterSet, b: ConsenterSet): boolean {
  const other = new Map(b.consenters.map((each) => [each.id, each]))
  return (
    a.consenters.length === b.consenters.length &&
    a.consenters.every(({ id, host, certificate }) => other.get(id)?.host === host && other.get(id)?.certificate === certificate)
  )
}
