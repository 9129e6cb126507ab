import { entryBytes } from './log.ts'
import { allMembers } from './membership.ts'
import { appendMessage } from './message.ts'
import type { NodeState } from './node-state.ts'
import { Progress } from './progress.ts'
import { isQuorum, reachedByQuorum } from './quorum.ts'
import type { DropReason, Entry, MemberId, Message, PeerStatus } from './types.ts'

/** The leader's side of 5.3: who has what, what to send next, and what is committed. Exists for one term of leadership. */
export class Replication {
  readonly #node: NodeState
  readonly #peers = new Map<MemberId, Progress>()
  /** The others, in ascending order of id, for loops that run each turn. */
  #others: Progress[] = []
  /** Those who left, until they have heard that they did, or for a while: they count for nothing. */
  #departing: { readonly progress: Progress; readonly index: number; readonly until: number }[] = []
  #membershipIndex = -1
  #uncommitted = 0
  /** The slice that was sent last in this flush: followers that are level get the same array. */
  #sliceFrom = 0
  #slice: readonly Entry[] = []
  #sliceBytes = 0
  readonly #matchOf: (id: MemberId) => number
  readonly #roundOf: (id: MemberId) => number
  #round = 0

  constructor(node: NodeState) {
    this.#node = node
    this.#matchOf = (id) => this.#peers.get(id)?.match ?? 0
    this.#roundOf = (id) => (id === node.id ? this.#round : (this.#peers.get(id)?.readRound ?? 0))
    const { log } = node
    for (let index = log.commit + 1; index <= log.last; index++) this.#uncommitted += log.entryAt(index)!.payload.length
    this.followMembership()
    this.noteStable()
  }

  get uncommittedBytes(): number {
    return this.#uncommitted
  }

  peer(id: MemberId): Progress | undefined {
    return this.#peers.get(id) ?? this.#departing.find(({ progress }) => progress.id === id)?.progress
  }

  /** Takes an entry of this leader into the log; it travels at the next {@link flush}. */
  append(entry: Entry): void {
    this.#node.log.append(entry)
    this.#uncommitted += entry.payload.length
    if (entry.membership !== undefined) this.followMembership()
  }

  /** Begins to send to new members, ends with those who left, as the membership in force says. */
  followMembership(): void {
    const { log, options, id: self, now } = this.#node
    const at = log.membershipAt
    if (at.index === this.#membershipIndex) return
    this.#membershipIndex = at.index
    const members = allMembers(at.membership)
    for (const progress of this.#others)
      if (!members.includes(progress.id)) {
        this.#peers.delete(progress.id)
        this.#departing.push({ progress, index: at.index, until: now + 2 * options.electionTimeout })
      }
    for (const id of members)
      if (!this.#peers.has(id)) {
        this.#departing = this.#departing.filter(({ progress }) => progress.id !== id)
        // A new member counts as heard from, so that a quorum check right after the change does not fail.
        this.#peers.set(id, new Progress(id, log.last + 1, true, options.maxInflight, options.maxInflightBytes))
      }
    this.#others = members.filter((id) => id !== self).map((id) => this.#peers.get(id)!)
    this.noteStable()
  }

  /** The leader counts its own entries only when they are durable here, too. */
  noteStable(): void {
    const { log, id } = this.#node
    const own = this.#peers.get(id)
    own?.advance(Math.min(log.stable, log.last))
  }

  /** Moves the commit index as far as a quorum has this term's entries (5.3, 5.4.2). True if it moved. */
  advanceCommit(): boolean {
    const { log, term } = this.#node
    const reached = reachedByQuorum(log.membership, this.#matchOf)
    // An entry of an earlier term is committed only by one of this term after it.
    if (reached <= log.commit || log.termAt(reached) !== term) return false
    for (let index = log.commit + 1; index <= reached; index++) this.#uncommitted -= log.entryAt(index)!.payload.length
    log.commitTo(reached)
    return true
  }

  /** Sends all that is due: new entries as far as windows allow, probes, news of the commit index. */
  flush(): void {
    const others = this.#others
    this.#sliceFrom = 0
    for (let i = 0; i < others.length; i++) this.#flushTo(others[i]!)
    if (this.#departing.length > 0) this.#bidFarewell()
    this.#slice = []
  }

  #bidFarewell(): void {
    this.#departing = this.#departing.filter(({ progress, index, until }) => {
      this.#flushTo(progress)
      return this.#node.now < until && (progress.match < index || progress.sentCommit < index)
    })
  }

  #flushTo(progress: Progress): void {
    const { log } = this.#node
    if (progress.state === 'snapshot' || progress.paused) return
    if (progress.state === 'probe') {
      if (progress.wanted || progress.next <= log.last) this.#sendAppend(progress)
      return
    }
    let sent = false
    while (progress.state === 'replicate' && progress.next <= log.last && !progress.inflights.full) {
      this.#sendAppend(progress)
      sent = true
    }
    if (sent || progress.state !== 'replicate') return
    // Empty: after a heartbeat's answer it finds out whether what filled the window was lost; else it brings the commit index.
    if (progress.wanted || (log.commit > progress.sentCommit && progress.sentCommit < progress.next - 1))
      this.#sendAppend(progress)
  }

  #sendAppend(progress: Progress): void {
    const node = this.#node
    const { log } = node
    const before = progress.next - 1
    const beforeTerm = log.termAt(before)
    if (beforeTerm < 0) {
      this.#sendSnapshot(progress)
      return
    }
    let entries: readonly Entry[] = []
    let bytes = 0
    if (progress.next <= log.last && (progress.state === 'probe' || !progress.inflights.full)) {
      if (this.#sliceFrom !== progress.next) {
        this.#slice = log.slice(progress.next, node.options.maxMessageBytes)
        this.#sliceFrom = progress.next
        this.#sliceBytes = 0
        for (let i = 0; i < this.#slice.length; i++) this.#sliceBytes += entryBytes(this.#slice[i]!)
      }
      entries = this.#slice
      bytes = this.#sliceBytes
    }
    node.outbox.send(appendMessage(node, progress.id, before, beforeTerm, log.commit, entries))
    progress.sent(entries.length, bytes, log.commit)
  }

  #sendSnapshot(progress: Progress): void {
    const { log } = this.#node
    // Not to one that is not heard from: it would be put into a state in which nothing probes it.
    if (!progress.active || log.snapshot === undefined) return
    progress.becomeSnapshot(log.snapshot.index, this.#node.now)
    this.#node.send('snapshot', progress.id, { snapshot: log.snapshot })
  }

  /** An answer to an append. True if it may have moved the commit index. */
  appendAnswered(progress: Progress, message: Message): boolean | DropReason {
    const { log } = this.#node
    // Nobody can match, or refuse, what this leader does not have.
    if (message.index > log.last) return 'impossible-index'
    progress.active = true
    if (message.reject) {
      const hint = Math.min(message.hint, message.index)
      progress.retreat(message.index, log.lastNotAbove(hint, message.logTerm === 0 ? Number.MAX_SAFE_INTEGER : message.logTerm))
      return false
    }
    const advanced = progress.advance(message.index)
    if (progress.state === 'probe') {
      if (advanced || message.index === progress.match) progress.becomeReplicate()
    } else if (progress.state === 'snapshot') {
      // At whatever index it was installed: as soon as the log goes on from there, so does replication.
      if (advanced && progress.match >= log.first - 1) progress.becomeReplicate()
    } else {
      progress.inflights.freeUpTo(message.index)
    }
    return advanced
  }

  /** An answer to a heartbeat: the follower lives, so try again what may have been lost. */
  heartbeatAnswered(progress: Progress, round: number): void {
    const { log, now, options } = this.#node
    progress.active = true
    progress.paused = false
    if (round > progress.readRound && round <= this.#round) progress.readRound = round
    if (progress.state === 'snapshot') {
      if (now - progress.snapshotSentAt >= options.electionTimeout && log.snapshot !== undefined) this.#sendSnapshot(progress)
    } else if (progress.match < log.last || progress.state === 'probe') {
      progress.wanted = true
    }
  }

  /** Sends a heartbeat to all, with a round of read confirmation. */
  heartbeat(round: number): void {
    const { log } = this.#node
    this.#round = round
    for (const progress of this.#others) {
      const commit = Math.min(progress.match, log.commit)
      this.#node.send('heartbeat', progress.id, { commit, context: round })
      if (commit > progress.sentCommit) progress.sentCommit = commit
    }
  }

  /** Highest round that a quorum has answered. */
  confirmedRound(): number {
    return reachedByQuorum(this.#node.log.membership, this.#roundOf)
  }

  /** Whether a quorum was heard from since the last check; begins the next period. */
  checkQuorum(): boolean {
    const { log, id: self } = this.#node
    const alive = isQuorum(log.membership, (id) => id === self || this.#peers.get(id)?.active === true)
    for (const progress of this.#others) progress.active = false
    return alive
  }

  unreachable(id: MemberId): void {
    const progress = this.#peers.get(id)
    if (progress?.state === 'replicate') progress.becomeProbe()
  }

  /** The voter, other than this node, of the longest log among those heard from lately; 0 if there is none. */
  heir(): MemberId {
    const { log } = this.#node
    let best: Progress | undefined
    for (const progress of this.#others)
      if (log.membership.voters.includes(progress.id) && progress.active && (best === undefined || progress.match > best.match))
        best = progress
    return best?.id ?? 0
  }

  status(): PeerStatus[] {
    const own = this.#peers.get(this.#node.id)
    return [...this.#peers.values()]
      .map(({ id, state, match, next, active }) => ({ id, state: id === own?.id ? 'replicate' : state, match, next, active }))
      .sort((a, b) => a.id - b.id)
  }
}
