import type { Block } from '../model/block.ts'
import type { Awaitable } from './lifecycle.ts'

/** Where the first entry of a transaction id stands in the chain. */
export interface TransactionLocation {
  readonly blockNumber: number
  readonly txNumber: number
  /** TxValidationCode, as the peer that stored the block found. */
  readonly code: number
}

/**
 * Append-only chain of blocks of one channel, with an index. Blocks 0, 1, 2, ... without gaps.
 * `append` resolves when the block is durable. Restart repairs a torn tail and refuses corruption elsewhere (LEDGER_BLOCK_CORRUPT).
 */
export interface BlockStore {
  /** Number of blocks that are durable. A block shows, here and in every look-up, when it is durable and not before. */
  readonly height: number
  /** Hash of the last block's header; undefined when empty. */
  readonly lastHash: Uint8Array | undefined
  /**
   * The next block; resolves when it is durable. The following block may be appended before that: promises resolve in order.
   * Throws LEDGER_OUT_OF_ORDER for a wrong number or previous hash, LEDGER_WRITE_FAILED when the disk fails: then nothing more is taken.
   */
  append(block: Block): Promise<void>
  /** Blocks in order, one datasync for all; resolves when all are durable. */
  appendAll(blocks: readonly Block[]): Promise<void>
  get(number: number): Promise<Block | undefined>
  byHash(hash: Uint8Array): Promise<Block | undefined>
  /** The first entry of a txid, valid or not. Bounded cost at any height. */
  transaction(txId: string): Promise<TransactionLocation | undefined>
  /** Which of these txids are in the chain. Cheap for the usual answer, none. */
  knownTransactions(txIds: readonly string[]): Awaitable<ReadonlySet<string>>
  /** Existing blocks from a number on, in order; ends at the height of the moment. */
  read(from: number, to?: number): AsyncIterable<Block>
  close(): Promise<void>
}
