import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, verify as verifyWithNode } from 'node:crypto'
import type { CryptoProvider, PublicKey } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'
import { encodePoint, G, multiply, N, toBytes } from './curve.ts'
import { parseSignature } from './der.ts'
import { badPoints, badPrivateKeys, pkcs8 } from './key-vectors.ts'
import { referenceVerdict } from './reference.ts'
import { type SignatureVector, signatureVectors } from './signature-vectors.ts'

/** A crypto provider under test. */
export interface CryptoSuite {
  readonly name: string
  create(): CryptoProvider | Promise<CryptoProvider>
  /** Another provider, which must give the same verdicts and the same errors, and take this one's keys and signatures. */
  readonly reference?: CryptoProvider
  readonly skips?: readonly Skip[]
}

const MESSAGE = Uint8Array.from(Buffer.from('what is signed'))

let table: readonly SignatureVector[] | undefined
/** Made once: the reference arithmetic takes its time. */
const vectors = (): readonly SignatureVector[] => {
  table ??= signatureVectors()
  return table
}

const isBadKey = (error: unknown): boolean => (error as { code?: unknown }).code === 'CRYPTO_BAD_KEY'

/** Names of the vectors on which the verdict is wrong: one failure tells of all. */
function wrongOnes(provider: CryptoProvider, list: readonly SignatureVector[]): string[] {
  const keys = new Map<string, PublicKey>()
  const keyOf = (point: Uint8Array): PublicKey => {
    const id = Buffer.from(point).toString('hex')
    const known = keys.get(id) ?? provider.importPublicKey(point)
    keys.set(id, known)
    return known
  }
  return list
    .filter(({ name, key, message, signature, valid }) => {
      const imported = keyOf(key)
      let verdict: unknown
      assert.doesNotThrow(() => {
        verdict = provider.verify(imported, message, signature)
      }, `a verdict is never a throw: ${name}`)
      return verdict !== valid
    })
    .map(({ name, valid }) => `${name}: must be ${valid ? 'valid' : 'invalid'}`)
}

function suiteTests(reference: CryptoProvider | undefined): Record<string, (provider: CryptoProvider) => void> {
  return {
    'good signatures verify, at the bounds of r and s as well': (provider) => {
      assert.deepEqual(
        wrongOnes(
          provider,
          vectors().filter(({ valid }) => valid),
        ),
        [],
      )
    },

    'no signature verifies whose r or s is zero, negative, n, too large, or high': (provider) => {
      const values = vectors().filter(({ name, valid }) => !valid && /^[rs−]|high|sum|r not/.test(name))
      assert.ok(values.length > 30)
      assert.deepEqual(wrongOnes(provider, values), [])
    },

    'no signature verifies with any other encoding than DER': (provider) => {
      assert.deepEqual(
        wrongOnes(
          provider,
          vectors().filter(({ valid }) => !valid),
        ),
        [],
      )
    },

    'the vectors are what the reference arithmetic says': () => {
      // A flipped bit is like any other wrong value, and this arithmetic is slow.
      const wrong = vectors()
        .filter(({ name }) => !name.startsWith('bit'))
        .filter((vector) => referenceVerdict(vector.key, vector.message, vector.signature) !== vector.valid)
      assert.deepEqual(
        wrong.map(({ name }) => name),
        [],
      )
    },

    'a point that is off the curve, at infinity, out of range or in another form is refused': (provider) => {
      for (const { name, bytes } of badPoints()) assert.throws(() => provider.importPublicKey(bytes), isBadKey, name)
    },

    'a private key that is out of range, of another curve, or not its public key is refused': (provider) => {
      for (const { name, bytes } of badPrivateKeys()) assert.throws(() => provider.importPrivateKey(bytes), isBadKey, name)
    },

    'keys at the ends of the range work': (provider) => {
      for (const scalar of [1n, 2n, N / 2n, N - 2n, N - 1n]) {
        const point = encodePoint(multiply(scalar, G))
        for (const bytes of [pkcs8(toBytes(scalar)), pkcs8(toBytes(scalar), point)]) {
          const key = provider.importPrivateKey(bytes)
          assert.deepEqual(Buffer.from(key.publicKey.raw), Buffer.from(point))
          assert.equal(referenceVerdict(point, MESSAGE, provider.sign(key, MESSAGE)), true)
        }
      }
    },

    'signatures are strict DER with a low s, and verify everywhere': (provider) => {
      const key = provider.generateKeyPair()
      for (let i = 0; i < 64; i++) {
        const message = Uint8Array.of(i, 1, 2, 3)
        const signature = provider.sign(key, message)
        const parsed = parseSignature(signature)
        assert.ok(parsed !== undefined, 'strict DER')
        assert.ok(parsed.s <= N / 2n, 'low s')
        assert.equal(provider.verify(key.publicKey, message, signature), true)
        if (i < 4) assert.equal(referenceVerdict(key.publicKey.raw, message, signature), true)
      }
    },

    'messages of any length are signed': (provider) => {
      const key = provider.generateKeyPair()
      for (const length of [0, 1, 55, 56, 64, 1 << 20]) {
        const message = new Uint8Array(length).fill(length)
        const signature = provider.sign(key, message)
        assert.equal(provider.verify(key.publicKey, message, signature), true, `${length} bytes`)
        assert.equal(provider.verify(key.publicKey, Uint8Array.of(...message.subarray(0, 100), 7), signature), false)
      }
    },

    'only the bytes of a view count, not those of the buffer around it': (provider) => {
      const key = provider.generateKeyPair()
      const around = new Uint8Array(200).fill(9)
      around.set(MESSAGE, 50)
      const view = around.subarray(50, 50 + MESSAGE.length)
      const signature = provider.sign(key, view)
      const shifted = new Uint8Array(signature.length + 20)
      shifted.set(signature, 10)
      const point = new Uint8Array(100)
      point.set(key.publicKey.raw, 30)
      const imported = provider.importPublicKey(point.subarray(30, 95))
      assert.equal(provider.verify(imported, MESSAGE, shifted.subarray(10, 10 + signature.length)), true)
    },

    'a key does not change when the buffer that it came in does': (provider) => {
      const key = provider.generateKeyPair()
      const signature = provider.sign(key, MESSAGE)
      const point = Uint8Array.from(key.publicKey.raw)
      const imported = provider.importPublicKey(point)
      const exported = Uint8Array.from(provider.exportPrivateKey(key))
      const again = provider.importPrivateKey(exported)
      point.fill(0)
      exported.fill(0)
      assert.equal(provider.verify(imported, MESSAGE, signature), true)
      assert.deepEqual(Buffer.from(imported.raw), Buffer.from(key.publicKey.raw))
      assert.equal(provider.verify(key.publicKey, MESSAGE, provider.sign(again, MESSAGE)), true)
    },

    'an exported key is PKCS#8 that others read, and comes back as the same key': (provider) => {
      const key = provider.generateKeyPair()
      const exported = provider.exportPrivateKey(key)
      const inNode = createPrivateKey({ key: Buffer.from(exported), format: 'der', type: 'pkcs8' })
      assert.deepEqual(Buffer.from(provider.importPrivateKey(exported).publicKey.raw), Buffer.from(key.publicKey.raw))
      assert.equal(verifyWithNode('sha256', MESSAGE, createPublicKey(inNode), provider.sign(key, MESSAGE)), true)
    },

    'generated keys differ, and are points of 65 bytes': (provider) => {
      const points = new Set<string>()
      for (let i = 0; i < 8; i++) {
        const { raw } = provider.generateKeyPair().publicKey
        assert.equal(raw.length, 65)
        assert.deepEqual(Buffer.from(provider.importPublicKey(raw).raw), Buffer.from(raw))
        points.add(Buffer.from(raw).toString('hex'))
      }
      assert.equal(points.size, 8)
    },

    'keys say which provider they belong to': (provider) => {
      const key = provider.generateKeyPair()
      assert.equal(key.provider, provider.name)
      assert.equal(key.publicKey.provider, provider.name)
      assert.equal(provider.importPublicKey(key.publicKey.raw).provider, provider.name)
    },

    'keys and signatures pass between this provider and the reference provider': (provider) => {
      if (reference === undefined) return
      const key = provider.generateKeyPair()
      const there = reference.importPrivateKey(provider.exportPrivateKey(key))
      assert.deepEqual(Buffer.from(there.publicKey.raw), Buffer.from(key.publicKey.raw))
      assert.equal(reference.verify(there.publicKey, MESSAGE, provider.sign(key, MESSAGE)), true)
      assert.equal(provider.verify(key.publicKey, MESSAGE, reference.sign(there, MESSAGE)), true)
      assert.deepEqual(Buffer.from(reference.exportPrivateKey(there)), Buffer.from(provider.exportPrivateKey(key)))
    },

    'the reference provider agrees on every vector': (provider) => {
      if (reference === undefined) return
      const own = wrongOnes(provider, vectors())
      assert.deepEqual(own, wrongOnes(reference, vectors()))
    },
  }
}

/**
 * Conformance of a crypto provider: a table of over 200 signatures with every kind of defect, keys on and off the curve, and the arithmetic
 * in BigInt that says what is right. Needs nothing of the product but the port.
 */
export function cryptoConformance(api: TestApi, suite: CryptoSuite): void {
  const tests = suiteTests(suite.reference)
  const skips = [...(suite.skips ?? [])]
  if (suite.reference === undefined) {
    for (const test of Object.keys(tests).filter((name) => name.includes('reference provider')))
      skips.push({ test, reason: 'no reference provider was given' })
  }
  registerSuite(api, `CryptoProvider: ${suite.name}`, suite.create, () => {}, tests, skips)
}
