import { AsnConvert } from '@peculiar/asn1-schema'
import { CryptoError } from './errors.ts'

/** Largest structure that is parsed. */
const MAX_LENGTH = 1 << 20

/** Most ASN.1 elements of one structure; a certificate has about eighty. Bounds the time that hostile bytes can cost. */
const MAX_ELEMENTS = 1000

/**
 * Parses one DER structure. The library behind it reads BER, passes over trailing bytes and elements that it does not know, and leaves
 * out what it cannot place; so what it read is written again and must give the same bytes. Only then is there one encoding of a
 * certificate, which the equality of identities rests on. Throws CryptoError (CRYPTO_BAD_DER).
 */
export function parseDer<T extends object>(bytes: Uint8Array, type: new () => T, what: string, maxElements = MAX_ELEMENTS): T {
  if (bytes.length > MAX_LENGTH) throw badDer(what, 'it is too long')
  let value: T
  let written: Uint8Array
  try {
    value = AsnConvert.parse(bytes, type, { berOptions: { maxNodes: maxElements } })
    written = toDer(value)
  } catch (error) {
    throw badDer(what, error instanceof Error ? error.message : String(error), error)
  }
  if (Buffer.compare(written, bytes) !== 0) throw badDer(what, 'its encoding is not the one that DER allows')
  return value
}

/** DER of an object of one of the library's types. */
export function toDer(value: object): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value))
}

/** A part that the library keeps undecoded: it says ArrayBuffer, and gives a view at times. */
export function bytesOf(part: ArrayBuffer | Uint8Array): Uint8Array {
  return part instanceof Uint8Array ? part : new Uint8Array(part)
}

/** Bytes of their own, in the form that the library takes them. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}

export function badDer(what: string, reason: string, cause?: unknown): CryptoError {
  return new CryptoError('CRYPTO_BAD_DER', `not a valid ${what}: ${reason}`, { reason }, { cause })
}
