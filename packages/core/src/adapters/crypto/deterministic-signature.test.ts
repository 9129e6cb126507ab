import fc from 'fast-check'
import { expect, it } from 'vitest'
import { signDeterministically } from './deterministic-signature.ts'
import { nobleCrypto } from './noble-crypto.ts'
import { encodePkcs8, isScalar } from './p256.ts'

it('a deterministic signature is the one that noble makes, byte for byte', () => {
  const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => isScalar(bytes, 0, 32))
  fc.assert(
    fc.property(scalar, fc.uint8Array({ maxLength: 300 }), (key, message) => {
      const expected = nobleCrypto.sign(nobleCrypto.importPrivateKey(encodePkcs8(key)), message)
      expect(Buffer.from(signDeterministically(key, message)).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    }),
    { numRuns: 100 },
  )
})
