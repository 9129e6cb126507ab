import { createECDH, createHash, createHmac } from 'node:crypto'
import { encodeSignature, toLowS } from './der-signature.ts'
import { ORDER } from './p256.ts'

const N = toNumber(ORDER)

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`)
}

function toBytes(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
}

function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % N, N, 1n, 0n]
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x]
  return ((x % N) + N) % N
}

/**
 * ECDSA P-256 over SHA-256 with the nonce of RFC 6979, low S, for certificates that a seed determines. The same signatures as noble's,
 * without the tens of milliseconds that its first use costs. Its time depends on the key: for test identities, not for secrets.
 */
export function signDeterministically(scalar: Uint8Array, message: Uint8Array): Uint8Array {
  const digest = toNumber(createHash('sha256').update(message).digest()) % N
  const secret = toNumber(scalar)
  const seed = Buffer.concat([scalar, toBytes(digest)])
  const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
    const mac = createHmac('sha256', key)
    for (const part of parts) mac.update(part)
    return mac.digest()
  }
  // RFC 6979, 3.2, steps b to h.
  let key: Uint8Array = new Uint8Array(32)
  let value: Uint8Array = new Uint8Array(32).fill(1)
  for (const step of [0, 1]) {
    key = hmac(key, value, Uint8Array.of(step), seed)
    value = hmac(key, value)
  }
  for (;;) {
    value = hmac(key, value)
    const nonce = toNumber(value)
    if (nonce > 0n && nonce < N) {
      const curve = createECDH('prime256v1')
      curve.setPrivateKey(value)
      const r = toNumber(curve.getPublicKey().subarray(1, 33)) % N
      const s = (inverse(nonce) * (digest + r * secret)) % N
      if (r !== 0n && s !== 0n) return toLowS(encodeSignature(Buffer.concat([toBytes(r), toBytes(s)])))
    }
    key = hmac(key, value, Uint8Array.of(0))
    value = hmac(key, value)
  }
}
