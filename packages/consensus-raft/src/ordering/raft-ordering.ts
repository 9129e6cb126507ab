import type { Block } from '@heddle/core/model'
import {
  type ChannelHost,
  type ConfigSubmission,
  type Logger,
  OrderError,
  type Ordered,
  type OrderingService,
  type Submission,
  type Tip,
} from '@heddle/core/plugin'
import type { Entry, Message, RoleState, Snapshot } from '../core/types.ts'
import { Alarms } from '../driver/alarms.ts'
import { openReplica, uniqueNumber } from '../driver/open-replica.ts'
import { Replica } from '../driver/replica.ts'
import { ForwardReceiver } from '../forwarding/forward-receiver.ts'
import { ForwardSender } from '../forwarding/forward-sender.ts'
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
import { decodeMessage, encodeMessage, type Refused, type WireMessage } from '../messages/message.ts'
import type { ResolvedRaftOptions } from '../options.ts'
import { RaftError } from '../raft-error.ts'
import { Applier, type DecidedBlock } from './applier.ts'
import { BlockFollower } from './block-follower.ts'
import { LeaderDuties } from './leader-duties.ts'
import { LeaderIntake, RECHECK } from './leader-intake.ts'
import { RaftMetrics } from './raft-metrics.ts'
import { forwardedSubmission, refusalOf } from './refusals.ts'
import { decodeSnapshotData, encodeSnapshotData } from './snapshot-data.ts'
import { Submissions, unavailable, type Waiting } from './submissions.ts'

/** Largest message that is read: as large as the largest entry of the log. */
const MESSAGE_LIMIT = 128 << 20
/** Rounds of questions for missing blocks come this many heartbeats apart; so long, in election timeouts, a consenter waits for a leader before it asks. */
const ASK_HEARTBEATS = 10
const LEADERLESS = 10
/** Milliseconds between two looks for submissions that have waited too long. */
const EXPIRY_LOOK = 250
const NOBODY: RoleState = { role: 'follower', term: 0, leader: 0 }

/** What a node's channels share, and its options. */
export interface RaftOrderingParts {
  readonly host: ChannelHost
  readonly log: () => RaftLog
  readonly options: ResolvedRaftOptions
}

/** A running consenter: its core, and what hangs on it. */
interface Running {
  readonly id: number
  readonly replica: Replica
  readonly applier: Applier
  readonly duties: LeaderDuties
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
  readonly #submissions: Submissions
  readonly #intake: LeaderIntake
  readonly #sender: ForwardSender
  readonly #receiver: ForwardReceiver
  readonly #follower: BlockFollower
  readonly #names: MemberNames
  #set: ConsenterSet
  #options: ChannelOptions
  #stored: StoredLog | undefined
  #running: Running | undefined
  #role: RoleState = NOBODY
  #lastTerm = 0
  /** Why this node takes no part although the configuration has it. */
  #silent: 'lost-log' | 'disowned' | undefined
  #silentId = 0
  #entering: Promise<void> | undefined
  #state: 'new' | 'serving' | 'stopped' = 'new'
  #routing = false
  readonly #awaitingConfig = new Set<Waiting>()
  #snapshotBytes = 0
  #snapshotIndex = 0

  constructor(parts: RaftOrderingParts) {
    const { host, options } = parts
    this.#parts = parts
    this.#host = host
    this.failed = this.#failure.promise
    this.failed.catch(() => {})
    const { environment } = host
    this.#logger = environment.logger.child({ subsystem: 'raft', channel: host.channel })
    this.#alarms = new Alarms(environment.clock)
    this.#metrics = new RaftMetrics(environment, host.channel)
    this.#set = this.#readSet()
    this.#options = channelOptions(metadataOf(host.config))
    this.#names = new MemberNames(host, this.#set)
    this.#submissions = new Submissions((waiting) => this.#sender.forget(waiting))
    const now = (): number => environment.clock.monotonic()
    this.#sender = new ForwardSender({
      submissions: this.#submissions,
      send: (leader, message) => this.#send(leader, message),
      refused: (waiting, refusal) => this.#refused(waiting, refusal),
      now,
      newSession: () => uniqueNumber(environment),
      retry: 3 * this.#options.heartbeat,
    })
    this.#receiver = new ForwardReceiver({
      term: () => (this.#intake.leads ? this.#role.term : 0),
      take: ({ bytes, isConfig, configSequence }, origin) => {
        const submission = forwardedSubmission(bytes, configSequence)
        if (submission === undefined) this.#receiver.refuse(origin, 'ORDER_MALFORMED_ENVELOPE', 'the envelope does not parse')
        else return this.#intake.take({ submission, isConfig, own: undefined, origin })
        return true
      },
      send: (member, message) => this.#send(member, message),
    })
    this.#intake = new LeaderIntake({
      host,
      pace: options.pace,
      submissions: this.#submissions,
      maxInflightBlocks: () => this.#options.maxInflightBlocks,
      maxForwardedBytes: options.maxForwardedBytes,
      propose: (batch) => {
        const proposed = this.#running?.duties.propose(batch) ?? { reason: 'not-leader' }
        if ('index' in proposed) this.#metrics.proposed(proposed.index, now())
        return proposed
      },
      admitConfig: (config) => this.#running?.duties.admitConfig(config) ?? 'later',
      refuse: (origin, code, message) => this.#receiver.refuse(origin, code, message),
      roomAgain: () => this.#receiver.resume(),
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
    if (this.#role.role === 'leader') this.#running?.replica.transfer()
    this.#running?.replica.stop()
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
    if (metadata !== undefined) this.#running?.applier.skipTo(metadata.raftIndex, durable)
    for (const bytes of block.data) this.#submissions.decided(bytes, block.number, durable)
    this.#followConfig()
  }

  status(): Readonly<Record<string, unknown>> {
    const core = this.#running?.replica.status
    const { role, term, leader } = this.#role
    return {
      node: this.#running?.id ?? 0,
      role: this.#running === undefined ? 'none' : role,
      leader,
      leaderNode: leader === 0 ? null : leader === this.#running?.id ? this.#host.node : (this.#names.nameOf(leader) ?? null),
      term,
      commit: core?.commit ?? 0,
      applied: this.#running?.applier.appliedIndex ?? 0,
      lastIndex: core?.lastIndex ?? 0,
      firstIndex: core?.firstIndex ?? 0,
      snapshotIndex: this.#snapshotIndex,
      silent: this.#silent ?? core?.silent ?? 'no',
      members: this.#set.consenters.map(({ id, host }) => ({
        id,
        host,
        votes: core?.membership.voters.includes(id) ?? false,
        ...peerOf(core?.peers.find((peer) => peer.id === id)),
      })),
      waiting: this.#submissions.size,
      ...this.#intake.status(),
    }
  }

  #take(submission: Submission, isConfig: boolean, signal: AbortSignal | undefined): Promise<Ordered> {
    const refusal = this.#whyNot()
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      const now = this.#host.environment.clock.monotonic()
      this.#submissions.add(submission, isConfig, signal, now, { resolve, reject })
      if (this.#submissions.size === 1) this.#watchExpiry()
      this.#routeSoon()
    })
  }

  #whyNot(): OrderError | undefined {
    if (this.#state !== 'serving') return unavailable('the orderer is stopped')
    if (this.#silent !== undefined)
      return unavailable(`this orderer lost its Raft log and takes no part until it has a new consenter id`)
    if (idOf(this.#set, certificateOf(this.#host.identity)) === 0)
      return unavailable('this orderer is no consenter of the channel')
    return undefined
  }

  /** Everything that one turn brings goes on together. */
  #routeSoon(): void {
    if (this.#routing) return
    this.#routing = true
    queueMicrotask(() => {
      this.#routing = false
      this.#route()
    })
  }

  /** Brings what no leader has to the leader, if there is one. */
  #route(): void {
    if (this.#state !== 'serving') return
    if (this.#intake.leads) {
      for (const own of [...this.#submissions.unsent]) {
        const { submission, isConfig } = own
        this.#intake.take({ submission, isConfig, own, origin: undefined })
      }
    } else if (this.#role.leader !== 0) this.#sender.pump()
    this.#watchForwarding()
  }

  #watchForwarding(): void {
    this.#alarms.set('forward', this.#sender.deadline, () => {
      this.#sender.tick()
      this.#watchForwarding()
    })
  }

  #watchExpiry(): void {
    const look = (): void => {
      const { submitTimeout, outcomeTimeout } = this.#parts.options
      this.#submissions.expire(this.#host.environment.clock.monotonic(), submitTimeout, outcomeTimeout)
      if (this.#submissions.size > 0) this.#watchExpiry()
    }
    // Somebody waits for the answer: the process stays for it.
    this.#alarms.set('expiry', this.#host.environment.clock.monotonic() + EXPIRY_LOOK, look, true)
  }

  /** What the leader will not order. */
  #refused(waiting: Waiting, { code, message }: Refused): void {
    if (code !== RECHECK) {
      this.#submissions.reject(waiting, refusalOf(code, message))
      return
    }
    this.#submissions.stand(waiting, 'checking')
    this.#awaitingConfig.add(waiting)
    this.#checkConfigsAgain()
  }

  /** Config updates that the leader found computed under another configuration than its own. */
  #checkConfigsAgain(): void {
    for (const waiting of this.#awaitingConfig) {
      if (waiting.submission.configSequence === this.#host.config.sequence) continue
      this.#awaitingConfig.delete(waiting)
      if (!this.#submissions.has(waiting)) continue
      this.#host.recheckConfig(waiting.submission).then(
        (submission) => {
          this.#submissions.replace(waiting, submission)
          this.#submissions.stand(waiting, 'unsent')
          this.#routeSoon()
        },
        (error) => this.#submissions.reject(waiting, error),
      )
    }
  }

  #received(from: string, identity: Uint8Array, message: WireMessage): string | undefined {
    switch (message.kind) {
      case 'raft':
        if (!this.#names.maySpeakFor(from, identity, message.message.from)) return 'wrong-sender'
        return this.#running === undefined ? 'no-consenter' : this.#running.replica.receive(message.message)
      case 'height-request':
        this.#sendTo(from, { kind: 'height', height: this.#host.tip.number + 1 - this.#host.load.blocks })
        return undefined
      case 'height':
        this.#follower.heard(message.height)
        return undefined
      default: {
        const member = idOf(this.#set, certificateOf(identity))
        if (member === 0 || !this.#names.maySpeakFor(from, identity, member)) return 'wrong-sender'
        if (message.kind === 'forward') return this.#receiver.received(member, message) ? undefined : 'not-leader'
        this.#sender.taken(member, message)
        this.#routeSoon()
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
    const id = idOf(this.#set, certificateOf(host.identity))
    if (this.#running !== undefined || this.#state !== 'serving') return
    if (id === 0 || id === this.#silentId) {
      this.#follower.follow()
      return
    }
    const opened = await openReplica({
      host,
      log: log(),
      stored: this.#stored,
      id,
      options: this.#options,
      founding: options.founding,
    })
    if (this.#state !== 'serving') return
    if ('refused' in opened) {
      if (opened.refused === 'lost-log') this.#fallSilent('lost-log', id)
      // Once the blocks are here, `adopted` tries again.
      else
        this.#logger.warn(
          { reason: opened.refused, consenter: id },
          'blocks are missing; they are pulled before this node takes part',
        )
      this.#follower.follow()
      return
    }
    this.#stored = undefined
    this.#silent = undefined
    this.#snapshotIndex = opened.snapshotIndex
    this.#run(id, opened.core, opened.appliedIndex)
  }

  #run(id: number, core: ConstructorParameters<typeof Replica>[0]['core'], appliedIndex: number): void {
    const { host, log } = this.#parts
    const applier = new Applier({
      host,
      appliedIndex,
      ids: () => this.#set.ids,
      viewOf: (bytes) => this.#submissions.viewOf(bytes),
      decided: (block) => this.#decided(block),
      durable: (index, tip, bytes) => this.#durable(index, tip, bytes),
      failed: (error) => this.#fail(error),
    })
    const replica: Replica = new Replica({
      core,
      log: log(),
      channel: host.channel,
      clock: host.environment.clock,
      alarms: this.#alarms,
      events: {
        send: (message: Message) => this.#send(message.to, { kind: 'raft', message }),
        role: (role) => this.#roleChanged(role),
        membership: () => {
          this.#running?.duties.watchLearners()
          this.#intake.released()
        },
        committed: (entries) => this.#committed(entries),
        install: (snapshot) => void this.#install(snapshot),
        disowned: () => this.#fallSilent('disowned', id),
        failed: (error) => this.#fail(error),
      },
    })
    const duties = new LeaderDuties({
      host,
      id,
      replica,
      alarms: this.#alarms,
      set: () => this.#set,
      heartbeat: this.#options.heartbeat,
      retry: () => this.#intake.released(),
    })
    this.#running = { id, replica, applier, duties }
    this.#logger.info({ consenter: id, applied: appliedIndex }, 'this node orders the channel')
    this.#watchForLeader()
    replica.start()
  }

  #roleChanged(role: RoleState): void {
    const before = this.#role
    this.#role = role
    this.#metrics.role(role)
    const leads = role.role === 'leader'
    if (before.role === 'leader' && (!leads || role.term !== before.term)) {
      this.#intake.end()
      this.#receiver.reset()
    }
    if (leads && (before.role !== 'leader' || role.term !== before.term)) {
      this.#sender.end()
      this.#receiver.reset()
      this.#intake.begin(role.term)
      this.#running?.duties.watchLearners()
    }
    if (!leads && role.leader !== 0) this.#sender.begin(role.leader, role.term)
    if (role.leader !== before.leader) {
      this.#logger.info(
        { term: role.term, leader: role.leader, leads },
        role.leader === 0 ? 'there is no leader' : 'there is a leader',
      )
      this.#watchForLeader()
    }
    this.#route()
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

  #committed(entries: readonly Entry[]): void {
    const running = this.#running
    for (const entry of entries) {
      // A config block may have ended this node's part.
      if (this.#running !== running || running === undefined) return
      const proposal = this.#intake.proposalAt(entry.index, entry.term)
      running.applier.apply(
        entry,
        proposal?.items.map(({ submission }) => submission.envelope),
      )
      if (this.#running !== running) return
      this.#intake.applied(entry.index, entry.term)
      this.#metrics.committed(entry.index, this.#host.environment.clock.monotonic())
      this.#fence(entry.term)
    }
    this.#routeSoon()
  }

  #fence(term: number): void {
    if (term <= this.#lastTerm) return
    this.#lastTerm = term
    this.#submissions.fence(term)
  }

  #decided({ number, envelopes, isConfig, durable }: DecidedBlock): void {
    for (const envelope of envelopes)
      this.#submissions.decided(envelope instanceof Uint8Array ? envelope : envelope.bytes, number, durable)
    if (isConfig) this.#followConfig()
  }

  #durable(index: number, { number, headerHash, consenterMetadata }: Tip, bytes: number): void {
    const running = this.#running
    if (running === undefined) return
    running.replica.applied(index)
    this.#intake.released()
    this.#snapshotBytes += bytes
    if (this.#snapshotBytes < this.#options.snapshotInterval) return
    this.#snapshotBytes = 0
    // Followers that are a little behind still find in memory what came since the snapshot before.
    const retain = index - this.#snapshotIndex
    this.#snapshotIndex = index
    this.#metrics.snapshots.add()
    void running.replica.compact(index, encodeSnapshotData({ number, headerHash, consenterMetadata }), retain)
  }

  async #install(snapshot: Snapshot): Promise<void> {
    const running = this.#running
    const data = decodeSnapshotData(snapshot.data)
    if (running === undefined) return
    const { replica, applier } = running
    this.#logger.info({ index: snapshot.index, block: data?.number, tip: this.#host.tip.number }, 'far behind: pulling blocks')
    try {
      if (data === undefined) throw new RaftError('RAFT_ENTRY_UNREADABLE', 'a snapshot holds nothing that this version can read')
      await this.#follower.pull(data.number)
      if (this.#running !== running) return
      const { tip } = this.#host
      if (tip.number < data.number) throw new OrderError('ORDER_CATCH_UP_FAILED', `block ${data.number} could not be had`)
      if (tip.number === data.number && Buffer.compare(tip.headerHash, data.headerHash) !== 0) {
        this.#fail(new RaftError('RAFT_NODE_FAILED', `block ${tip.number} is another one here than at the leader`))
        return
      }
    } catch (err) {
      this.#logger.warn({ err, index: snapshot.index }, 'the blocks of a snapshot could not be had yet')
      replica.installFailed(snapshot.index)
      return
    }
    applier.skipTo(snapshot.index, Promise.resolve())
    this.#snapshotIndex = snapshot.index
    this.#snapshotBytes = 0
    this.#intake.forgetProposals(snapshot.index)
    replica.installed(snapshot.index)
    this.#fence(snapshot.term)
    this.#routeSoon()
  }

  /** A config block has been decided or taken: who orders may have changed. */
  #followConfig(): void {
    const before = this.#set
    this.#set = this.#readSet()
    if (sameSet(before, this.#set)) {
      if (this.#running === undefined && this.#entering === undefined) void this.#enter()
      else this.#checkConfigsAgain()
      return
    }
    this.#names.follow(this.#set)
    this.#options = channelOptions(metadataOf(this.#host.config))
    this.#checkConfigsAgain()
    const id = idOf(this.#set, certificateOf(this.#host.identity))
    const running = this.#running
    if (running !== undefined && running.id !== id) {
      this.#logger.warn(
        { consenter: running.id, block: this.#host.tip.number },
        'this node is no consenter any more: it follows the chain',
      )
      this.#leave('this orderer is no consenter of the channel any more')
    }
    if (this.#running === undefined) void this.#enter()
  }

  #leave(why: string): void {
    const running = this.#running
    this.#running = undefined
    running?.replica.stop()
    this.#role = { ...NOBODY, term: this.#role.term }
    this.#metrics.role(this.#role)
    this.#intake.end()
    this.#receiver.reset()
    this.#sender.end()
    for (const name of ['raft', 'leaderless', 'learners', 'retry']) this.#alarms.set(name, Number.POSITIVE_INFINITY, () => {})
    for (const waiting of [...this.#submissions.unsent]) this.#submissions.reject(waiting, unavailable(why))
    this.#follower.follow()
  }

  /** This id has promised what this node does not know any more: it never acts under it again. */
  #fallSilent(reason: 'lost-log' | 'disowned', id: number): void {
    this.#silent = reason
    this.#silentId = id
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
    const message = cause instanceof Error ? cause.message : String(cause)
    const error = new RaftError('RAFT_NODE_FAILED', `ordering of ${this.#host.channel} ended: ${message}`, {}, { cause })
    this.#state = 'stopped'
    this.#end()
    void this.#follower.stop()
    this.#failure.reject(error)
  }

  #end(): void {
    this.#running?.replica.stop()
    this.#alarms.stop()
    this.#intake.stop()
    this.#sender.end()
    this.#submissions.close('the orderer is stopping')
  }
}

function sameSet(a: ConsenterSet, b: ConsenterSet): boolean {
  return (
    a.consenters.length === b.consenters.length &&
    a.consenters.every((each, i) => {
      const other = b.consenters[i]!
      return each.id === other.id && each.certificate === other.certificate && each.host === other.host
    })
  )
}

function peerOf(peer: { readonly match: number; readonly active: boolean } | undefined) {
  return peer === undefined ? {} : { match: peer.match, active: peer.active }
}
