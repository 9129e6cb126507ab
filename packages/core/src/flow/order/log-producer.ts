import type { Clock, Timer } from '../../ports/clock.ts'
import type { OrderedLog } from '../../ports/ordered-log.ts'
import { LogError, OrderError } from './errors.ts'
import { RecordClass } from './log-record.ts'
import { encodeRecords, type RecordFields } from './log-record-codec.ts'

/** A record that waits to be appended. */
export interface Draft extends RecordFields {
  /** Nobody wants it any more. */
  isUnwanted(): boolean
  /** The log has it for certain. */
  appended(): void
  /** It was not appended (ORDER_UNAVAILABLE, ORDER_TOO_LARGE, ORDER_ABORTED), or perhaps was (ORDER_OUTCOME_UNKNOWN). */
  failed(error: OrderError): void
}

export interface LogProducerParts {
  readonly log: OrderedLog
  readonly clock: Clock
  readonly producer: Uint8Array
  readonly chain: Uint8Array
  /** Whether the last of so many records, with nothing queued behind it, may cut the batch: the pipeline is free. */
  readonly mayCut: (records: number) => boolean
  readonly limits: AppendLimits
  /** The log has failed for good: nothing more is appended, and the channel has to end here. */
  readonly broken: (cause: unknown) => void
}

export interface AppendLimits {
  /** Most records and bytes of one append. */
  readonly records: number
  readonly bytes: number
  /** How long an append that fails is tried again, milliseconds. */
  readonly retryFor: number
  /** Appends under way at a time; a further one goes only when it is full, so that appends fill. */
  readonly parallel: number
}

const FIRST_PAUSE = 20
const LONGEST_PAUSE = 1_000

/** Appends records in the order in which they were pushed; what comes while an append is under way goes into the next. */
export class LogProducer {
  private readonly parts: LogProducerParts
  private queue: Draft[] = []
  /** Bytes of the envelopes in the queue. */
  private bytes = 0
  private underWay = 0
  private scheduled = false
  private readonly abort = new AbortController()

  constructor(parts: LogProducerParts) {
    this.parts = parts
  }

  get queued(): number {
    return this.queue.length
  }

  push(draft: Draft): void {
    if (this.abort.signal.aborted) {
      draft.failed(stopped())
      return
    }
    this.queue.push(draft)
    this.bytes += draft.envelope.length
    this.schedule()
  }

  /** Nothing more is appended; what waits fails. */
  stop(): void {
    this.abort.abort()
    for (const draft of this.queue.splice(0)) draft.failed(stopped())
  }

  /** At the end of the turn, so that what comes in one turn goes in one append. */
  private schedule(): void {
    if (this.scheduled || !this.mayBegin()) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.begin()
    })
  }

  private mayBegin(): boolean {
    const { limits } = this.parts
    if (this.queue.length === 0 || this.abort.signal.aborted) return false
    if (this.underWay === 0) return true
    return this.underWay < limits.parallel && (this.queue.length >= limits.records || this.bytes >= limits.bytes)
  }

  private begin(): void {
    while (this.mayBegin()) {
      const drafts = this.take()
      if (drafts.length === 0) continue
      this.underWay++
      void this.append(drafts).then(() => {
        this.underWay--
        this.begin()
      })
    }
  }

  private take(): Draft[] {
    const { limits } = this.parts
    let bytes = 0
    let count = 0
    while (count < this.queue.length && count < limits.records) {
      const { length } = this.queue[count]!.envelope
      if (count > 0 && bytes + length > limits.bytes) break
      bytes += length
      count++
    }
    this.bytes -= bytes
    return this.queue.splice(0, count).filter((draft) => {
      if (!draft.isUnwanted()) return true
      draft.failed(new OrderError('ORDER_ABORTED', 'nobody waits for the envelope any more'))
      return false
    })
  }

  private async append(drafts: readonly Draft[]): Promise<void> {
    const last = drafts.length - 1
    const cutAfter = drafts[last]!.class === RecordClass.NORMAL && this.queue.length === 0 && this.parts.mayCut(drafts.length)
    const { producer, chain } = this.parts
    const records = encodeRecords(drafts, producer, chain, cutAfter)
    const error = await this.tryAppend(records)
    if (error?.code === 'ORDER_OUTCOME_UNKNOWN' && isForGood(error.cause)) {
      for (const draft of drafts) draft.failed(error)
      this.stop()
      this.parts.broken(error.cause)
      return
    }
    if (error === undefined) {
      for (const draft of drafts) draft.appended()
      return
    }
    if (error.code === 'ORDER_TOO_LARGE' && drafts.length > 1) {
      // One of them is too large: the others need not suffer.
      for (const draft of drafts) await this.append([draft])
      return
    }
    for (const draft of drafts) draft.failed(error)
  }

  private async tryAppend(records: readonly Uint8Array[]): Promise<OrderError | undefined> {
    const { log, clock, limits } = this.parts
    const start = clock.monotonic()
    let unknown = false
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        await log.append(records, this.abort.signal)
        return undefined
      } catch (cause) {
        const duty = cause instanceof LogError ? cause.duty : 'tell-operator'
        if (duty === 'fix-input') return new OrderError('ORDER_TOO_LARGE', 'the log takes no record of this size', {}, { cause })
        unknown ||= duty !== 'retry'
        // Appending again is harmless, a record may stand in the log twice; but what failed for good is not tried again.
        const again = duty === 'retry' || duty === 'ask-status'
        if (!again || this.abort.signal.aborted || clock.monotonic() - start + pause > limits.retryFor) {
          return unknown
            ? new OrderError('ORDER_OUTCOME_UNKNOWN', 'the log did not answer: the envelope was perhaps ordered', {}, { cause })
            : new OrderError('ORDER_UNAVAILABLE', 'the log takes no records', {}, { cause })
        }
      }
      await this.pause(pause)
    }
  }

  private pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.abort
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer: Timer = this.parts.clock.setTimer(delay, done, true)
      signal.addEventListener('abort', done)
    })
  }
}

/** A failed disk, or a fault of the log: appending more would be a guess. */
function isForGood(cause: unknown): boolean {
  return !(cause instanceof LogError) || cause.duty === 'tell-operator'
}

function stopped(): OrderError {
  return new OrderError('ORDER_UNAVAILABLE', 'the orderer is stopped')
}
