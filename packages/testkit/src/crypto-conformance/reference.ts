import { createHash } from 'node:crypto'
import { add, fromBytes, G, invert, multiply, N } from './curve.ts'
import { parseSignature } from './der.ts'

export const digest = (message: Uint8Array): bigint => fromBytes(createHash('sha256').update(message).digest())

/** The verdict that the rules give, in BigInt: strict DER, 1 <= r < n, 1 <= s <= n / 2, FIPS 186-5 section 6.4.2. `point` is on the curve. */
export function referenceVerdict(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const parsed = parseSignature(signature)
  if (parsed === undefined || parsed.s > N / 2n) return false
  const { r, s } = parsed
  const w = invert(s, N)
  const key = { x: fromBytes(point.subarray(1, 33)), y: fromBytes(point.subarray(33)) }
  const sum = add(multiply(digest(message) * w, G), multiply(r * w, key))
  return sum !== undefined && sum.x % N === r
}

/** A signature with this nonce: FIPS 186-5 section 6.4.1, without bringing s below n / 2. */
export function signWith(secret: bigint, nonce: bigint, message: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const r = multiply(nonce, G)!.x % N
  return { r, s: (invert(nonce, N) * (digest(message) + r * secret)) % N }
}
