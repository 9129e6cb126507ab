import { MonotoneClock } from './clock.ts'
import { RaftOptionsError } from './errors.ts'
import { RaftLog } from './log.ts'
import { isSnapshot, type MessageFields, makeMessage } from './message.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import type { HardState, MemberId, MessageType, RaftOptions, ReadState, Restored, Role } from './types.ts'
import { drawTimeout } from './votes.ts'

/** Checks what came from disk: a node must not start on a log with a hole in it. @throws RaftOptionsError */
const restoreLog = (id: MemberId, restored: Restored): { log: RaftLog; hardState: HardState; written: HardState } => {
  const { snapshot, entries = [] } = restored
  if (snapshot !== undefined && !isSnapshot(snapshot)) throw new RaftOptionsError('the restored snapshot is malformed')
  if (snapshot !== undefined && (snapshot.index === 0) !== (snapshot.term === 0))
    throw new RaftOptionsError(`no snapshot can stand at index ${snapshot.index} and term ${snapshot.term}`)
  let index = snapshot?.index ?? 0
  let term = snapshot?.term ?? 0
  for (const entry of entries) {
    if (entry.index !== index + 1 || entry.term < Math.max(term, 1))
      throw new RaftOptionsError(`restored entry ${entry.index} of term ${entry.term} does not follow ${index} of term ${term}`)
    index = entry.index
    term = entry.term
  }
  const log = new RaftLog(id, snapshot, entries)
  const written = restored.hardState ?? { term: 0, vote: 0, commit: log.commit }
  // A crash came between the entries of a batch and its hard state. No vote of a later term left this node, or it would be durable.
  const hardState = written.term < term ? { term, vote: 0, commit: written.commit } : written
  if (hardState.commit > index)
    throw new RaftOptionsError(`the restored log ends at ${index}, but ${hardState.commit} was committed`)
  log.commitTo(hardState.commit)
  const applied = Math.min(restored.applied ?? log.applied, log.commit)
  log.applied = Math.max(log.applied, applied)
  log.handed = log.applied
  return { log, hardState, written }
}

/** What all parts of the core share: identity, term, vote, role, log, and the way out. */
export class NodeState {
  readonly id: MemberId
  readonly incarnation: number
  readonly options: ResolvedOptions
  readonly log: RaftLog
  readonly outbox: Outbox
  readonly clock: MonotoneClock
  readonly #random: () => number
  term: number
  vote: MemberId
  role: Role = 'follower'
  leader: MemberId = 0
  /** When the election timer fires, and when a leader was last heard from; in the core's own time. */
  electionAt = 0
  #timeout = 0
  contactAt = 0
  elections = 0
  /** `no`, or why this node takes no part: it asks around first, or it has learnt that it must not. */
  silent: 'no' | 'survey' | 'disowned' = 'no'
  /** Confirmed reads of this node that were not handed out yet. */
  reads: ReadState[] = []

  constructor(options: RaftOptions, restored: Restored, random: () => number, now: number) {
    this.options = resolveOptions(options)
    this.id = this.options.id
    this.incarnation = this.options.incarnation
    this.#random = random
    const { log, hardState, written } = restoreLog(this.id, restored)
    this.log = log
    this.term = hardState.term
    this.vote = hardState.vote
    this.clock = new MonotoneClock(now)
    this.outbox = new Outbox(this.id, log, written)
    this.redrawElectionTimer()
  }

  get now(): number {
    return this.clock.elapsed
  }

  /**
   * Whether this node may stand for election. Learners and removed ones do not, but one whose removal is not committed does, without counting
   * its own vote (dissertation 4.2.2): it may be the only one with the entry that removes it, and then nobody else can win.
   */
  get promotable(): boolean {
    return this.log.mayVote(this.id)
  }

  /** Draws a new timeout (5.2: at each election, so that candidates do not collide for ever) and starts it. */
  redrawElectionTimer(): void {
    this.#timeout = drawTimeout(this.options.electionTimeout, this.#random())
    this.restartElectionTimer()
  }

  restartElectionTimer(): void {
    this.electionAt = this.now + this.#timeout
  }

  send(type: MessageType, to: MemberId, fields: MessageFields, term: number = this.term): void {
    this.outbox.send(makeMessage(this, type, to, fields, term))
  }

  /** Sends when all that this node has not written yet is durable. */
  sendDurably(type: MessageType, to: MemberId, fields: MessageFields, term: number = this.term): void {
    this.outbox.hold(makeMessage(this, type, to, fields, term), this.term, this.vote)
  }
}
