import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { CryptoProvider, PrivateKey, PublicKey } from '../../ports/crypto-provider.ts'
import { compactSignature, encodeSignature, isCanonicalSignature } from './der-signature.ts'
import { CryptoError } from './errors.ts'
import { checkPointShape, checkSamePoint, decodePkcs8, encodePkcs8 } from './p256.ts'

const NAME = 'noble'

class NoblePublicKey implements PublicKey {
  readonly provider = NAME
  readonly raw: Uint8Array

  constructor(raw: Uint8Array) {
    this.raw = raw
  }
}

class NoblePrivateKey implements PrivateKey {
  readonly provider = NAME
  readonly publicKey: NoblePublicKey
  readonly #scalar: Uint8Array

  constructor(publicKey: NoblePublicKey, scalar: Uint8Array) {
    this.publicKey = publicKey
    this.#scalar = scalar
  }

  static scalarOf(key: NoblePrivateKey): Uint8Array {
    return key.#scalar
  }
}

function own<K extends NoblePublicKey | NoblePrivateKey>(key: PublicKey | PrivateKey): K {
  if (key instanceof NoblePublicKey || key instanceof NoblePrivateKey) return key as K
  throw new CryptoError('CRYPTO_FOREIGN_KEY', `a key of ${key.provider} was given to ${NAME}`, { provider: key.provider })
}

function fromScalar(scalar: Uint8Array): NoblePrivateKey {
  const kept = Uint8Array.from(scalar)
  return new NoblePrivateKey(new NoblePublicKey(p256.getPublicKey(kept, false)), kept)
}

/**
 * ECDSA in JavaScript (@noble/curves, audited): portable to wherever OpenSSL is not, and deterministic (RFC 6979): the same key and
 * message always give the same signature.
 */
export const nobleCrypto: CryptoProvider = {
  name: NAME,
  generateKeyPair() {
    return fromScalar(p256.utils.randomSecretKey())
  },
  importPublicKey(point) {
    checkPointShape(point)
    try {
      p256.Point.fromBytes(point).assertValidity()
    } catch (error) {
      throw new CryptoError('CRYPTO_BAD_KEY', 'not a P-256 key: the point is not on the curve', {}, { cause: error })
    }
    return new NoblePublicKey(Uint8Array.from(point))
  },
  importPrivateKey(pkcs8) {
    const { scalar, point } = decodePkcs8(pkcs8)
    const key = fromScalar(scalar)
    checkSamePoint(point, key.publicKey.raw)
    return key
  },
  exportPrivateKey(key) {
    return encodePkcs8(NoblePrivateKey.scalarOf(own<NoblePrivateKey>(key)), key.publicKey.raw)
  },
  sign(key, message) {
    const scalar = NoblePrivateKey.scalarOf(own<NoblePrivateKey>(key))
    return encodeSignature(p256.sign(sha256(message), scalar, { prehash: false, lowS: true, format: 'compact' }))
  },
  verify(key, message, signature) {
    if (!isCanonicalSignature(signature)) return false
    const { raw } = own<NoblePublicKey>(key)
    return p256.verify(compactSignature(signature), sha256(message), raw, { prehash: false, lowS: true, format: 'compact' })
  },
}
