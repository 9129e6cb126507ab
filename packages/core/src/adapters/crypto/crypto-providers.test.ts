import { p256, p384 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import * as der from './der.fixture.ts'
import { compactSignature, encodeSignature, isCanonicalSignature, isLowS, isStrictSignature, toLowS } from './der-signature.ts'
import { CryptoError } from './errors.ts'
import { nobleCrypto } from './noble-crypto.ts'
import { opensslCrypto } from './openssl-crypto.ts'
import { encodePkcs8, encodeSpki, HALF_ORDER, ORDER } from './p256.ts'
import { cryptoProvider, cryptoProviders } from './providers.ts'

const N = BigInt(`0x${Buffer.from(ORDER).toString('hex')}`)
const HALF = BigInt(`0x${Buffer.from(HALF_ORDER).toString('hex')}`)
const toBytes = (value: bigint, length = 32): Uint8Array => Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

const scalar = hex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')
const point = p256.getPublicKey(scalar, false)
const message = Buffer.from('sample')
const signature = nobleCrypto.sign(nobleCrypto.importPrivateKey(encodePkcs8(scalar, point)), message)
const compact = compactSignature(signature)
const r = toNumber(compact.subarray(0, 32))
const s = toNumber(compact.subarray(32))

/** INTEGER with this content, whatever it says. */
const rawInteger = (content: Uint8Array): Uint8Array => der.element(0x02, content)
const integer = (value: bigint): Uint8Array => der.unsignedInteger(toBytes(value, 40))
const signed = (a: bigint, b: bigint): Uint8Array => der.sequence(integer(a), integer(b))
const padded = (value: bigint): Uint8Array => Uint8Array.of(0, ...toBytes(value, 33))

/** Each: a name and a signature that must not verify. */
const deformed: readonly (readonly [string, Uint8Array])[] = [
  ['high s, which is malleable', signed(r, N - s)],
  ['r is zero', signed(0n, s)],
  ['s is zero', signed(r, 0n)],
  ['both are zero', signed(0n, 0n)],
  ['r is n', signed(N, s)],
  ['s is n', signed(r, N)],
  ['r is r + n', signed(r + N, s)],
  ['s is s + n', signed(r, s + N)],
  ['r is the field prime', signed(p256.Point.Fp.ORDER, s)],
  ['r is larger than 2^256', signed(r + (1n << 256n), s)],
  ['s is larger than 2^264', signed(r, s + (1n << 264n))],
  ['r and s are swapped, s high', signed(s, r)],
  ['r is negative', der.sequence(rawInteger(toBytes((1n << 264n) - r, 33)), integer(s))],
  ['s is negative', der.sequence(integer(r), rawInteger(toBytes((1n << 256n) - s)))],
  ['r lacks its sign byte', der.sequence(rawInteger(toBytes(r)), integer(s))],
  ['r has a needless zero', der.sequence(rawInteger(Uint8Array.of(0, 0, ...toBytes(r))), integer(s))],
  ['s has a needless zero', der.sequence(integer(r), rawInteger(padded(s)))],
  ['r is empty', der.sequence(rawInteger(new Uint8Array(0)), integer(s))],
  ['s is empty', der.sequence(integer(r), rawInteger(new Uint8Array(0)))],
  ['s is missing', der.sequence(integer(r))],
  ['nothing inside', der.sequence()],
  ['a third integer', der.sequence(integer(r), integer(s), integer(1n))],
  ['a null after s, inside', der.sequence(integer(r), integer(s), der.element(0x05))],
  ['a byte after the sequence', Uint8Array.of(...signature, 0)],
  ['a second signature after it', Uint8Array.of(...signature, ...signature)],
  ['a byte before the sequence', Uint8Array.of(0, ...signature)],
  ['no bytes at all', new Uint8Array(0)],
  ['one byte', Uint8Array.of(0x30)],
  ['r || s without DER', compact],
  ['a set instead of a sequence', Uint8Array.of(0x31, ...signature.subarray(1))],
  ['octet strings instead of integers', der.sequence(der.element(0x04, toBytes(r)), der.element(0x04, toBytes(s)))],
  ['the sequence is longer than its bytes', Uint8Array.of(0x30, signature[1]! + 1, ...signature.subarray(2))],
  ['the sequence is shorter than its bytes', Uint8Array.of(0x30, signature[1]! - 1, ...signature.subarray(2))],
  ['length in long form', Uint8Array.of(0x30, 0x81, ...signature.subarray(1))],
  ['length in very long form', Uint8Array.of(0x30, 0x82, 0, ...signature.subarray(1))],
  ['indefinite length', Uint8Array.of(0x30, 0x80, ...signature.subarray(2), 0, 0)],
  [
    'length of r in long form',
    (() => {
      const inner = Uint8Array.of(0x02, 0x81, ...integer(r).subarray(1), ...integer(s))
      return Uint8Array.of(0x30, inner.length, ...inner)
    })(),
  ],
  ['text', Buffer.from('not a signature')],
]

function forEachProvider(run: (provider: CryptoProvider) => void): void {
  for (const provider of cryptoProviders) run(provider)
}

describe('ECDSA signatures', () => {
  it('both providers take the signature of the other', () => {
    const openssl = opensslCrypto.importPrivateKey(encodePkcs8(scalar))
    const noble = nobleCrypto.importPrivateKey(encodePkcs8(scalar))
    for (let i = 0; i < 32; i++) {
      const text = Buffer.from(`message ${i}`)
      for (const made of [opensslCrypto.sign(openssl, text), nobleCrypto.sign(noble, text)]) {
        expect(isCanonicalSignature(made)).toBe(true)
        expect(opensslCrypto.verify(openssl.publicKey, text, made)).toBe(true)
        expect(nobleCrypto.verify(noble.publicKey, text, made)).toBe(true)
      }
    }
  })

  it('noble signs by RFC 6979: its vector A.2.5, with s brought to low', () => {
    expect(r).toBe(toNumber(hex('efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716')))
    expect(s).toBe(N - toNumber(hex('f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8')))
  })

  it.each(deformed)('no provider takes a signature where %s', (_, bad) => {
    expect(isCanonicalSignature(bad)).toBe(false)
    forEachProvider((provider) => expect(provider.verify(provider.importPublicKey(point), message, bad)).toBe(false))
  })

  it('no provider takes a signature cut short at any byte', () => {
    forEachProvider((provider) => {
      const key = provider.importPublicKey(point)
      for (let length = 0; length < signature.length; length++)
        expect(provider.verify(key, message, signature.subarray(0, length))).toBe(false)
    })
  })

  it('no provider takes a signature, a message or a key with one changed bit', () => {
    const other = p256.getPublicKey(p256.utils.randomSecretKey(), false)
    forEachProvider((provider) => {
      const key = provider.importPublicKey(point)
      expect(provider.verify(key, message, signature)).toBe(true)
      expect(provider.verify(provider.importPublicKey(other), message, signature)).toBe(false)
      expect(provider.verify(key, Buffer.from('Sample'), signature)).toBe(false)
      expect(provider.verify(key, new Uint8Array(0), signature)).toBe(false)
      for (let i = 0; i < signature.length; i += 3) {
        const changed = Uint8Array.from(signature)
        changed[i] = changed[i]! ^ (1 << (i % 8))
        expect(provider.verify(key, message, changed)).toBe(false)
      }
    })
  })

  it('r or s turned over or replaced, in good form, does not verify', () => {
    forEachProvider((provider) => {
      const key = provider.importPublicKey(point)
      for (const wrong of [signed(N - r, s), signed(r, s - 1n), signed(r, 1n), signed(1n, s), signed(N - 1n, HALF)]) {
        expect(isCanonicalSignature(wrong)).toBe(true)
        expect(provider.verify(key, message, wrong)).toBe(false)
      }
    })
  })

  it('a signature of another curve or hash does not verify', () => {
    const p384Signature = p384.sign(message, p384.utils.randomSecretKey(), { format: 'der' })
    const sameKeyOtherCurve = secp256k1.sign(message, scalar, { format: 'der' })
    const hashedTwice = encodeSignature(p256.sign(sha256(sha256(message)), scalar, { prehash: false, format: 'compact' }))
    forEachProvider((provider) => {
      const key = provider.importPublicKey(point)
      for (const foreign of [p384Signature, sameKeyOtherCurve, hashedTwice])
        expect(provider.verify(key, message, foreign)).toBe(false)
    })
  })

  /** A key under which (k·G, s) is a valid signature of the message. */
  function keyFor(k: bigint, chosenS: bigint): { readonly key: Uint8Array; readonly r: bigint } {
    const { Point } = p256
    const R = Point.BASE.multiply(k)
    const chosenR = Point.Fn.create(R.x)
    const e = Point.Fn.create(toNumber(sha256(message)))
    const inverse = Point.Fn.inv(chosenR)
    const sR = R.multiply(chosenS)
    const key = sR.subtract(Point.BASE.multiply(e)).multiply(inverse)
    return { key: key.toBytes(false), r: chosenR }
  }

  it.each([
    ['s = 1', 1n, true],
    ['s = 127, one byte', 127n, true],
    ['s = 128, a sign byte', 128n, true],
    ['s = n / 2, the largest low one', HALF, true],
    ['s = n / 2 + 1, the smallest high one', HALF + 1n, false],
    ['s = n - 1', N - 1n, false],
  ])('the bound of low s holds at %s', (_, chosenS, valid) => {
    const { key, r: chosenR } = keyFor(7n, chosenS)
    forEachProvider((provider) =>
      expect(provider.verify(provider.importPublicKey(key), message, signed(chosenR, chosenS))).toBe(valid),
    )
  })

  it('toLowS keeps what is low and turns over what is high, and the encoding is its own inverse', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: N - 1n }), fc.bigInt({ min: 1n, max: N - 1n }), (a, b) => {
        const encoded = signed(a, b)
        expect(isStrictSignature(encoded)).toBe(true)
        expect(encodeSignature(compactSignature(encoded))).toEqual(encoded)
        expect(isLowS(encoded)).toBe(b <= HALF)
        const low = compactSignature(toLowS(encoded))
        expect(toNumber(low.subarray(0, 32))).toBe(a)
        expect(toNumber(low.subarray(32))).toBe(b <= HALF ? b : N - b)
      }),
    )
  })

  it('providers agree on every mutation of a signature', () => {
    const openssl = opensslCrypto.importPublicKey(point)
    const noble = nobleCrypto.importPublicKey(point)
    const mutation = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.nat(71), fc.nat(255)).map(([at, value]) => signature.map((byte, i) => (i === at ? value : byte))),
      fc.tuple(fc.bigInt({ min: 0n, max: 1n << 257n }), fc.bigInt({ min: 0n, max: 1n << 257n })).map(([a, b]) => signed(a, b)),
    )
    fc.assert(
      fc.property(mutation, (bytes) => {
        expect(opensslCrypto.verify(openssl, message, bytes)).toBe(nobleCrypto.verify(noble, message, bytes))
      }),
      { numRuns: 200 },
    )
  })
})

describe('P-256 keys', () => {
  const flipped = Uint8Array.from(point)
  flipped[64] = flipped[64]! ^ 1
  it.each<readonly [string, Uint8Array]>([
    ['the point at infinity', Uint8Array.of(0)],
    ['65 zeros', new Uint8Array(65)],
    ['zero coordinates', Uint8Array.of(4, ...new Uint8Array(64))],
    ['a point off the curve', flipped],
    ['a point of secp256k1', secp256k1.getPublicKey(scalar, false)],
    ['a point of P-384', p384.getPublicKey(p384.utils.randomSecretKey(), false)],
    ['a compressed point', p256.getPublicKey(scalar, true)],
    ['a hybrid point', Uint8Array.of(6 + (point[64]! & 1), ...point.subarray(1))],
    ['x not reduced', Uint8Array.of(4, ...toBytes(p256.Point.Fp.ORDER + 5n), ...point.subarray(33))],
    ['a byte too few', point.subarray(0, 64)],
    ['a byte too many', Uint8Array.of(...point, 0)],
    ['nothing', new Uint8Array(0)],
  ])('no provider imports %s', (_, bytes) => {
    forEachProvider((provider) => expect(() => provider.importPublicKey(bytes)).toThrow(CryptoError))
  })

  const pkcs8 = encodePkcs8(scalar, point)
  it.each<readonly [string, Uint8Array]>([
    ['zero', encodePkcs8(new Uint8Array(32))],
    ['n', encodePkcs8(ORDER)],
    ['n + 1', encodePkcs8(toBytes(N + 1n))],
    ['31 bytes', encodePkcs8(scalar.subarray(1))],
    ['one with the public key of another', encodePkcs8(scalar, p256.getPublicKey(toBytes(5n), false))],
    ['one of secp256k1', hex(Buffer.from(pkcs8).toString('hex').replace('06082a8648ce3d030107', '06082a8648ce3d030108'))],
    ['one with bytes after it', Uint8Array.of(...pkcs8, 0)],
    ['one cut short', pkcs8.subarray(0, -1)],
    ['a public key', encodeSpki(point)],
    ['nothing', new Uint8Array(0)],
  ])('no provider imports a private key that is %s', (_, bytes) => {
    forEachProvider((provider) => expect(() => provider.importPrivateKey(bytes)).toThrow(CryptoError))
  })

  it('providers export the same PKCS#8, and take each other’s', () => {
    forEachProvider((provider) => {
      const key = provider.generateKeyPair()
      const exported = provider.exportPrivateKey(key)
      forEachProvider((other) => {
        const again = other.importPrivateKey(exported)
        expect(again.publicKey.raw).toEqual(key.publicKey.raw)
        expect(other.exportPrivateKey(again)).toEqual(exported)
      })
    })
  })

  it('a key of one provider is refused by the other', () => {
    const key = nobleCrypto.generateKeyPair()
    expect(() => opensslCrypto.sign(key, message)).toThrow(expect.objectContaining({ code: 'CRYPTO_FOREIGN_KEY' }))
    expect(() => nobleCrypto.verify(opensslCrypto.importPublicKey(point), message, signature)).toThrow(
      expect.objectContaining({ code: 'CRYPTO_FOREIGN_KEY' }),
    )
  })

  it('providers are found by name, an unknown name is refused', () => {
    expect(cryptoProvider('noble')).toBe(nobleCrypto)
    expect(cryptoProvider('auto')).toBe(opensslCrypto)
    expect(() => cryptoProvider('rot13')).toThrow(expect.objectContaining({ code: 'CRYPTO_UNKNOWN_PROVIDER' }))
  })
})
