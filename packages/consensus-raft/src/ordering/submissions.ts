import type { EnvelopeView } from '@heddle/core/model'
import { OrderError, type Ordered, type Submission } from '@heddle/core/plugin'

/**
 * Where an envelope of this node's clients stands:
 * - `unsent`: no leader has it;
 * - `held`: this node leads and has not proposed it yet;
 * - `sent`: it was proposed here, or handed to the leader, in `term`: the log will tell;
 * - `checking`: a config update that is computed again under another configuration;
 * - `decided`: it stands in a block that is on its way to the disk.
 */
export type Standing = 'unsent' | 'held' | 'sent' | 'checking' | 'decided'

/** An envelope between submit and its durable block. */
export interface Waiting {
  submission: Submission
  readonly isConfig: boolean
  readonly signal: AbortSignal | undefined
  /** Monotonic time at which it came. */
  readonly since: number
  standing: Standing
  /** Of the leader that has it, while `sent`. */
  term: number
  /** Number within the session with that leader, see forwarding. */
  number: number
}

interface Caller {
  readonly resolve: (ordered: Ordered) => void
  readonly reject: (error: Error) => void
}

const TAIL = 24

/**
 * The envelopes that wait at this node for their blocks. They are found in decided blocks by their bytes, so that an answer never rests on a
 * leader's word, and a block that was taken from others answers as well.
 */
export class Submissions {
  readonly #callers = new Map<Waiting, Caller>()
  readonly #byTail = new Map<string, Waiting[]>()
  readonly #unsent = new Set<Waiting>()
  readonly #gone: (waiting: Waiting) => void

  /** @param gone called with what nobody waits for any more */
  constructor(gone: (waiting: Waiting) => void) {
    this.#gone = gone
  }

  get size(): number {
    return this.#callers.size
  }

  /** In the order in which they came. */
  get unsent(): ReadonlySet<Waiting> {
    return this.#unsent
  }

  add(submission: Submission, isConfig: boolean, signal: AbortSignal | undefined, now: number, caller: Caller): Waiting {
    const waiting: Waiting = { submission, isConfig, signal, since: now, standing: 'unsent', term: 0, number: 0 }
    this.#callers.set(waiting, caller)
    this.#index(waiting)
    this.#unsent.add(waiting)
    return waiting
  }

  has(waiting: Waiting): boolean {
    return this.#callers.has(waiting)
  }

  stand(waiting: Waiting, standing: Standing, term = 0): void {
    if (!this.#callers.has(waiting) || waiting.standing === 'decided') return
    waiting.standing = standing
    waiting.term = term
    if (standing === 'unsent') this.#unsent.add(waiting)
    else this.#unsent.delete(waiting)
  }

  /** Other bytes in its place: a config update that was computed again. */
  replace(waiting: Waiting, submission: Submission): void {
    if (!this.#callers.has(waiting)) return
    this.#drop(waiting)
    waiting.submission = submission
    this.#index(waiting)
  }

  /** The envelope as it came, parsed already, if it waits here. */
  viewOf(bytes: Uint8Array): EnvelopeView | undefined {
    return this.#find(bytes)?.[0]?.submission.envelope
  }

  /** Envelopes stand in a block. */
  decided(envelopes: readonly (Uint8Array | EnvelopeView)[], blockNumber: number, durable: Promise<void>): void {
    const waiting: Waiting[] = []
    if (this.#callers.size > 0)
      for (const envelope of envelopes)
        for (const each of this.#find(envelope instanceof Uint8Array ? envelope : envelope.bytes) ?? []) waiting.push(each)
    if (waiting.length === 0) return
    for (const each of waiting) this.stand(each, 'decided')
    durable.then(
      () => {
        for (const each of waiting) this.resolve(each, { blockNumber })
      },
      (cause) => {
        for (const each of waiting) this.reject(each, lost(cause))
      },
    )
  }

  /**
   * An entry of a later term was applied. Whatever an earlier leader had and is not in the chain now never will be: its log ended before
   * that entry. Those may be handed to the next leader without being ordered twice.
   */
  fence(term: number): void {
    for (const waiting of this.#callers.keys())
      if (waiting.standing === 'sent' && waiting.term < term) this.stand(waiting, 'unsent')
  }

  /** What was not proposed yet goes to the next leader. */
  handBack(): void {
    for (const waiting of this.#callers.keys()) if (waiting.standing === 'held') this.stand(waiting, 'unsent')
  }

  resolve(waiting: Waiting, ordered: Ordered): void {
    this.#remove(waiting)?.resolve(ordered)
  }

  reject(waiting: Waiting, error: Error): void {
    this.#remove(waiting)?.reject(error)
  }

  /** Answers who has waited too long: nobody had it, or nobody knows. */
  expire(now: number, unsentFor: number, unknownFor: number): void {
    for (const waiting of [...this.#callers.keys()]) {
      const age = now - waiting.since
      if (age < unsentFor) return
      if (waiting.standing === 'unsent' || waiting.standing === 'held' || waiting.standing === 'checking') {
        this.reject(waiting, waiting.signal?.aborted === true ? abandoned() : unavailable('no leader took the envelope in time'))
      } else if (age >= unknownFor && waiting.standing === 'sent') this.reject(waiting, unknown())
    }
  }

  /** Everybody gets an answer; decided ones hear of the disk. */
  close(why: string): void {
    for (const waiting of [...this.#callers.keys()]) {
      if (waiting.standing === 'decided') continue
      this.reject(waiting, waiting.standing === 'sent' ? unknown() : unavailable(why))
    }
  }

  #find(bytes: Uint8Array): Waiting[] | undefined {
    const candidates = this.#byTail.get(tailOf(bytes))
    const found = candidates?.filter(({ submission }) => Buffer.compare(submission.envelope.bytes, bytes) === 0)
    return found === undefined || found.length === 0 ? undefined : found
  }

  #index(waiting: Waiting): void {
    const tail = tailOf(waiting.submission.envelope.bytes)
    const known = this.#byTail.get(tail)
    if (known === undefined) this.#byTail.set(tail, [waiting])
    else known.push(waiting)
  }

  #drop(waiting: Waiting): void {
    const tail = tailOf(waiting.submission.envelope.bytes)
    const left = this.#byTail.get(tail)?.filter((each) => each !== waiting) ?? []
    if (left.length === 0) this.#byTail.delete(tail)
    else this.#byTail.set(tail, left)
  }

  #remove(waiting: Waiting): Caller | undefined {
    const caller = this.#callers.get(waiting)
    if (caller === undefined) return undefined
    this.#callers.delete(waiting)
    this.#unsent.delete(waiting)
    this.#drop(waiting)
    this.#gone(waiting)
    return caller
  }
}

/** An envelope ends with its signature: its last bytes tell nearly all envelopes apart, without a hash. */
function tailOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    'latin1',
    Math.max(0, bytes.length - TAIL),
    bytes.length,
  )
}

export function unavailable(why: string): OrderError {
  return new OrderError('ORDER_UNAVAILABLE', why)
}

export function abandoned(): OrderError {
  return new OrderError('ORDER_ABORTED', 'nobody waits for the envelope any more')
}

function unknown(): OrderError {
  return new OrderError('ORDER_OUTCOME_UNKNOWN', 'the leader had the envelope, and what became of it is not known yet')
}

function lost(cause: unknown): OrderError {
  return new OrderError('ORDER_OUTCOME_UNKNOWN', 'the block did not reach the disk for certain', {}, { cause })
}
