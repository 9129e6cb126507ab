import type { TransactionLocation } from '../../ports/block-store.ts'
import type { BlockLocation } from './segment.ts'

/** What the index has to know of a stored block. */
export interface IndexEntry extends BlockLocation {
  readonly number: number
  readonly hash: Uint8Array
  /** Transactions with an id, in block order. */
  readonly transactions: readonly { readonly txId: string; readonly txNumber: number; readonly code: number }[]
}

/** Finds blocks and transactions. May lag behind the files after a crash, never lead them. */
export interface BlockIndex {
  /** Blocks that the index surely holds after a restart; what follows is indexed again from the files. */
  readonly height: number
  /** A block that is durable. Found at once; a promise asks the caller to slow down. */
  add(entry: IndexEntry): Promise<void> | undefined
  block(number: number): BlockLocation | undefined
  numberOf(hash: Uint8Array): number | undefined
  transaction(txId: string): TransactionLocation | undefined
  known(txIds: readonly string[]): ReadonlySet<string>
  close(): Promise<void>
}

export const NONE_KNOWN: ReadonlySet<string> = new Set()
