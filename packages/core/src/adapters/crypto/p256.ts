import { DerReader, Tag } from './der-reader.ts'
import { bitString, element, octetString, oid, sequence, smallInteger } from './der-writer.ts'
import { CryptoError } from './errors.ts'

/** Group order n of P-256 (FIPS 186-5, D.1.2.3), big-endian. */
export const ORDER = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** Floor of n / 2: the largest s of a low-S signature. */
export const HALF_ORDER = fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8')

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const PRIME256V1 = '1.2.840.10045.3.1.7'
const ALGORITHM = sequence(oid(EC_PUBLIC_KEY), oid(PRIME256V1))

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

export function badKey(reason: string): CryptoError {
  return new CryptoError('CRYPTO_BAD_KEY', `not a P-256 key: ${reason}`, { reason })
}

/** Throws CRYPTO_BAD_KEY unless the bytes look like an uncompressed point; whether it is on the curve is the provider's to check. */
export function checkPointShape(point: Uint8Array): void {
  if (point.length !== 65) throw badKey(`a point has 65 bytes, not ${point.length}`)
  if (point[0] !== 4) throw badKey('the point is not in uncompressed form')
}

/** SubjectPublicKeyInfo of an uncompressed point. */
export function encodeSpki(point: Uint8Array): Uint8Array {
  return sequence(ALGORITHM, bitString(point))
}

/** PKCS#8 of a scalar and its public point, in the one form that OpenSSL and Go's crypto/x509 write; the point may be left out. */
export function encodePkcs8(scalar: Uint8Array, point?: Uint8Array): Uint8Array {
  const publicPart = point === undefined ? [] : [element(0xa1, bitString(point))]
  const key = sequence(smallInteger(1), octetString(scalar), ...publicPart)
  return sequence(smallInteger(0), ALGORITHM, octetString(key))
}

/** SEC 1 `ECPrivateKey` (PEM kind EC PRIVATE KEY) as PKCS#8. Throws CRYPTO_BAD_KEY. */
export function pkcs8FromSec1(sec1: Uint8Array): Uint8Array {
  return sequence(smallInteger(0), ALGORITHM, octetString(sec1))
}

/** The private scalar (32 bytes, 1 to n − 1) in a PKCS#8 structure. Throws CRYPTO_BAD_KEY for everything that is no P-256 key. */
export function decodePkcs8(pkcs8: Uint8Array): { readonly scalar: Uint8Array; readonly point: Uint8Array | undefined } {
  try {
    const outer = new DerReader(pkcs8)
    const info = outer.enter(Tag.SEQUENCE)
    outer.finish()
    if (info.smallInteger() > 1) throw badKey('unknown PKCS#8 version')
    const algorithm = info.enter(Tag.SEQUENCE)
    if (algorithm.oid() !== EC_PUBLIC_KEY) throw badKey('not an elliptic curve key')
    if (algorithm.tag !== Tag.OID || algorithm.oid() !== PRIME256V1) throw badKey('another curve')
    algorithm.finish()
    const key = new DerReader(info.octets()).enter(Tag.SEQUENCE)
    if (key.smallInteger() !== 1) throw badKey('unknown ECPrivateKey version')
    const scalar = key.octets()
    const parameters = key.enterIf(0xa0)
    if (parameters !== undefined && parameters.oid() !== PRIME256V1) throw badKey('another curve')
    const point = key.enterIf(0xa1)?.bits()
    key.finish()
    if (scalar.length !== 32 || !isScalar(scalar, 0, 32)) throw badKey('the private scalar is out of range')
    if (point !== undefined) checkPointShape(point)
    return { scalar, point }
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'CRYPTO_BAD_DER')
      throw new CryptoError('CRYPTO_BAD_KEY', `not a PKCS#8 private key: ${error.message}`, {}, { cause: error })
    throw error
  }
}

/** Whether the big-endian bytes at `start` (at most 32, no leading zero demanded) are from 1 to n − 1. */
export function isScalar(bytes: Uint8Array, start: number, length: number): boolean {
  let zero = true
  for (let i = 0; i < length && zero; i++) zero = bytes[start + i] === 0
  if (zero) return false
  return length < 32 || compare32(bytes, start, ORDER) < 0
}

/** Compares 32 big-endian bytes at `start` with 32 bytes. */
export function compare32(bytes: Uint8Array, start: number, other: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = bytes[start + i]! - other[i]!
    if (difference !== 0) return difference
  }
  return 0
}

/** Throws when a PKCS#8 structure states another public point than its scalar has. */
export function checkSamePoint(stated: Uint8Array | undefined, actual: Uint8Array): void {
  if (stated !== undefined && Buffer.compare(stated, actual) !== 0) throw badKey('the public key in it is another one')
}
