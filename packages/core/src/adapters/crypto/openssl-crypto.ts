import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { CryptoProvider, PrivateKey, PublicKey } from '../../ports/crypto-provider.ts'
import { isCanonicalSignature, toLowS } from './der-signature.ts'
import { CryptoError } from './errors.ts'
import { badKey, checkPointShape, checkSamePoint, decodePkcs8, encodePkcs8, encodeSpki } from './p256.ts'

const NAME = 'openssl'

class OpensslPublicKey implements PublicKey {
  readonly provider = NAME
  readonly raw: Uint8Array
  readonly handle: KeyObject

  constructor(raw: Uint8Array, handle: KeyObject) {
    this.raw = raw
    this.handle = handle
  }
}

class OpensslPrivateKey implements PrivateKey {
  readonly provider = NAME
  readonly publicKey: OpensslPublicKey
  readonly handle: KeyObject

  constructor(publicKey: OpensslPublicKey, handle: KeyObject) {
    this.publicKey = publicKey
    this.handle = handle
  }
}

function importPublicKey(point: Uint8Array): OpensslPublicKey {
  checkPointShape(point)
  const raw = Uint8Array.from(point)
  try {
    return new OpensslPublicKey(raw, createPublicKey({ key: Buffer.from(encodeSpki(raw)), format: 'der', type: 'spki' }))
  } catch (error) {
    throw new CryptoError('CRYPTO_BAD_KEY', 'not a P-256 key: the point is not on the curve', {}, { cause: error })
  }
}

/** Point at the end of an exported SubjectPublicKeyInfo. */
function pointOf(handle: KeyObject): Uint8Array {
  const spki = handle.export({ format: 'der', type: 'spki' })
  return Uint8Array.from(spki.subarray(spki.length - 65))
}

function importPrivateKey(pkcs8: Uint8Array): OpensslPrivateKey {
  const { scalar, point } = decodePkcs8(pkcs8)
  let handle: KeyObject
  try {
    // Only the scalar goes in: OpenSSL computes the point, and what the structure states is compared with it.
    handle = createPrivateKey({ key: Buffer.from(encodePkcs8(scalar).buffer), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw new CryptoError('CRYPTO_BAD_KEY', 'OpenSSL refuses the private key', {}, { cause: error })
  }
  const raw = pointOf(createPublicKey(handle))
  checkSamePoint(point, raw)
  return new OpensslPrivateKey(importPublicKey(raw), handle)
}

function own(key: PublicKey): OpensslPublicKey
function own(key: PrivateKey): OpensslPrivateKey
function own(key: PublicKey | PrivateKey): OpensslPublicKey | OpensslPrivateKey {
  if (key instanceof OpensslPublicKey || key instanceof OpensslPrivateKey) return key
  throw new CryptoError('CRYPTO_FOREIGN_KEY', `a key of ${key.provider} was given to ${NAME}`, { provider: key.provider })
}

/**
 * ECDSA through OpenSSL (node:crypto), some thirty times faster to verify than JavaScript. Keys are kept as bare KeyObjects and
 * signatures as DER, which is the cheapest way into OpenSSL.
 *
 * OpenSSL takes and makes high-S signatures; both are put right here.
 */
export const opensslCrypto: CryptoProvider = {
  name: NAME,
  generateKeyPair() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    return new OpensslPrivateKey(new OpensslPublicKey(pointOf(publicKey), publicKey), privateKey)
  },
  importPublicKey,
  importPrivateKey,
  exportPrivateKey(key) {
    const jwk = own(key).handle.export({ format: 'jwk' })
    if (jwk.d === undefined) throw badKey('it has no private part')
    return encodePkcs8(Uint8Array.from(Buffer.from(jwk.d, 'base64url')), key.publicKey.raw)
  },
  sign(key, message) {
    return toLowS(sign('sha256', message, own(key).handle))
  },
  verify(key, message, signature) {
    return isCanonicalSignature(signature) && verify('sha256', message, own(key).handle, signature)
  },
}
