import type { Conflict } from '../flow/validate/mvcc.ts'
import type { ValidatedBlock } from '../flow/validate/validated-block.ts'
import { OneShot } from './one-shot.ts'

/** Where a transaction ended up. */
export interface CommittedTransaction {
  readonly code: number
  readonly blockNumber: number
  readonly txNumber: number
  /** What the transaction lost to; known to the process that validated it. */
  readonly conflict?: Conflict | undefined
}

/** Transactions that somebody waits for, or will. */
const MAX_EXPECTED = 200_000

/**
 * Tells who waits for a transaction when it commits. `expect` is called before a transaction is sent, so that its outcome is at hand
 * however fast it commits, without a look-up in the ledger.
 */
export class CommitNotifier {
  private readonly expected = new Map<string, OneShot<CommittedTransaction>>()

  /** Announces interest. The outcome is kept until it is taken; beyond a limit the oldest interest is dropped. */
  expect(transactionId: string): void {
    if (this.expected.has(transactionId)) return
    if (this.expected.size >= MAX_EXPECTED) this.forgetOldest()
    this.expected.set(transactionId, new OneShot())
  }

  /** The outcome of a transaction that is expected; undefined when nobody announced it, or its outcome was dropped. */
  outcome(transactionId: string): OneShot<CommittedTransaction> | undefined {
    return this.expected.get(transactionId)
  }

  forget(transactionId: string): void {
    this.expected.delete(transactionId)
  }

  /** Forgets what nobody waits for; what somebody waits for stays until they give up. */
  forgetUnlessAwaited(transactionId: string): void {
    if (this.expected.get(transactionId)?.awaited === false) this.expected.delete(transactionId)
  }

  /** Transactions whose outcome is kept, or waited for. */
  get size(): number {
    return this.expected.size
  }

  /** A block committed. Only the first entry of a transaction id counts, as in look-ups. */
  committed(validated: ValidatedBlock): void {
    if (this.expected.size === 0) return
    const { flags, conflicts, block } = validated
    for (let txNumber = 0; txNumber < flags.length; txNumber++) {
      const waiting = this.expected.get(validated.txId(txNumber))
      if (waiting === undefined) continue
      waiting.resolve({ code: flags[txNumber]!, blockNumber: block.number, txNumber, conflict: conflicts.get(txNumber) })
    }
  }

  /** Ends every wait. */
  close(error: Error): void {
    for (const waiting of this.expected.values()) waiting.reject(error)
    this.expected.clear()
  }

  private forgetOldest(): void {
    const [oldest] = this.expected
    if (oldest === undefined) return
    oldest[1].reject(new Error('too many transactions are waited for'))
    this.expected.delete(oldest[0])
  }
}
