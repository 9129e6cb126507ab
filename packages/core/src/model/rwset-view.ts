import { readTxRwSet } from './hot-codec.ts'
import type { HashedRWSet, KVRWSet } from './messages/kv-rwset.ts'

/** A transaction's read-write set with its inner messages decoded. Immutable. */
export interface TxRwSet {
  readonly namespaces: readonly NsRwSet[]
}

/** What a transaction read and wrote of one chaincode. */
export interface NsRwSet {
  readonly namespace: string
  readonly kv: KVRWSet
  readonly collections: readonly CollectionRwSet[]
}

/** The hashes of what it read and wrote of one private collection. */
export interface CollectionRwSet {
  readonly name: string
  readonly hashed: HashedRWSet
  readonly pvtRwsetHash: Uint8Array
}

/**
 * Decodes serialized rwset.TxReadWriteSet and everything inside, in the order on the wire.
 *
 * @throws DecodeError when any part does not decode
 */
export function decodeTxRwSet(bytes: Uint8Array): TxRwSet {
  return readTxRwSet(bytes)
}
