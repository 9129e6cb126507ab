import { CryptoError } from './errors.ts'

/** Group order n of P-256 (FIPS 186-5, D.1.2.3), big-endian. */
export const ORDER = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** Floor of n / 2: the largest s of a low-S signature. */
export const HALF_ORDER = fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8')

/** DER of the curve's object identifier: parameters of the algorithm of a key. */
export const CURVE = fromHex('06082a8648ce3d030107')

// Keys of one curve have one length, so that all before their bytes is constant: no ASN.1 library in the threads that verify.
const ALGORITHM = '301306072a8648ce3d020106082a8648ce3d030107'
const SPKI = fromHex(`3059${ALGORITHM}034200`)
const PKCS8 = fromHex(`308187020100${ALGORITHM}046d306b0201010420`)
const PKCS8_POINT = fromHex('a144034200')
const PKCS8_ALONE = fromHex(`3041020100${ALGORITHM}042730250201010420`)

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
  return concat(SPKI, point)
}

/** PKCS#8 of a scalar and its public point, in the one form that OpenSSL and Go's crypto/x509 write; the point may be left out. */
export function encodePkcs8(scalar: Uint8Array, point?: Uint8Array): Uint8Array {
  return point === undefined ? concat(PKCS8_ALONE, scalar) : concat(PKCS8, scalar, PKCS8_POINT, point)
}

/**
 * The private scalar (32 bytes, 1 to n − 1) of a PKCS#8 structure in the form of `encodePkcs8`; `normalPrivateKey` brings others into
 * it. Throws CRYPTO_BAD_KEY.
 */
export function decodePkcs8(pkcs8: Uint8Array): { readonly scalar: Uint8Array; readonly point: Uint8Array | undefined } {
  const complete = isNormalPkcs8(pkcs8)
  if (!complete && (pkcs8.length !== PKCS8_ALONE.length + 32 || !startsWith(pkcs8, PKCS8_ALONE)))
    throw badKey('it is not PKCS#8 in the form that OpenSSL writes')
  const start = complete ? PKCS8.length : PKCS8_ALONE.length
  const scalar = pkcs8.subarray(start, start + 32)
  if (!isScalar(scalar, 0, 32)) throw badKey('the private scalar is out of range')
  const point = complete ? pkcs8.subarray(start + 32 + PKCS8_POINT.length) : undefined
  if (point !== undefined) checkPointShape(point)
  return { scalar, point }
}

/** Whether a structure has the form of `encodePkcs8` with its point. */
export function isNormalPkcs8(pkcs8: Uint8Array): boolean {
  const pointAt = PKCS8.length + 32
  return (
    pkcs8.length === pointAt + PKCS8_POINT.length + 65 &&
    startsWith(pkcs8, PKCS8) &&
    startsWith(pkcs8.subarray(pointAt), PKCS8_POINT)
  )
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, prefix.length), prefix) === 0
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
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
