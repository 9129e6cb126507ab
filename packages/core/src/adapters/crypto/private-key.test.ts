import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { opensslCrypto } from './openssl-crypto.ts'
import { privateKeyFromPem } from './private-key.ts'

describe('a private key in PEM', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const point = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65)

  it('is read from PKCS#8, from SEC 1, and from behind other blocks', () => {
    const pkcs8 = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const sec1 = pair.privateKey.export({ format: 'pem', type: 'sec1' }).toString()
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    for (const text of [pkcs8, sec1, parameters + sec1])
      expect(opensslCrypto.importPrivateKey(privateKeyFromPem(text)).publicKey.raw).toEqual(Uint8Array.from(point))
  })

  it('of another curve or kind is refused', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    for (const [text, code] of [
      [p384.export({ format: 'pem', type: 'sec1' }), 'CRYPTO_BAD_KEY'],
      [p384.export({ format: 'pem', type: 'pkcs8' }), 'CRYPTO_BAD_KEY'],
      [rsa.export({ format: 'pem', type: 'pkcs8' }), 'CRYPTO_BAD_KEY'],
      [pair.publicKey.export({ format: 'pem', type: 'spki' }), 'CRYPTO_BAD_PEM'],
    ] as const)
      expect(() => privateKeyFromPem(text.toString())).toThrow(expect.objectContaining({ code }))
  })
})
