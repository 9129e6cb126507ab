import type { EnvelopeView } from './envelope-view.ts'
import { DecodeError } from './protobuf/errors.ts'
import { sha256Hex } from './sha256.ts'

/** Identifier of a transaction: SHA-256 of nonce and creator, in lower-case hex. */
export function transactionId(nonce: Uint8Array, creator: Uint8Array): string {
  return sha256Hex(nonce, creator)
}

/**
 * The id under which a ledger knows an envelope, valid or not: that of its header or, when the header states none, the one that nonce and
 * creator give. Undefined when the headers cannot be read.
 *
 * Fabric: protoutil/txutils.go, GetOrComputeTxIDFromEnvelope.
 */
export function ledgerTransactionId(view: EnvelopeView): string | undefined {
  try {
    if (!view.hasHeader) return undefined
    return view.txId === '' ? transactionId(view.nonce, view.creator) : view.txId
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
