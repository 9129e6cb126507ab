import type { MemberId } from './types.ts'

/** A read that waits for confirmation of leadership. */
export interface PendingRead {
  readonly from: MemberId
  readonly context: number
  readonly index: number
  readonly round: number
}

/**
 * Reads without log entries (dissertation 6.4). A leader notes its commit index, asks all for a sign that they still follow it, and may
 * answer when a quorum has answered a question that was sent after the read came. Questions are numbered rounds that ride on heartbeats;
 * all reads of a turn share one. Rounds begin anew with each term, which is safe since answers of another term are dropped.
 */
export class ReadQueue {
  readonly #limit: number
  /** Reads that came before the leader had committed an entry of its term: until then its commit index may be behind. */
  #early: { from: MemberId; context: number }[] = []
  #waiting: PendingRead[] = []
  #round = 0
  #asked = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The last round; heartbeats carry it. */
  get round(): number {
    return this.#round
  }

  get full(): boolean {
    return this.#early.length + this.#waiting.length >= this.#limit
  }

  /** Whether a round was opened that no heartbeat has carried yet. */
  get mustAsk(): boolean {
    return this.#asked < this.#round
  }

  postpone(from: MemberId, context: number): void {
    this.#early.push({ from, context })
  }

  /** A read at `index` joins the round that was not asked yet, or opens one. */
  add(from: MemberId, context: number, index: number): void {
    if (!this.mustAsk) this.#round++
    this.#waiting.push({ from, context, index, round: this.#round })
  }

  asked(): void {
    this.#asked = this.#round
  }

  /** The leader has committed an entry of its term: postponed reads may begin. */
  begin(index: number): void {
    const early = this.#early
    if (early.length === 0) return
    this.#early = []
    for (const { from, context } of early) this.add(from, context, index)
  }

  /** Takes out the reads that a quorum's answers up to `round` confirm. */
  confirm(round: number): readonly PendingRead[] {
    let count = 0
    while (count < this.#waiting.length && this.#waiting[count]!.round <= round) count++
    return count === 0 ? [] : this.#waiting.splice(0, count)
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  clear(): void {
    this.#early = []
    this.#waiting = []
    this.#round = 0
    this.#asked = 0
  }
}
