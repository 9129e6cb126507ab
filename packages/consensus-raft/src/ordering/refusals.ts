import { EnvelopeView } from '@heddle/core/model'
import { OrderError, type Submission } from '@heddle/core/plugin'

/** Refusals that a leader may tell; each means that the envelope was not ordered, and will not be. */
const TOLD = [
  'ORDER_EMPTY_ENVELOPE',
  'ORDER_MALFORMED_ENVELOPE',
  'ORDER_WRONG_CHANNEL',
  'ORDER_UNSUPPORTED_TYPE',
  'ORDER_TOO_LARGE',
  'ORDER_IDENTITY_EXPIRED',
  'ORDER_FORBIDDEN',
  'ORDER_MAINTENANCE',
  'ORDER_CONFIG_REFUSED',
  'ORDERER_OVERLOADED',
  'ORDER_UNAVAILABLE',
] as const

/** The error that a submitter gets for a leader's refusal. */
export function refusalOf(code: string, message: string): OrderError {
  return new OrderError(TOLD.find((known) => known === code) ?? 'ORDER_UNAVAILABLE', message)
}

/** An envelope from another orderer, which has filtered it; undefined when it does not parse. */
export function forwardedSubmission(bytes: Uint8Array, configSequence: number): Submission | undefined {
  const envelope = new EnvelopeView(bytes)
  try {
    return { envelope, size: envelope.payload.length + envelope.signature.length, configSequence }
  } catch {
    return undefined
  }
}
