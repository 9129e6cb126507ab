import { MonotoneClock } from './clock.ts'
import { RaftOptionsError } from './errors.ts'
import { RaftLog } from './log.ts'
import { isVoter } from './membership.ts'
import { isSnapshot, type MessageFields, makeMessage } from './message.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import type { HardState, MemberId, MessageType, RaftOptions, ReadState, Restored, Role } from './types.ts'
import { drawTimeout } from './votes.ts'

/** Checks what came from disk: a node must not start on a log with a hole in it. @throws RaftOptionsError */
const restoreLog = (id: MemberId, restored: Restored): { log: RaftLog; hardState: HardState } => {
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
  const hardState = restored.hardState ?? { term, vote: 0, commit: log.commit }
  if (hardState.term < term) throw new RaftOptionsError(`the restored term ${hardState.term} is below that of the log, ${term}`)
  if (hardState.commit > index)
    throw new RaftOptionsError(`the restored log ends at ${index}, but ${hardState.commit} was committed`)
  log.commitTo(hardState.commit)
  const applied = Math.min(restored.applied ?? log.applied, log.commit)
  log.applied = Math.max(log.applied, applied)
  log.handed = log.applied
  return { log, hardState: { ...hardState, commit: log.commit } }
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
    const { log, hardState } = restoreLog(this.id, restored)
    this.log = log
    this.term = hardState.term
    this.vote = hardState.vote
    this.clock = new MonotoneClock(now)
    this.outbox = new Outbox(this.id, log, hardState)
    this.redrawElectionTimer()
  }

  get now(): number {
    return this.clock.elapsed
  }

  /** Whether this node may stand for election: it votes in the membership in force (5.2; learners and removed ones do not). */
  get promotable(): boolean {
    return isVoter(this.log.membership, this.id)
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
