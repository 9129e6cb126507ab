import { sha256Hex } from './sha256.ts'
import { utf8Bytes } from './utf8.ts'

/** Namespace of chaincode lifecycle in the world state. */
export const LIFECYCLE_NAMESPACE = '_lifecycle'

const IMPLICIT_PREFIX = '_implicit_org_'

/** State namespace of the hashes of a private collection. No chaincode name contains U+0000, so it meets no other namespace. */
export function hashedNamespace(chaincode: string, collection: string): string {
  return `${chaincode}\u0000${collection}`
}

/** Key under which the hash of a private value stands in its hashed namespace: the SHA-256 of the private key, in hex. */
export function hashedKey(key: string): string {
  return sha256Hex(utf8Bytes(key))
}

/** Name of the collection that every organisation has in every chaincode. */
export function implicitCollection(mspId: string): string {
  return IMPLICIT_PREFIX + mspId
}

/** MSP id of an implicit collection; undefined for any other collection. */
export function implicitCollectionOwner(collection: string): string | undefined {
  return collection.startsWith(IMPLICIT_PREFIX) ? collection.slice(IMPLICIT_PREFIX.length) : undefined
}
