import { RaftInvariantError } from './errors.ts'
import type { RaftLog } from './log.ts'
import type { HardState, MemberId, Message, Persist, Snapshot } from './types.ts'

interface Held {
  readonly sequence: number
  readonly message: Message
}

/** A batch that was given out to be written. `lastIndex` shrinks when what it wrote is truncated while it is on its way. */
interface Writing {
  readonly sequence: number
  lastIndex: number
}

const NO_MESSAGES: readonly Message[] = Object.freeze([])

/** Mostly all of them, which needs no new list. */
const dropFirst = (list: unknown[], count: number): void => {
  if (count === list.length) list.length = 0
  else if (count > 0) list.splice(0, count)
}

/**
 * What leaves the core, and when.
 *
 * Messages that promise something (votes, answers to appends) or that speak of what is not durable yet (a request for votes names the
 * candidate's term and last entry) are held until all that was unwritten when they were made is durable: batch `sequence` and those
 * before it. If nothing is unwritten they go at once.
 */
export class Outbox {
  readonly #owner: MemberId
  readonly #log: RaftLog
  #ready: Message[] = []
  #held: Held[] = []
  #writing: Writing[] = []
  /** Sequence of the next batch. */
  #next = 1
  /** Highest batch that needs an fsync and was given out, and highest that is durable. */
  #synced = 0
  #durable = 0
  #written: HardState
  #rewrite = false
  #snapshot: Snapshot | undefined

  constructor(owner: MemberId, log: RaftLog, written: HardState) {
    this.#owner = owner
    this.#log = log
    this.#written = written
  }

  /** Goes out with the next `take`. */
  send(message: Message): void {
    this.#ready.push(message)
  }

  /** Goes out when all that is unwritten now is durable. `term` and `vote`: the node's own, as they are now. */
  hold(message: Message, term: number, vote: MemberId): void {
    const dirty =
      this.#rewrite ||
      this.#snapshot !== undefined ||
      this.#log.unsaved <= this.#log.last ||
      term !== this.#written.term ||
      vote !== this.#written.vote
    const sequence = dirty ? this.#next : this.#synced
    if (sequence <= this.#durable) {
      this.#ready.push(message)
      return
    }
    const last = this.#held[this.#held.length - 1]
    if (
      last !== undefined &&
      last.sequence === sequence &&
      message.type === 'append-result' &&
      last.message.type === 'append-result' &&
      last.message.to === message.to &&
      last.message.term === message.term &&
      !last.message.reject &&
      !message.reject
    ) {
      // One acknowledgement for all appends of a turn.
      if (message.index >= last.message.index) this.#held[this.#held.length - 1] = { sequence, message }
      return
    }
    this.#held.push({ sequence, message })
  }

  /** A snapshot has replaced the log: nothing on its way to the disk counts any more. */
  snapshotTaken(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    for (const batch of this.#writing) batch.lastIndex = 0
  }

  /** Entries from `index` on were replaced: batches on their way do not make them durable. */
  truncated(index: number): void {
    for (const batch of this.#writing) if (batch.lastIndex >= index) batch.lastIndex = index - 1
  }

  /** Writes the hard state with the next batch even if nothing in it has changed. */
  rewriteHardState(): void {
    this.#rewrite = true
  }

  takeMessages(): readonly Message[] {
    const messages = this.#ready
    if (messages.length === 0) return NO_MESSAGES
    this.#ready = []
    return messages
  }

  takePersist(term: number, vote: MemberId, commit: number): Persist | undefined {
    const written = this.#written
    const voted = this.#rewrite || term !== written.term || vote !== written.vote
    this.#rewrite = false
    const entries = this.#log.takeUnsaved()
    const snapshot = this.#snapshot
    if (term < written.term) throw new RaftInvariantError('TERM_WENT_BACK', this.#owner, `from ${written.term} to ${term}`)
    if (!voted && commit === written.commit && entries.length === 0 && snapshot === undefined) return undefined
    const sync = voted || entries.length > 0 || snapshot !== undefined
    const sequence = this.#next++
    let hardState: HardState | undefined
    if (voted || commit !== written.commit) {
      hardState = { term, vote, commit }
      this.#written = hardState
    }
    this.#snapshot = undefined
    if (sync) this.#synced = sequence
    this.#writing.push({ sequence, lastIndex: entries.length > 0 || snapshot !== undefined ? this.#log.last : 0 })
    return { sequence, hardState, snapshot, entries, sync }
  }

  /** Batches up to `sequence` are durable: moves the log's `stable`, releases what waited. Returns messages to this node itself. */
  persisted(sequence: number): readonly Message[] {
    if (!Number.isSafeInteger(sequence) || sequence >= this.#next)
      throw new RaftInvariantError('UNKNOWN_SEQUENCE', this.#owner, `batch ${sequence} was never given out`)
    if (sequence <= this.#durable) return NO_MESSAGES
    this.#durable = sequence
    let batches = 0
    while (batches < this.#writing.length && this.#writing[batches]!.sequence <= sequence) {
      const { lastIndex } = this.#writing[batches++]!
      if (lastIndex > 0) this.#log.stableTo(lastIndex)
    }
    dropFirst(this.#writing, batches)
    let own: Message[] | undefined
    let released = 0
    while (released < this.#held.length && this.#held[released]!.sequence <= sequence) {
      const { message } = this.#held[released++]!
      if (message.to === this.#owner) own = [...(own ?? []), message]
      else this.#ready.push(message)
    }
    dropFirst(this.#held, released)
    return own ?? NO_MESSAGES
  }

  /** Forgets everything that has not left yet. */
  silence(): void {
    this.#ready = []
    this.#held = []
  }
}
