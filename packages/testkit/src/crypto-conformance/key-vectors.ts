import { generateKeyPairSync } from 'node:crypto'
import { encodePoint, G, multiply, N, P, pointAt, toBytes } from './curve.ts'
import { element, integer } from './der.ts'

/** Bytes that must not be taken for a key. */
export interface BadKey {
  readonly name: string
  readonly bytes: Uint8Array
}

const good = encodePoint(G)

/** Public keys that are no uncompressed point on the curve. */
export function badPoints(): readonly BadKey[] {
  let off = 1n
  while (pointAt(off) !== undefined) off++
  // A small x has a twin above p that still fits into 32 bytes.
  let small = 1n
  while (pointAt(small) === undefined) small++
  const point = pointAt(small)!
  const compressed = Uint8Array.of(2 + Number(point.y & 1n), ...toBytes(point.x))
  const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'der', type: 'spki' })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'der', type: 'spki' })
  return [
    { name: 'no bytes', bytes: new Uint8Array(0) },
    { name: 'the point at infinity', bytes: Uint8Array.of(0) },
    { name: 'infinity in 65 bytes', bytes: new Uint8Array(65) },
    { name: 'x = y = 0', bytes: Uint8Array.of(4, ...new Uint8Array(64)) },
    { name: 'x without a point', bytes: Uint8Array.of(4, ...toBytes(off), ...toBytes(1n)) },
    { name: 'y one too large', bytes: Uint8Array.of(...good.subarray(0, 64), good[64]! + 1) },
    { name: 'x >= p', bytes: Uint8Array.of(4, ...toBytes(point.x + P), ...toBytes(point.y)) },
    { name: 'y >= p', bytes: Uint8Array.of(4, ...toBytes(point.x), ...toBytes((1n << 256n) - 1n)) },
    { name: 'a compressed point', bytes: compressed },
    { name: 'compressed, stretched to 65 bytes', bytes: Uint8Array.of(...compressed, ...new Uint8Array(32)) },
    { name: 'a hybrid point', bytes: Uint8Array.of(6 + (good[64]! & 1), ...good.subarray(1)) },
    { name: 'an unknown form', bytes: good.with(0, 5) },
    { name: 'one byte short', bytes: good.slice(0, 64) },
    { name: 'one byte more', bytes: Uint8Array.of(...good, 0) },
    { name: 'without its first byte', bytes: good.slice(1) },
    { name: 'a point of secp256k1', bytes: Uint8Array.from(secp256k1.subarray(-65)) },
    { name: 'a point of P-384', bytes: Uint8Array.from(p384.subarray(-97)) },
  ]
}

/** PKCS#8 of a scalar, with any public point or none. */
export function pkcs8(scalar: Uint8Array, point?: Uint8Array): Uint8Array {
  const algorithm = element(0x30, Uint8Array.from(Buffer.from('06072a8648ce3d020106082a8648ce3d030107', 'hex')))
  const parts = point === undefined ? [] : [element(0xa1, element(0x03, Uint8Array.of(0), point))]
  return element(0x30, integer(0n), algorithm, element(0x04, element(0x30, integer(1n), element(0x04, scalar), ...parts)))
}

/** Private keys that are none, or not of this curve. */
export function badPrivateKeys(): readonly BadKey[] {
  const whole = pkcs8(toBytes(2n), encodePoint(multiply(2n, G)))
  const exported = (key: { export(options: { format: 'der'; type: 'pkcs8' }): Buffer }): Uint8Array =>
    Uint8Array.from(key.export({ format: 'der', type: 'pkcs8' }))
  return [
    { name: 'no bytes', bytes: new Uint8Array(0) },
    { name: 'the scalar alone', bytes: toBytes(2n) },
    { name: 'scalar 0', bytes: pkcs8(toBytes(0n)) },
    { name: 'scalar n', bytes: pkcs8(toBytes(N)) },
    { name: 'scalar 2^256 − 1', bytes: pkcs8(toBytes((1n << 256n) - 1n)) },
    { name: 'a scalar of 33 bytes', bytes: pkcs8(toBytes(2n, 33)) },
    { name: 'a public key that is another one', bytes: pkcs8(toBytes(2n), encodePoint(multiply(3n, G))) },
    { name: 'cut off', bytes: whole.slice(0, -1) },
    { name: 'a byte after the end', bytes: Uint8Array.of(...whole, 0) },
    { name: 'a key of secp256k1', bytes: exported(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey) },
    { name: 'a key of P-384', bytes: exported(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey) },
    { name: 'a key of Ed25519', bytes: exported(generateKeyPairSync('ed25519').privateKey) },
  ]
}
