import { decodeHashedRwSet, decodeKvRwSet, decodeTxReadWriteSet } from './hot-codec.ts'
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
  const { nsRwset } = decodeTxReadWriteSet(bytes)
  const namespaces: NsRwSet[] = []
  for (const { namespace, rwset, collectionHashedRwset } of nsRwset) {
    const collections: CollectionRwSet[] = []
    const kv = decodeKvRwSet(rwset)
    for (const { collectionName, hashedRwset, pvtRwsetHash } of collectionHashedRwset) {
      collections.push({ name: collectionName, hashed: decodeHashedRwSet(hashedRwset), pvtRwsetHash })
    }
    namespaces.push({ namespace, kv, collections })
  }
  return { namespaces }
}
