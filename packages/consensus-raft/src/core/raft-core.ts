import { Election } from './election.ts'
import { RaftOptionsError } from './errors.ts'
import { Follower } from './follower.ts'
import { Leader } from './leader.ts'
import { isJoint, isMember } from './membership.ts'
import { isWellFormed } from './message.ts'
import { NodeState } from './node-state.ts'
import { Survey } from './survey.ts'
import type {
  CoreStatus,
  DropReason,
  Effects,
  Entry,
  MemberId,
  Membership,
  MembershipTarget,
  Message,
  ProposeResult,
  RaftOptions,
  ReadState,
  Restored,
  RoleState,
  Snapshot,
} from './types.ts'

const NO_READS: readonly ReadState[] = Object.freeze([])

const isFromLeader = ({ type }: Message): boolean => type === 'append' || type === 'heartbeat' || type === 'snapshot'

/**
 * One member of a Raft cluster, as a state machine. `types.ts` says how to drive it and what its effects oblige to; `membership.ts` says
 * how members change and how a node that lost its disk comes back.
 *
 * Times passed in (`now`, milliseconds) come from any clock; safety does not depend on it, see `clock.ts`.
 */
export class RaftCore {
  readonly #node: NodeState
  readonly #election: Election
  readonly #follower: Follower
  #survey: Survey | undefined
  /** Exists while this node leads. */
  #leader: Leader | undefined
  /** Which incarnation each member was first heard with. */
  readonly #incarnations = new Map<MemberId, number>()
  #told: RoleState
  #toldMembership: { index: number; membership: Membership }
  #tellDisowned = false

  /**
   * @param random gives numbers from [0, 1), for election timeouts
   * @throws RaftOptionsError when options or restored state cannot be worked with
   */
  constructor(options: RaftOptions, restored: Restored, random: () => number, now: number) {
    const node = new NodeState(options, restored, random, now)
    this.#node = node
    this.#election = new Election(node)
    this.#follower = new Follower(node)
    this.#told = { role: node.role, term: node.term, leader: node.leader }
    this.#toldMembership = node.log.membershipAt
    if (restored.founding === 'survey' && node.term === 0 && node.log.last === 0) {
      if (!node.promotable) throw new RaftOptionsError('only a founding voter surveys')
      // Also when its own is over: the others' may not be, and who has no history yet must go on telling them that it knows them.
      this.#survey = new Survey(node)
      if (restored.hardState === undefined && !this.#survey.isOver) node.silent = 'survey'
    }
    const { membership } = node.log
    // A lone voter has nobody to wait for.
    if (membership.voters.length === 1 && node.promotable && !isJoint(membership)) node.electionAt = node.now
  }

  get id(): MemberId {
    return this.#node.id
  }

  /**
   * When `tick` wants to be called, on the clock that gives `now`; Infinity: never. It moves away with each message of the leader, so a
   * timer once armed may simply be let fire: `tick` finds nothing to do, and the driver arms the next one.
   */
  get deadline(): number {
    const node = this.#node
    let at: number
    if (node.silent === 'survey') at = this.#survey!.askAt
    else if (node.silent === 'disowned') return Number.POSITIVE_INFINITY
    else if (this.#leader !== undefined) at = this.#leader.deadline
    else if (node.promotable) at = node.electionAt
    else return Number.POSITIVE_INFINITY
    return node.clock.outside(at)
  }

  get status(): CoreStatus {
    const node = this.#node
    const { log } = node
    return {
      id: node.id,
      role: node.role,
      term: node.term,
      leader: node.leader,
      vote: node.vote,
      commit: log.commit,
      applied: log.applied,
      firstIndex: log.first,
      lastIndex: log.last,
      lastTerm: log.lastTerm,
      stable: log.stable,
      uncommittedBytes: this.#leader?.uncommittedBytes ?? 0,
      membership: log.membership,
      membershipIndex: log.membershipAt.index,
      transferTo: this.#leader?.transferTo ?? 0,
      silent: node.silent,
      elections: node.elections,
      peers: this.#leader?.peers ?? [],
    }
  }

  /** The entry at an index, if the log still has it. */
  entryAt(index: number): Entry | undefined {
    return this.#node.log.entryAt(index)
  }

  /** Time has passed: elections, heartbeats, quorum checks, time-outs of transfers. */
  tick(now: number): void {
    const node = this.#node
    node.clock.advance(now)
    if (node.silent === 'disowned') return
    if (node.silent === 'survey') {
      if (node.clock.isDue(this.#survey!.askAt)) this.#survey!.ask()
      return
    }
    if (this.#leader !== undefined) this.#leader.tick()
    else if (node.clock.isDue(node.electionAt)) {
      if (node.promotable) this.#campaign()
      else node.restartElectionTimer()
    }
  }

  /**
   * A message arrived. Whatever it holds, nothing is thrown for it and nothing is damaged; a message without effect says why it was dropped.
   * @throws RaftInvariantError when this node's own state breaks a rule: the node must end
   */
  receive(message: Message, now: number): DropReason | undefined {
    const node = this.#node
    node.clock.advance(now)
    if (!isWellFormed(message)) return 'malformed'
    if (message.to !== node.id) return 'wrong-receiver'
    if (message.from === node.id) return 'unknown-sender'
    if (node.silent === 'disowned') return 'silent'
    if (message.type === 'disown') return this.#disowned(message)
    if (this.#isAmnesiac(message)) {
      node.send('disown', message.from, { context: message.incarnation })
      return 'amnesiac-sender'
    }
    if (message.type === 'survey' || message.type === 'survey-result') return this.#surveyed(message)
    if (node.silent === 'survey') {
      // The others work without this one, and somebody who has to be asked does not answer: there is another way in.
      if (this.#survey!.isOverdue && isFromLeader(message)) this.#fallSilent()
      return 'silent'
    }
    if (message.term > node.term) {
      if (!this.#enterTerm(message)) return 'leased'
    } else if (message.term < node.term) {
      return this.#tellTerm(message)
    }
    return this.#dispatch(message)
  }

  /** A member with two incarnations has lost its disk and was started under its old id: only the first one heard is listened to. */
  #isAmnesiac(message: Message): boolean {
    const known = this.#incarnations.get(message.from)
    if (known !== undefined) return known !== message.incarnation
    if (isMember(this.#node.log.membership, message.from)) this.#incarnations.set(message.from, message.incarnation)
    return false
  }

  #disowned(message: Message): DropReason | undefined {
    // Meant for another incarnation of this id, or made up by one who does not know us.
    if (message.context !== this.#node.incarnation) return 'unexpected'
    this.#fallSilent()
    return undefined
  }

  #fallSilent(): void {
    const node = this.#node
    this.#leader = undefined
    node.role = 'follower'
    node.leader = 0
    node.silent = 'disowned'
    node.outbox.silence()
    this.#tellDisowned = true
  }

  #surveyed(message: Message): DropReason | undefined {
    const survey = this.#survey
    const node = this.#node
    if (message.type === 'survey') {
      if (survey !== undefined) survey.asked(message)
      else node.send('survey-result', message.from, { index: node.log.last })
      return undefined
    }
    if (survey === undefined || node.silent !== 'survey') return 'unexpected'
    if (survey.answer(message)) this.#fallSilent()
    else if (survey.isOver) {
      node.silent = 'no'
      // Durable, this says that the survey need not be held again.
      node.outbox.rewriteHardState()
      node.restartElectionTimer()
    }
    return undefined
  }

  /** A message of a later term (5.1). False if it is a request for a vote that a leader's presence forbids to look at. */
  #enterTerm(message: Message): boolean {
    const { type, term, from } = message
    if (type === 'vote' || type === 'pre-vote') {
      if (this.#election.isLeased(message)) return false
      // A pre-vote asks about a term that nobody has entered yet.
      if (type === 'pre-vote') return true
    } else if (type === 'pre-vote-result' && !message.reject) {
      return true
    }
    this.#becomeFollower(term, isFromLeader(message) ? from : 0)
    return true
  }

  /** A message of an earlier term: whoever still leads or stands in it learns of ours. */
  #tellTerm(message: Message): DropReason {
    const node = this.#node
    const { type, from, index } = message
    if (isFromLeader(message)) node.sendDurably('append-result', from, { index, reject: true })
    else if (type === 'vote') node.sendDurably('vote-result', from, { reject: true })
    else if (type === 'pre-vote') node.sendDurably('pre-vote-result', from, { reject: true })
    return 'stale-term'
  }

  #dispatch(message: Message): DropReason | undefined {
    switch (message.type) {
      case 'append':
      case 'heartbeat':
      case 'snapshot':
        return this.#fromLeader(message)
      case 'vote':
      case 'pre-vote':
        this.#election.requested(message)
        return undefined
      case 'vote-result':
      case 'pre-vote-result':
        return this.#voted(message)
      case 'append-result':
      case 'heartbeat-result':
        return this.#leader === undefined ? 'not-leader' : this.#leader.answered(message)
      case 'timeout-now':
        return this.#timeoutNow(message)
      case 'read-index':
        return this.#remoteRead(message)
      case 'read-index-result':
        if (message.from !== this.#node.leader) return 'unexpected'
        this.#node.reads.push({ context: message.context, index: message.index })
        return undefined
      default:
        return 'unexpected'
    }
  }

  #fromLeader(message: Message): DropReason | undefined {
    const node = this.#node
    if (node.role === 'leader' || (node.leader !== 0 && node.leader !== message.from)) return 'second-leader'
    if (node.role !== 'follower') this.#becomeFollower(node.term, message.from)
    node.leader = message.from
    node.contactAt = node.now
    node.restartElectionTimer()
    if (message.type === 'append') this.#follower.append(message)
    else if (message.type === 'snapshot') this.#follower.snapshot(message)
    else return this.#follower.heartbeat(message)
    return undefined
  }

  #voted(message: Message): DropReason | undefined {
    const outcome = this.#election.answered(message)
    if (outcome === 'won') {
      if (this.#node.role === 'pre-candidate') this.#election.stand(false)
      else this.#lead()
    } else if (outcome === 'lost') {
      this.#becomeFollower(this.#node.term, 0)
    } else if (outcome !== 'pending') {
      return outcome
    }
    return undefined
  }

  #timeoutNow(message: Message): DropReason | undefined {
    const node = this.#node
    if (node.role !== 'follower' || node.leader !== message.from) return 'unexpected'
    if (!node.promotable) return 'unexpected'
    // No pre-vote: the leader itself asks for this election (3.10).
    this.#election.stand(true)
    return undefined
  }

  #campaign(): void {
    if (!this.#node.options.preVote || this.#election.askBefore() === 'won') this.#election.stand(false)
  }

  #becomeFollower(term: number, leader: MemberId): void {
    const node = this.#node
    this.#leader = undefined
    this.#election.clear()
    if (term > node.term) {
      node.term = term
      node.vote = 0
    }
    node.role = 'follower'
    node.leader = leader
    if (leader !== 0) node.contactAt = node.now
    node.redrawElectionTimer()
  }

  #lead(): void {
    const node = this.#node
    this.#election.clear()
    node.role = 'leader'
    node.leader = node.id
    this.#leader = new Leader(node, () => this.#becomeFollower(node.term, 0))
  }

  #notLeader(): ProposeResult {
    return { accepted: false, reason: 'not-leader', leader: this.#node.leader }
  }

  /** Leader: appends these payloads as `normal` entries, all or none. Appends of one turn travel together at `take`. */
  propose(payloads: readonly Uint8Array[], now: number): ProposeResult {
    this.#node.clock.advance(now)
    return this.#leader?.propose(payloads) ?? this.#notLeader()
  }

  /**
   * Leader: appends one entry with a config block's envelope and, if a target is given, the membership change that goes with it. With an
   * empty payload it is an `empty` entry that only changes members (the way back of a node under a fresh id; a learner made a voter). A target
   * that equals the present members changes nothing. A joint configuration ends by itself; a leader that removes itself hands over when the
   * change is committed.
   */
  proposeConfig(payload: Uint8Array, target: MembershipTarget | undefined, now: number): ProposeResult {
    this.#node.clock.advance(now)
    return this.#leader?.proposeConfig(payload, target) ?? this.#notLeader()
  }

  /**
   * Leader: hands leadership to a voter (3.10); 0: to the one with the longest log. Proposals are refused until another leads or T has
   * passed. Accepted means begun.
   */
  transfer(to: MemberId, now: number): ProposeResult {
    this.#node.clock.advance(now)
    return this.#leader?.transfer(to) ?? this.#notLeader()
  }

  /**
   * Any node: asks for a read index. The answer comes in `Effects.reads` under the same context, or never (leadership changed, a message
   * was lost): after a time-out ask again, with another context. Contexts (non-negative safe integers) must not repeat within the life of an
   * id, restarts included: begin at a random number.
   */
  readIndex(context: number, now: number): ProposeResult {
    const node = this.#node
    node.clock.advance(now)
    if (this.#leader !== undefined) {
      if (!this.#leader.read(node.id, context)) return { accepted: false, reason: 'too-many-reads', leader: node.id }
    } else if (node.leader !== 0 && node.silent === 'no') {
      node.send('read-index', node.leader, { context })
    } else {
      return this.#notLeader()
    }
    return { accepted: true, index: node.log.commit, term: node.term }
  }

  #remoteRead(message: Message): DropReason | undefined {
    if (this.#leader === undefined) return 'not-leader'
    return this.#leader.read(message.from, message.context) ? undefined : 'too-many-reads'
  }

  /**
   * The batch `sequence` and all before it are durable. Never call it for a write that failed: end the node.
   * @throws RaftInvariantError for a batch that was never given out
   */
  persisted(sequence: number, now: number): void {
    const node = this.#node
    node.clock.advance(now)
    const own = node.outbox.persisted(sequence)
    if (node.silent === 'disowned') return
    for (const message of own) if (message.term === node.term && message.type === 'vote-result') this.#voted(message)
    this.#leader?.persisted()
  }

  /** The state machine has applied all up to `index`, durably. It bounds compaction. */
  applied(index: number): void {
    const { log } = this.#node
    log.applied = Math.max(log.applied, Math.min(index, log.handed))
  }

  /** The state machine stands, durably, at the snapshot that `Effects.install` asked for. */
  installed(index: number, now: number): void {
    this.#node.clock.advance(now)
    if (this.#node.silent !== 'no') return
    this.#follower.installed(index)
  }

  /** It could not be brought there; the core forgets the snapshot and takes the leader's next one. */
  installFailed(index: number): void {
    this.#follower.installFailed(index)
  }

  /**
   * Makes a snapshot at an applied index that the log still has: term and membership from the log, `data` from the shell. Changes nothing.
   * @throws RangeError for an index that is compacted, or not applied
   */
  snapshotAt(index: number, data: Uint8Array): Snapshot {
    const { log } = this.#node
    const term = log.termAt(index)
    if (index > log.applied || term <= 0)
      throw new RangeError(`no snapshot can be made at ${index}: applied up to ${log.applied}`)
    return { index, term, membership: log.membershipAsOf(index), data }
  }

  /**
   * Forgets the log up to `retain` entries before a snapshot of {@link snapshotAt}; members that need older entries get the snapshot
   * instead. Call it when the snapshot is durable in the write-ahead log, never before. One that is older than the last is ignored.
   */
  compact(snapshot: Snapshot, retain: number): void {
    const { log } = this.#node
    if (snapshot.index > log.applied || log.termAt(snapshot.index) !== snapshot.term) return
    if (snapshot.index <= (log.snapshot?.index ?? 0)) return
    log.compact(snapshot, Math.max(0, Math.floor(retain)))
  }

  /** The transport could not deliver to this peer: the leader stops sending ahead and probes. */
  unreachable(id: MemberId): void {
    this.#leader?.unreachable(id)
  }

  /**
   * All that was produced since the last call, or undefined if nothing was. Call it after each turn's events; appends and read
   * confirmations are made here, so that one turn's proposals, commits and reads share messages.
   */
  take(now: number): Effects | undefined {
    const node = this.#node
    node.clock.advance(now)
    this.#leader?.flush()
    const { outbox, log } = node
    const persist = node.silent === 'disowned' ? undefined : outbox.takePersist(node.term, node.vote, log.commit)
    const messages = outbox.takeMessages()
    const committed = log.takeCommitted()
    const install = this.#follower.takeInstall()
    const { reads } = node
    const told = this.#told
    const roleChanged = told.role !== node.role || told.term !== node.term || told.leader !== node.leader
    const membershipAt = log.membershipAt
    const membershipChanged = membershipAt !== this.#toldMembership
    const disowned = this.#tellDisowned
    if (
      persist === undefined &&
      messages.length === 0 &&
      committed.length === 0 &&
      install === undefined &&
      reads.length === 0 &&
      !roleChanged &&
      !membershipChanged &&
      !disowned
    )
      return undefined
    if (reads.length > 0) node.reads = []
    if (roleChanged) this.#told = { role: node.role, term: node.term, leader: node.leader }
    if (membershipChanged) {
      this.#toldMembership = membershipAt
      for (const id of this.#incarnations.keys()) if (!isMember(membershipAt.membership, id)) this.#incarnations.delete(id)
    }
    this.#tellDisowned = false
    return {
      persist,
      messages,
      committed,
      install,
      reads: reads.length > 0 ? reads : NO_READS,
      role: roleChanged ? this.#told : undefined,
      membership: membershipChanged ? membershipAt : undefined,
      disowned,
    }
  }
}
