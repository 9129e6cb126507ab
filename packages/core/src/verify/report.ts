/** What a difference is about. */
export type DifferenceKind =
  /** A file is missing, damaged, or not in the canonical encoding of a block. */
  | 'file'
  | 'number'
  | 'previous-hash'
  | 'data-hash'
  /** A transaction is no canonical envelope, or belongs to another channel. */
  | 'data'
  /** The genesis block holds no configuration that can be read. */
  | 'config'
  | 'signatures'
  | 'last-config'
  | 'flags'
  /** A metadata slot that has no use holds something. */
  | 'metadata'
  | 'commit-hash'

/** Where the stored ledger and its recomputation part. */
export interface Difference {
  readonly block: number
  /** Index in the block; null when no single transaction is concerned. */
  readonly transaction: number | null
  readonly what: DifferenceKind
  /** What a sound ledger would hold, as far as it can be told. */
  readonly expected: string
  /** What is stored. */
  readonly got: string
}

/** Outcome of the verification of a ledger. */
export interface VerifyReport {
  /** No difference at all. */
  readonly verified: boolean
  readonly channel: string
  /** Blocks and transactions that were validated and committed. */
  readonly blocks: number
  readonly transactions: number
  /** Of the transactions, those that are valid. */
  readonly valid: number
  /** Every transaction's stored validation flag was recomputed and is the same. */
  readonly flagsEqual: boolean
  /** Every stored commit hash was recomputed and is the same; null when the blocks carry none. */
  readonly commitHashEqual: boolean | null
  /** Commit hashes that were compared. */
  readonly commitHashes: number
  readonly firstDifference: Difference | null
  /** How many differences there are; what follows one may be its consequence. */
  readonly differences: number
  /** Hash of the last block's header, in hex. */
  readonly blockHash: string
  /** Recomputed commit hash of the last block, in hex; empty when there is none. */
  readonly commitHash: string
  /** Recomputed hash over what the chaincodes hold at the end. */
  readonly contentHash: string
}
