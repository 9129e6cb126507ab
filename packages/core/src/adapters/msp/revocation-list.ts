import { CertificateList } from '@peculiar/asn1-x509'
import { bytesOf, parseDer } from '../crypto/asn1.ts'
import { pemBlock } from '../crypto/pem.ts'
import { BytesCache } from './bytes-cache.ts'
import { readAuthorityKeyId, readExtensions, readSerialNumber } from './certificate.ts'

/** A parsed certificate revocation list (RFC 5280, 5). Times are not looked at: a list counts from the configuration that carries it. */
export interface RevocationList {
  readonly raw: Uint8Array
  readonly tbs: Uint8Array
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Hex serial numbers, as in `Certificate.serialNumber`. */
  readonly revoked: ReadonlySet<string>
  readonly authorityKeyId: Uint8Array | undefined
}

/** Most ASN.1 elements of a list: three for an entry without extensions, eight with a reason. */
const MAX_ELEMENTS = 400_000

/** Lists parsed before: each configuration and each node of a process has the same ones, and an entry takes a tenth of a millisecond. */
const parsedBefore = new BytesCache<RevocationList>(16)

/**
 * Parses a list, PEM or DER. A list without nextUpdate, which RFC 5280 demands, is refused: the library does not see its entries.
 * Throws CryptoError.
 */
export function parseRevocationList(bytes: Uint8Array): RevocationList {
  const raw = bytes[0] === 0x2d ? pemBlock(bytes, 'X509 CRL').bytes : bytes
  const known = parsedBefore.get(raw)
  if (known !== undefined) return known
  const list = readRevocationList(Uint8Array.from(raw))
  parsedBefore.set(raw, list)
  return list
}

function readRevocationList(raw: Uint8Array): RevocationList {
  const { tbsCertList, tbsCertListRaw, signatureAlgorithm, signature } = parseDer(
    raw,
    CertificateList,
    'revocation list',
    MAX_ELEMENTS,
  )
  return {
    raw,
    tbs: bytesOf(tbsCertListRaw!),
    signatureAlgorithm: signatureAlgorithm.algorithm,
    signature: bytesOf(signature),
    revoked: new Set((tbsCertList.revokedCertificates ?? []).map(({ userCertificate }) => readSerialNumber(userCertificate))),
    authorityKeyId: readAuthorityKeyId(readExtensions(tbsCertList.crlExtensions ?? [])),
  }
}
