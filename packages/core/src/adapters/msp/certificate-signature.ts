import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { ECDSASigValue } from '@peculiar/asn1-ecc'
import { Certificate as Asn1Certificate } from '@peculiar/asn1-x509'
import type { CryptoProvider, PublicKey } from '../../ports/crypto-provider.ts'
import { bufferOf, bytesOf, parseDer, toDer } from '../crypto/asn1.ts'
import { isStrictSignature, toLowS } from '../crypto/der-signature.ts'
import { CryptoError } from '../crypto/errors.ts'
import { type Certificate, Oid, parseCertificate, type SubjectPublicKey } from './certificate.ts'

/** Hash of each signature algorithm that certificates and revocation lists may have. SHA-1 is refused, as Go's library does. */
const HASHES: Readonly<Record<string, string>> = {
  [Oid.ECDSA_SHA256]: 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}

/** Group orders of the curves that an authority's key may have; members' keys are on P-256 only. */
const ORDERS: Readonly<Record<string, bigint>> = {
  [Oid.P256]: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  '1.3.132.0.34': 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  '1.3.132.0.35':
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

const imported = new WeakMap<SubjectPublicKey, Map<string, PublicKey | KeyObject>>()

function keyFor<K extends PublicKey | KeyObject>(key: SubjectPublicKey, kind: string, load: () => K): K {
  let known = imported.get(key)
  if (known === undefined) {
    known = new Map()
    imported.set(key, known)
  }
  const found = known.get(kind) as K | undefined
  if (found !== undefined) return found
  const loaded = load()
  known.set(kind, loaded)
  return loaded
}

/** Whether the algorithm is ECDSA with a hash that counts as secure. */
export function isEcdsaSignature(algorithm: string): boolean {
  return HASHES[algorithm] !== undefined
}

/**
 * The provider's key of a certificate whose key is ECDSA on P-256. Throws CRYPTO_BAD_KEY for any other.
 */
export function p256KeyOf(key: SubjectPublicKey, crypto: CryptoProvider): PublicKey {
  if (key.algorithm !== Oid.EC_PUBLIC_KEY || key.curve !== Oid.P256)
    throw new CryptoError('CRYPTO_BAD_KEY', 'not a P-256 key', { algorithm: key.algorithm, curve: key.curve })
  return keyFor(key, crypto.name, () => crypto.importPublicKey(key.bits))
}

/**
 * Whether `signed` carries a valid signature of an authority's key. High S is allowed here: authorities that use OpenSSL make it
 * half the time, and Fabric brings it down on reading. Curves beside P-256 exist for authorities only and go through node:crypto.
 */
export function verifySignedBy(
  signed: { readonly tbs: Uint8Array; readonly signatureAlgorithm: string; readonly signature: Uint8Array },
  key: SubjectPublicKey,
  crypto: CryptoProvider,
): boolean {
  const hash = HASHES[signed.signatureAlgorithm]
  if (hash === undefined || key.curve === undefined || ORDERS[key.curve] === undefined) return false
  try {
    if (key.curve === Oid.P256 && hash === 'sha256') {
      if (!isStrictSignature(signed.signature)) return false
      return crypto.verify(p256KeyOf(key, crypto), signed.tbs, toLowS(signed.signature))
    }
    const handle = keyFor(key, 'node:crypto', () => createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' }))
    return verify(hash, signed.tbs, handle, signed.signature)
  } catch {
    return false
  }
}

/**
 * The certificate with its signature brought to low S, the form in which Fabric compares and hashes certificates; the same object
 * when it is so already. `signer` is the key that made the signature.
 */
export function withLowS(certificate: Certificate, signer: SubjectPublicKey): Certificate {
  const order = ORDERS[signer.curve ?? '']
  if (order === undefined || !isEcdsaSignature(certificate.signatureAlgorithm)) return certificate
  const low = lowSignature(certificate.signature, signer.curve === Oid.P256, order)
  if (low === certificate.signature) return certificate
  const whole = parseDer(certificate.raw, Asn1Certificate, 'certificate')
  whole.signatureValue = bufferOf(low)
  return parseCertificate(toDer(whole))
}

function lowSignature(signature: Uint8Array, isP256: boolean, order: bigint): Uint8Array {
  if (isP256 && isStrictSignature(signature)) return toLowS(signature)
  const parsed = parseDer(signature, ECDSASigValue, 'signature')
  const s = BigInt(`0x${Buffer.from(bytesOf(parsed.s)).toString('hex')}`)
  if (s <= order / 2n) return signature
  const digits = (order - s).toString(16)
  // An even number of digits, and a zero before a set sign bit.
  const hex = digits.length % 2 === 1 ? `0${digits}` : digits >= '8' ? `00${digits}` : digits
  parsed.s = bufferOf(Buffer.from(hex, 'hex'))
  return toDer(parsed)
}
