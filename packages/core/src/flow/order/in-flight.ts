import type { EnvelopeView } from '../../model/envelope-view.ts'
import type { Ordered } from '../../ports/ordering-service.ts'
import { OrderError } from './errors.ts'

export interface InFlightLimits {
  /** Envelopes whose outcome is open. */
  readonly envelopes: number
  /** Their bytes. */
  readonly bytes: number
}

/**
 * Room for the largest of Fabric's usual batches several times over (500 envelopes, 10 MB): beyond it waiting longer helps nobody, and
 * the memory of a node stays bounded.
 */
export const defaultInFlightLimits: InFlightLimits = { envelopes: 20_000, bytes: 256 * 1024 * 1024 }

/** An envelope on its way, with everybody who waits for it. */
export class PendingEnvelope {
  readonly view: EnvelopeView
  /** Consensus has it: giving up no longer takes it back. */
  handed = false
  private readonly outcome = Promise.withResolvers<Ordered>()
  private controller: AbortController | undefined
  private waiters = 0
  settled = false

  constructor(view: EnvelopeView) {
    this.view = view
    // With abort signals nobody may be left to hear of a failure.
    this.outcome.promise.catch(() => {})
  }

  /** Nobody waits any more. */
  get abandoned(): boolean {
    return this.waiters === 0
  }

  /** For the plugin: aborts when nobody waits any more; undefined when somebody will wait for ever. */
  get signal(): AbortSignal | undefined {
    return this.controller?.signal
  }

  wait(signal: AbortSignal | undefined): Promise<Ordered> {
    this.waiters++
    if (signal === undefined) return this.outcome.promise
    if (this.waiters === 1) this.controller = new AbortController()
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        if (this.settled) return
        this.waiters--
        const code = this.abandoned && !this.handed ? 'ORDER_ABORTED' : 'ORDER_OUTCOME_UNKNOWN'
        reject(new OrderError(code, 'the caller gave up waiting', { txId: this.view.txId }, { cause: signal.reason }))
        if (this.abandoned) this.controller?.abort(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.outcome.promise.then(
        (ordered) => {
          signal.removeEventListener('abort', abort)
          resolve(ordered)
        },
        (error) => {
          signal.removeEventListener('abort', abort)
          reject(error)
        },
      )
    })
  }

  resolve(ordered: Ordered): void {
    this.settled = true
    this.outcome.resolve(ordered)
  }

  reject(error: Error): void {
    this.settled = true
    this.outcome.reject(error)
  }
}

/**
 * The envelopes whose outcome is open, within bounds. The same bytes sent again join the first: found by transaction id, which costs
 * nothing, but joined only when every byte is equal, since a transaction id says nothing about content.
 */
export class InFlight {
  private readonly limits: InFlightLimits
  private readonly joinable = new Map<string, PendingEnvelope>()
  private readonly all = new Set<PendingEnvelope>()
  private held = 0

  constructor(limits: InFlightLimits) {
    this.limits = limits
  }

  get count(): number {
    return this.all.size
  }

  get bytes(): number {
    return this.held
  }

  /** The same envelope, if it is on its way and can still be waited for. */
  same(view: EnvelopeView): PendingEnvelope | undefined {
    const found = this.joinable.get(view.txId)
    // An abandoned one may be dropped by consensus at any moment.
    return found !== undefined && !found.abandoned && Buffer.compare(found.view.bytes, view.bytes) === 0 ? found : undefined
  }

  /** @throws OrderError ORDERER_OVERLOADED */
  add(view: EnvelopeView): PendingEnvelope {
    if (this.all.size >= this.limits.envelopes || this.held + view.bytes.length > this.limits.bytes) {
      throw new OrderError('ORDERER_OVERLOADED', `${this.all.size} envelopes of ${this.held} bytes are in flight`, {
        envelopes: this.all.size,
        bytes: this.held,
        limits: this.limits,
      })
    }
    const entry = new PendingEnvelope(view)
    this.all.add(entry)
    this.held += view.bytes.length
    if (!this.joinable.has(view.txId)) this.joinable.set(view.txId, entry)
    return entry
  }

  remove(entry: PendingEnvelope): void {
    if (!this.all.delete(entry)) return
    this.held -= entry.view.bytes.length
    if (this.joinable.get(entry.view.txId) === entry) this.joinable.delete(entry.view.txId)
  }

  entries(): Iterable<PendingEnvelope> {
    return this.all
  }
}
