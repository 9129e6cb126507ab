import type { EnvelopeView } from '../../model/envelope-view.ts'
import type { Ordered, Submission } from '../../ports/ordering-service.ts'
import { OrderError } from './errors.ts'
import type { Draft } from './log-producer.ts'
import { RecordClass } from './log-record.ts'

/** An envelope that was read from the log and waits for its batch. */
export interface ReadEnvelope {
  readonly view: EnvelopeView
  /** Written by this start of this orderer. */
  readonly isMine: boolean
  /** Who waits for it here. */
  readonly own: OwnRecord | undefined
}

/** Who waits for an envelope. */
export interface Waiter {
  readonly submission: Submission
  readonly isConfig: boolean
  readonly signal: AbortSignal | undefined
  readonly resolve: (ordered: Ordered) => void
  readonly reject: (error: Error) => void
}

/**
 * A record that this orderer writes: from the queue of the producer until the log has acknowledged it and it is in a durable block, both,
 * in whichever order. One object all the way, because there is one for each envelope.
 */
export class OwnRecord implements Draft, ReadEnvelope {
  readonly class: number
  readonly serial: number
  readonly configSequence: number
  readonly envelope: Uint8Array
  readonly blockNumber = 0
  readonly view: EnvelopeView
  readonly isMine = true
  readonly waiter: Waiter
  /** Records that were not read back yet, by serial. */
  private readonly unread: Map<number, OwnRecord>
  private isAcknowledged = false
  /** Number of its block, once that is durable; -1 before. */
  private block = -1
  /** Read back and skipped: another record takes its place. */
  private isSkipped = false

  constructor(serial: number, waiter: Waiter, unread: Map<number, OwnRecord>) {
    const { submission, isConfig } = waiter
    this.class = isConfig ? RecordClass.CONFIG : RecordClass.NORMAL
    this.serial = serial
    this.configSequence = submission.configSequence
    this.envelope = submission.envelope.bytes
    this.view = submission.envelope
    this.waiter = waiter
    this.unread = unread
  }

  get own(): this {
    return this
  }

  isUnwanted(): boolean {
    return this.waiter.signal?.aborted === true
  }

  appended(): void {
    this.isAcknowledged = true
    this.settle()
  }

  failed(error: OrderError): void {
    if (this.unread.delete(this.serial)) this.waiter.reject(error)
    // It was read back all the same; but the log did not say that it holds it under its guarantee.
    else if (!this.isSkipped) {
      this.waiter.reject(new OrderError('ORDER_OUTCOME_UNKNOWN', error.message, {}, { cause: error }))
    }
  }

  skipped(): void {
    this.isSkipped = true
  }

  durable(block: number): void {
    this.block = block
    this.settle()
  }

  reject(error: Error): void {
    this.waiter.reject(error)
  }

  private settle(): void {
    if (this.isAcknowledged && this.block >= 0) this.waiter.resolve({ blockNumber: this.block })
  }
}
