import { ECParameters, ECPrivateKey, id_ecPublicKey, id_secp256r1 } from '@peculiar/asn1-ecc'
import { PrivateKeyInfo } from '@peculiar/asn1-pkcs8'
import { bytesOf, parseDer } from './asn1.ts'
import { CryptoError } from './errors.ts'
import { badKey, decodePkcs8, encodePkcs8, isNormalPkcs8 } from './p256.ts'
import { pemBlocks } from './pem.ts'

/**
 * PKCS#8 DER of the P-256 key in a PEM text, of kind PRIVATE KEY (PKCS#8) or EC PRIVATE KEY (SEC 1, as `openssl ecparam -genkey`
 * writes it, parameters before it passed over). Throws CryptoError (CRYPTO_BAD_PEM, CRYPTO_BAD_KEY).
 */
export function privateKeyFromPem(text: string | Uint8Array): Uint8Array {
  for (const { kind, bytes } of pemBlocks(text)) {
    if (kind === 'PRIVATE KEY') return normalPrivateKey(bytes)
    if (kind === 'EC PRIVATE KEY') return parsing(() => fromSec1(bytes))
  }
  throw new CryptoError('CRYPTO_BAD_PEM', 'the text holds no private key')
}

/** A P-256 key in any PKCS#8 structure, in the one form that crypto providers take. Throws CryptoError (CRYPTO_BAD_KEY). */
export function normalPrivateKey(pkcs8: Uint8Array): Uint8Array {
  if (isNormalPkcs8(pkcs8)) return pkcs8
  return parsing(() => {
    const info = parseDer(pkcs8, PrivateKeyInfo, 'PKCS#8 private key')
    if (info.privateKeyAlgorithm.algorithm !== id_ecPublicKey) throw badKey('not an elliptic curve key')
    const { parameters } = info.privateKeyAlgorithm
    if (!parameters || parseDer(bytesOf(parameters), ECParameters, 'curve').namedCurve !== id_secp256r1)
      throw badKey('another curve')
    return fromSec1(bytesOf(info.privateKey.buffer))
  })
}

function fromSec1(sec1: Uint8Array): Uint8Array {
  const key = parseDer(sec1, ECPrivateKey, 'EC private key')
  if (key.parameters !== undefined && key.parameters.namedCurve !== id_secp256r1) throw badKey('another curve')
  const scalar = bytesOf(key.privateKey.buffer)
  if (scalar.length !== 32) throw badKey('the private scalar is out of range')
  const point = key.publicKey === undefined ? undefined : bytesOf(key.publicKey)
  const normal = encodePkcs8(scalar, point)
  decodePkcs8(normal)
  return normal
}

function parsing(read: () => Uint8Array): Uint8Array {
  try {
    return read()
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'CRYPTO_BAD_DER')
      throw new CryptoError('CRYPTO_BAD_KEY', `not a private key: ${error.message}`, {}, { cause: error })
    throw error
  }
}
