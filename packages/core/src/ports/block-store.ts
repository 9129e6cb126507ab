import type { Block } from '../model/block.ts'

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
  /** Number of blocks; the next block's number. */
  readonly height: number
  /** Hash of the last block's header; undefined when empty. */
  readonly lastHash: Uint8Array | undefined
  append(block: Block): Promise<void>
  /**
   * Blocks in order, one datasync for all; resolves when all are durable.
   */
  appendAll(blocks: readonly Block[]): Promise<void>
  get(number: number): Promise<Block | undefined>
  byHash(hash: Uint8Array): Promise<Block | undefined>
  /** The first entry of a txid, valid or not. Bounded cost at any height. */
  transaction(txId: string): Promise<TransactionLocation | undefined>
  /** Which of these txids are in the chain. Cheap for the usual answer, none. */
  knownTransactions(txIds: readonly string[]): Promise<ReadonlySet<string>>
  /** Existing blocks from a number on, in order; ends at the height of the moment. */
  read(from: number, to?: number): AsyncIterable<Block>
  close(): Promise<void>
}
