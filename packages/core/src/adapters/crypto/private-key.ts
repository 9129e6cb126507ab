import { CryptoError } from './errors.ts'
import { decodePkcs8, encodePkcs8, pkcs8FromSec1 } from './p256.ts'
import { pemBlocks } from './pem.ts'

/**
 * PKCS#8 DER of the P-256 key in a PEM text, of kind PRIVATE KEY (PKCS#8) or EC PRIVATE KEY (SEC 1, as `openssl ecparam -genkey`
 * writes it, parameters before it passed over). Throws CryptoError (CRYPTO_BAD_PEM, CRYPTO_BAD_KEY).
 */
export function privateKeyFromPem(text: string | Uint8Array): Uint8Array {
  for (const { kind, bytes } of pemBlocks(text)) {
    if (kind !== 'PRIVATE KEY' && kind !== 'EC PRIVATE KEY') continue
    const { scalar, point } = decodePkcs8(kind === 'PRIVATE KEY' ? bytes : pkcs8FromSec1(bytes))
    return encodePkcs8(scalar, point)
  }
  throw new CryptoError('CRYPTO_BAD_PEM', 'the text holds no private key')
}
