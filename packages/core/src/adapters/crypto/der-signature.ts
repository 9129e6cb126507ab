import { compare32, HALF_ORDER, isScalar, ORDER } from './p256.ts'

/**
 * ECDSA P-256 signatures in DER: SEQUENCE { INTEGER r, INTEGER s }, both in their shortest form, nothing before, between or after.
 * The one rule for all nodes and providers. Fabric is laxer in a single point: it passes over bytes after s; identity providers take
 * them away first, see adapters/msp/lax-signature.ts.
 */

/** Largest signature: 2 + 2 × (2 + 33). */
export const MAX_SIGNATURE_LENGTH = 72

/**
 * Length of the INTEGER content at `at` (tag and length before it), 0 when it is not a scalar from 1 to n − 1 in its shortest form.
 */
function scalarLength(signature: Uint8Array, at: number, end: number): number {
  if (at + 2 > end || signature[at] !== 0x02) return 0
  const length = signature[at + 1]!
  const start = at + 2
  if (length === 0 || length > 33 || start + length > end) return 0
  const first = signature[start]!
  if (first >= 0x80) return 0
  if (first === 0) {
    // A leading zero only where the sign bit needs it; this refuses zero itself as well.
    if (length === 1 || signature[start + 1]! < 0x80) return 0
    return isScalar(signature, start + 1, length - 1) ? length : 0
  }
  if (length === 33) return 0
  return isScalar(signature, start, length) ? length : 0
}

/** Whether r and s are proper and encoded strictly; says nothing about high or low S. */
export function isStrictSignature(signature: Uint8Array): boolean {
  const end = signature.length
  if (end < 8 || end > MAX_SIGNATURE_LENGTH || signature[0] !== 0x30 || signature[1] !== end - 2) return false
  const r = scalarLength(signature, 2, end)
  if (r === 0) return false
  const s = scalarLength(signature, 4 + r, end)
  return s !== 0 && 6 + r + s === end
}

/** Whether s <= n / 2, in a signature that is strict. */
export function isLowS(signature: Uint8Array): boolean {
  const at = 4 + signature[3]!
  const length = signature[at + 1]!
  // 33 bytes start with a zero before a set bit, which is above n / 2; fewer than 32 are below.
  if (length !== 32) return length < 32
  return compare32(signature, at + 2, HALF_ORDER) <= 0
}

/** The whole check of shape: strict DER, 1 <= r < n, 1 <= s <= n / 2. */
export function isCanonicalSignature(signature: Uint8Array): boolean {
  return isStrictSignature(signature) && isLowS(signature)
}

/** r || s, 64 bytes, of a strict signature. */
export function compactSignature(signature: Uint8Array): Uint8Array {
  const compact = new Uint8Array(64)
  const rLength = signature[3]!
  copyScalar(signature, 4, rLength, compact, 0)
  copyScalar(signature, 6 + rLength, signature[5 + rLength]!, compact, 32)
  return compact
}

function copyScalar(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  const skip = length === 33 ? 1 : 0
  to.set(from.subarray(start + skip, start + length), at + 32 - (length - skip))
}

/** DER of r || s (64 bytes). */
export function encodeSignature(compact: Uint8Array): Uint8Array {
  const r = scalarStart(compact, 0)
  const s = scalarStart(compact, 32)
  const out = new Uint8Array(6 + r.length + s.length)
  out[0] = 0x30
  out[1] = out.length - 2
  out[2] = 0x02
  out[3] = r.length
  writeScalar(compact, r, out, 4)
  out[4 + r.length] = 0x02
  out[5 + r.length] = s.length
  writeScalar(compact, s, out, 6 + r.length)
  return out
}

interface ScalarSlice {
  readonly start: number
  readonly end: number
  /** Length in DER, with the sign byte. */
  readonly length: number
}

function scalarStart(compact: Uint8Array, offset: number): ScalarSlice {
  let start = offset
  while (start < offset + 31 && compact[start] === 0) start++
  const end = offset + 32
  return { start, end, length: end - start + (compact[start]! >= 0x80 ? 1 : 0) }
}

function writeScalar(compact: Uint8Array, slice: ScalarSlice, out: Uint8Array, at: number): void {
  out.set(compact.subarray(slice.start, slice.end), at + slice.length - (slice.end - slice.start))
}

/** The same signature with s <= n / 2: s or n − s, which verify alike. The input must be strict. */
export function toLowS(signature: Uint8Array): Uint8Array {
  if (isLowS(signature)) return signature
  const compact = compactSignature(signature)
  let borrow = 0
  for (let i = 31; i >= 0; i--) {
    const difference = ORDER[i]! - compact[32 + i]! - borrow
    borrow = difference < 0 ? 1 : 0
    compact[32 + i] = difference & 0xff
  }
  return encodeSignature(compact)
}
