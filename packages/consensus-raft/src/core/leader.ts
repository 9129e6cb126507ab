import { beginChange, endChange, isJoint, sameMembership, settledMembership } from './membership.ts'
import type { NodeState } from './node-state.ts'
import { MAX_PENDING_READS } from './options.ts'
import { ReadQueue } from './read-index.ts'
import { Replication } from './replication.ts'
import type {
  DropReason,
  EntryKind,
  MemberId,
  Membership,
  MembershipTarget,
  Message,
  PeerStatus,
  ProposeResult,
  Refusal,
} from './types.ts'

const NO_BYTES = new Uint8Array(0)

/**
 * One term of leadership: proposals, commits, membership changes, leadership transfer, reads. Made when an election is won, thrown away
 * when the node follows again.
 */
export class Leader {
  readonly #node: NodeState
  readonly #replication: Replication
  readonly #reads = new ReadQueue(MAX_PENDING_READS)
  readonly #stepDown: () => void
  /** Index of the first entry of this term: when it is committed, all before it is known to be. */
  readonly #termStart: number
  #heartbeatAt: number
  #quorumCheckAt: number
  #transferTo: MemberId = 0
  #transferAt = 0
  /** Whether this leader, on its way out, has tried once to hand over before it ends the joint configuration itself. */
  #triedHandover = false

  /** @param stepDown makes the node a follower of nobody in the same term; this object is not used afterwards */
  constructor(node: NodeState, stepDown: () => void) {
    this.#node = node
    this.#stepDown = stepDown
    this.#replication = new Replication(node)
    this.#quorumCheckAt = node.now + node.options.electionTimeout
    this.#heartbeatAt = node.now + node.options.heartbeat
    // Commits everything before it, since only entries of the own term may be committed by counting (5.4.2).
    // The first of all carries the founding members, for those who join later and get nothing but the log.
    this.#termStart = this.#append('empty', NO_BYTES, node.log.last === 0 ? node.log.membership : undefined)
  }

  get deadline(): number {
    let at = this.#heartbeatAt
    if (this.#node.options.checkQuorum && this.#quorumCheckAt < at) at = this.#quorumCheckAt
    if (this.#transferTo !== 0 && this.#transferAt < at) at = this.#transferAt
    return at
  }

  get transferTo(): MemberId {
    return this.#transferTo
  }

  get uncommittedBytes(): number {
    return this.#replication.uncommittedBytes
  }

  get peers(): PeerStatus[] {
    return this.#replication.status()
  }

  /** Whether an entry of this term is committed. */
  get #settled(): boolean {
    return this.#node.log.commit >= this.#termStart
  }

  tick(): void {
    const { now, options, clock } = this.#node
    if (clock.isDue(this.#quorumCheckAt)) {
      this.#quorumCheckAt = now + options.electionTimeout
      if (options.checkQuorum && !this.#replication.checkQuorum()) {
        this.#stepDown()
        return
      }
    }
    if (this.#transferTo !== 0 && clock.isDue(this.#transferAt)) {
      this.#transferTo = 0
      this.#endJoint()
    }
    if (clock.isDue(this.#heartbeatAt)) this.#heartbeat()
  }

  #heartbeat(): void {
    this.#heartbeatAt = this.#node.now + this.#node.options.heartbeat
    this.#reads.asked()
    this.#replication.heartbeat(this.#reads.round)
  }

  /** An answer to an append or a heartbeat. */
  answered(message: Message): DropReason | undefined {
    const progress = this.#replication.peer(message.from)
    if (progress === undefined) return 'unknown-sender'
    if (message.type === 'heartbeat-result') {
      this.#replication.heartbeatAnswered(progress, message.context)
      this.#answerReads()
      return undefined
    }
    const outcome = this.#replication.appendAnswered(progress, message)
    if (typeof outcome === 'string') return outcome
    if (outcome) {
      if (this.#transferTo === message.from) this.#pushTransfer()
      this.#advanceCommit()
    }
    return undefined
  }

  /** More of the leader's own log is durable. */
  persisted(): void {
    this.#replication.noteStable()
    this.#advanceCommit()
  }

  /** Sends what is due. */
  flush(): void {
    this.#replication.flush()
    if (!this.#reads.mustAsk) return
    this.#heartbeat()
    // A lone voter is its own quorum.
    this.#answerReads()
  }

  unreachable(id: MemberId): void {
    this.#replication.unreachable(id)
  }

  #append(kind: EntryKind, payload: Uint8Array, membership: Membership | undefined): number {
    const { log, term } = this.#node
    const index = log.last + 1
    this.#replication.append({ index, term, kind, payload, membership })
    if (membership !== undefined && !membership.voters.includes(this.#transferTo)) this.#transferTo = 0
    return index
  }

  #advanceCommit(): void {
    if (!this.#replication.advanceCommit()) return
    this.#reads.begin(this.#node.log.commit)
    this.#endJoint()
    this.#leaveIfRemoved()
  }

  /**
   * Ends a joint configuration as soon as it is committed. A leader that is on its way out hands over first, so that the end is made by one
   * that stays; if nobody takes over in time it ends it itself.
   */
  #endJoint(): void {
    const { log, id } = this.#node
    const { index, membership } = log.membershipAt
    if (!isJoint(membership) || index > log.commit || !this.#settled || this.#transferTo !== 0) return
    if (!membership.voters.includes(id) && !this.#triedHandover) {
      this.#triedHandover = true
      const heir = this.#replication.heir()
      if (heir !== 0) {
        this.#beginTransfer(heir)
        return
      }
    }
    this.#append('empty', NO_BYTES, endChange(membership))
  }

  /** A leader that is no voter any more leaves once that is committed (section 6), and tells the one with the longest log to take over. */
  #leaveIfRemoved(): void {
    const { log, id } = this.#node
    const { index, membership } = log.membershipAt
    if (isJoint(membership) || membership.voters.includes(id) || index > log.commit) return
    // The others hear of the commit first, since nobody who stays need know of it.
    this.#replication.flush()
    const heir = this.#replication.heir()
    if (heir !== 0) this.#node.send('timeout-now', heir, {})
    this.#stepDown()
  }

  #refuse(reason: Refusal): ProposeResult {
    return { accepted: false, reason, leader: this.#node.id }
  }

  /** Why nothing of this size can be appended now. */
  #obstacle(bytes: number): Refusal | undefined {
    if (this.#transferTo !== 0) return 'transferring'
    const waiting = this.#replication.uncommittedBytes
    if (waiting > 0 && bytes > 0 && waiting + bytes > this.#node.options.maxUncommittedBytes) return 'too-much-uncommitted'
    return undefined
  }

  propose(payloads: readonly Uint8Array[]): ProposeResult {
    let bytes = 0
    for (const payload of payloads) {
      if (payload.length === 0) return this.#refuse('empty-proposal')
      bytes += payload.length
    }
    if (payloads.length === 0) return this.#refuse('empty-proposal')
    const obstacle = this.#obstacle(bytes)
    if (obstacle !== undefined) return this.#refuse(obstacle)
    const { log, term } = this.#node
    const index = log.last + 1
    for (const payload of payloads) this.#append('normal', payload, undefined)
    return { accepted: true, index, term }
  }

  proposeConfig(payload: Uint8Array, target: MembershipTarget | undefined): ProposeResult {
    if (payload.length === 0 && target === undefined) return this.#refuse('empty-proposal')
    const obstacle = this.#obstacle(payload.length)
    if (obstacle !== undefined) return this.#refuse(obstacle)
    let membership: Membership | undefined
    if (target !== undefined) {
      const { log } = this.#node
      const settled = settledMembership(target)
      if (settled === undefined) return this.#refuse('invalid-membership')
      const current = log.membershipAt
      // In this order: a leader that has committed nothing of its own cannot know what is pending (see membership.ts).
      if (!this.#settled) return this.#refuse('leader-too-new')
      if (isJoint(current.membership) || current.index > log.commit) return this.#refuse('change-pending')
      if (!sameMembership(current.membership, settled)) membership = beginChange(current.membership, target)
    }
    const index = this.#append(payload.length === 0 ? 'empty' : 'config', payload, membership)
    return { accepted: true, index, term: this.#node.term }
  }

  transfer(to: MemberId): ProposeResult {
    const { log, id, term } = this.#node
    const target = to === 0 ? this.#replication.heir() : to
    if (target === id || !log.membership.voters.includes(target)) return this.#refuse('invalid-target')
    if (this.#transferTo !== target) this.#beginTransfer(target)
    return { accepted: true, index: log.last, term }
  }

  #beginTransfer(to: MemberId): void {
    this.#transferTo = to
    this.#transferAt = this.#node.now + this.#node.options.electionTimeout
    this.#pushTransfer()
  }

  /** As soon as the target has the whole log it is told to stand. */
  #pushTransfer(): void {
    const progress = this.#replication.peer(this.#transferTo)
    if (progress === undefined) return
    if (progress.match === this.#node.log.last) this.#node.send('timeout-now', this.#transferTo, {})
    else progress.wanted = true
  }

  /** A read, of this node or of a follower. False if too many wait. */
  read(from: MemberId, context: number): boolean {
    if (this.#reads.full) return false
    if (this.#settled) this.#reads.add(from, context, this.#node.log.commit)
    else this.#reads.postpone(from, context)
    return true
  }

  #answerReads(): void {
    if (this.#reads.isEmpty) return
    const node = this.#node
    for (const { from, context, index } of this.#reads.confirm(this.#replication.confirmedRound())) {
      if (from === node.id) node.reads.push({ context, index })
      else node.send('read-index-result', from, { context, index })
    }
  }
}
