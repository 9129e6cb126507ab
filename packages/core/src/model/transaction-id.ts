import { sha256Hex } from './sha256.ts'

/** Identifier of a transaction: SHA-256 of nonce and creator, in lower-case hex. */
export function transactionId(nonce: Uint8Array, creator: Uint8Array): string {
  return sha256Hex(nonce, creator)
}
