/**
 * P-256 in plain BigInt (FIPS 186-5, SP 800-186): slow and not constant in time, but it shares no code with any provider, and can make
 * signatures with a chosen r or s that no provider would.
 */

export const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
/** Order of the group. */
export const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const A = P - 3n

/** Affine point; undefined is the point at infinity. */
export type Point = { readonly x: bigint; readonly y: bigint } | undefined

export const G: Point = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
}

export const mod = (value: bigint, by: bigint): bigint => ((value % by) + by) % by

export function invert(value: bigint, by: bigint): bigint {
  let [a, b, x, y] = [mod(value, by), by, 1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b, x, y] = [b % a, a, y - quotient * x, x]
  }
  return mod(x, by)
}

export function add(p: Point, q: Point): Point {
  if (p === undefined) return q
  if (q === undefined) return p
  if (p.x === q.x && mod(p.y + q.y, P) === 0n) return undefined
  const slope = p.x === q.x ? (3n * p.x * p.x + A) * invert(2n * p.y, P) : (q.y - p.y) * invert(q.x - p.x, P)
  const x = mod(slope * slope - p.x - q.x, P)
  return { x, y: mod(slope * (p.x - x) - p.y, P) }
}

export function multiply(scalar: bigint, point: Point): Point {
  let sum: Point
  let addend = point
  for (let left = mod(scalar, N); left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, addend)
    addend = add(addend, addend)
  }
  return sum
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let [left, square] = [exponent, base]; left > 0n; left >>= 1n, square = (square * square) % P) {
    if (left & 1n) result = (result * square) % P
  }
  return result
}

/** A point with this x, when there is one. */
export function pointAt(x: bigint): Point {
  const square = mod(x * x * x + A * x + B, P)
  const y = power(square, (P + 1n) / 4n)
  return (y * y) % P === square ? { x, y } : undefined
}

export function toBytes(value: bigint, length = 32): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex'))
}

export function fromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** Uncompressed form, 65 bytes. */
export function encodePoint(point: Point): Uint8Array {
  if (point === undefined) throw new TypeError('the point at infinity has no uncompressed form')
  return Uint8Array.of(4, ...toBytes(point.x), ...toBytes(point.y))
}
