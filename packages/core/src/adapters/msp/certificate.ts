import { ECParameters } from '@peculiar/asn1-ecc'
import {
  Certificate as Asn1Certificate,
  type Extension as Asn1Extension,
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  KeyUsage as KeyUsageBits,
  SubjectKeyIdentifier,
  type SubjectPublicKeyInfo,
  type Time,
} from '@peculiar/asn1-x509'
import { badDer, bytesOf, parseDer, toDer } from '../crypto/asn1.ts'
import { BytesCache } from './bytes-cache.ts'
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts'

/** Object identifiers of X.509 that Fabric's MSP deals with (RFC 5280, RFC 5480). */
export const Oid = {
  EC_PUBLIC_KEY: '1.2.840.10045.2.1',
  P256: '1.2.840.10045.3.1.7',
  ECDSA_SHA256: '1.2.840.10045.4.3.2',
  SUBJECT_KEY_ID: '2.5.29.14',
  KEY_USAGE: '2.5.29.15',
  SUBJECT_ALT_NAME: '2.5.29.17',
  BASIC_CONSTRAINTS: '2.5.29.19',
  CRL_NUMBER: '2.5.29.20',
  NAME_CONSTRAINTS: '2.5.29.30',
  CRL_DISTRIBUTION_POINTS: '2.5.29.31',
  CERTIFICATE_POLICIES: '2.5.29.32',
  AUTHORITY_KEY_ID: '2.5.29.35',
  EXTENDED_KEY_USAGE: '2.5.29.37',
  ANY_EXTENDED_KEY_USAGE: '2.5.29.37.0',
  SERVER_AUTH: '1.3.6.1.5.5.7.3.1',
  CLIENT_AUTH: '1.3.6.1.5.5.7.3.2',
  /** Fabric CA's attributes: JSON `{"attrs":{NAME:VALUE}}`. */
  FABRIC_ATTRIBUTES: '1.2.3.4.5.6.7.8.1',
} as const

/** Bits of KeyUsage, bit 0 of the standard lowest. */
export const KeyUsage = { DIGITAL_SIGNATURE: 1, KEY_ENCIPHERMENT: 4, CERT_SIGN: 32, CRL_SIGN: 64 } as const

export interface Extension {
  readonly critical: boolean
  readonly value: Uint8Array
}

/** What a certificate, request or list says of its key. */
export interface SubjectPublicKey {
  /** The whole SubjectPublicKeyInfo element. */
  readonly spki: Uint8Array
  readonly algorithm: string
  /** Named curve of an elliptic curve key, otherwise undefined. */
  readonly curve: string | undefined
  /** The key's bits: an encoded point for an elliptic curve key. */
  readonly bits: Uint8Array
}

/** A parsed X.509 certificate. */
export interface Certificate {
  readonly raw: Uint8Array
  /** The signed part, as an element. */
  readonly tbs: Uint8Array
  /** Serial number as lower-case hex of its DER content. */
  readonly serialNumber: string
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: SubjectPublicKey
  readonly extensions: ReadonlyMap<string, Extension>
  readonly isCA: boolean
  /** Most authorities that may stand between this one and an end certificate; undefined means no limit. */
  readonly maxPathLength: number | undefined
  /** Undefined when the certificate does not say. */
  readonly keyUsage: number | undefined
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
}

/**
 * Certificates parsed before, by their bytes: reading one takes a millisecond, and every node of a process meets the same ones, in each
 * configuration of each channel. What is kept is a pure function of the bytes.
 */
const parsedBefore = new BytesCache<Certificate>(1024)

/** Longest certificate that is remembered. */
const MAX_REMEMBERED_LENGTH = 8192

/** Parses one DER certificate, strictly. Throws CRYPTO_BAD_DER. The same bytes may give the same object. */
export function parseCertificate(raw: Uint8Array): Certificate {
  const known = parsedBefore.get(raw)
  if (known !== undefined) return known
  const certificate = readCertificate(Uint8Array.from(raw))
  if (raw.length <= MAX_REMEMBERED_LENGTH) parsedBefore.set(raw, certificate)
  return certificate
}

function readCertificate(raw: Uint8Array): Certificate {
  const { tbsCertificate: tbs, tbsCertificateRaw, signatureAlgorithm, signatureValue } = parseDer(raw, Asn1Certificate, WHAT)
  if (!([0, 1, 2] as readonly number[]).includes(tbs.version)) throw bad('unknown version')
  if (!tbs.signature.isEqual(signatureAlgorithm)) throw bad('two different signature algorithms')
  const extensions = readExtensions(tbs.extensions ?? [])
  if (extensions.size > 0 && tbs.version !== 2) throw bad('extensions need version 3')
  return {
    raw,
    tbs: bytesOf(tbsCertificateRaw!),
    serialNumber: readSerialNumber(tbs.serialNumber),
    signatureAlgorithm: signatureAlgorithm.algorithm,
    signature: bytesOf(signatureValue),
    issuer: distinguishedName(tbs.issuer),
    subject: distinguishedName(tbs.subject),
    notBefore: readTime(tbs.validity.notBefore),
    notAfter: readTime(tbs.validity.notAfter),
    publicKey: readPublicKey(tbs.subjectPublicKeyInfo),
    extensions,
    ...readMeaning(extensions),
  }
}

const WHAT = 'certificate'

function bad(reason: string) {
  return badDer(WHAT, reason)
}

/** Lower-case hex of a serial number. Throws CRYPTO_BAD_DER for a negative one, or one in a needlessly long form. */
export function readSerialNumber(content: ArrayBuffer): string {
  const bytes = bytesOf(content)
  const [first, second] = bytes
  if (first === undefined || first >= 0x80) throw bad('negative serial number')
  if (first === 0 && second !== undefined && second < 0x80) throw bad('the serial number is not in its shortest form')
  return Buffer.from(bytes).toString('hex')
}

/** What a SubjectPublicKeyInfo says. */
export function readPublicKey(info: SubjectPublicKeyInfo): SubjectPublicKey {
  const { algorithm, parameters } = info.algorithm
  const curve = algorithm === Oid.EC_PUBLIC_KEY && parameters ? readCurve(bytesOf(parameters)) : undefined
  return { spki: toDer(info), algorithm, curve, bits: bytesOf(info.subjectPublicKey) }
}

/** Name of a curve; undefined where its equation stands instead. */
function readCurve(parameters: Uint8Array): string | undefined {
  return parameters[0] === OBJECT_IDENTIFIER ? parseDer(parameters, ECParameters, 'curve').namedCurve : undefined
}

const OBJECT_IDENTIFIER = 0x06

/** Extensions by identifier. Throws CRYPTO_BAD_DER when one stands there twice. */
export function readExtensions(list: readonly Asn1Extension[]): Map<string, Extension> {
  const extensions = new Map<string, Extension>()
  for (const { extnID, critical, extnValue } of list) {
    if (extensions.has(extnID)) throw bad(`extension ${extnID} stands there twice`)
    extensions.set(extnID, { critical, value: bytesOf(extnValue.buffer) })
  }
  return extensions
}

/** Milliseconds since 1970. RFC 5280 wants whole seconds; that the time exists, in UTC, is seen when it is written again. */
function readTime(time: Time): number {
  const milliseconds = time.getTime().getTime()
  if (!Number.isInteger(milliseconds / 1000)) throw bad('a time has fractions of seconds')
  return milliseconds
}

/** keyIdentifier of an AuthorityKeyIdentifier extension. */
export function readAuthorityKeyId(extensions: ReadonlyMap<string, Extension>): Uint8Array | undefined {
  const id = read(extensions, Oid.AUTHORITY_KEY_ID, AuthorityKeyIdentifier)?.keyIdentifier
  return id === undefined ? undefined : bytesOf(id.buffer)
}

function read<T extends object>(extensions: ReadonlyMap<string, Extension>, id: string, type: new () => T): T | undefined {
  const extension = extensions.get(id)
  return extension === undefined ? undefined : parseDer(extension.value, type, `extension ${id}`)
}

type Meaning = Pick<Certificate, 'isCA' | 'maxPathLength' | 'keyUsage' | 'extendedKeyUsage' | 'subjectKeyId' | 'authorityKeyId'>

function readMeaning(extensions: ReadonlyMap<string, Extension>): Meaning {
  const constraints = read(extensions, Oid.BASIC_CONSTRAINTS, BasicConstraints)
  const maxPathLength = constraints?.pathLenConstraint
  if (maxPathLength !== undefined && (typeof maxPathLength !== 'number' || maxPathLength < 0))
    throw bad('path length out of range')
  const usage = read(extensions, Oid.KEY_USAGE, KeyUsageBits)
  const purposes = read(extensions, Oid.EXTENDED_KEY_USAGE, ExtendedKeyUsage)
  const keyId = read(extensions, Oid.SUBJECT_KEY_ID, SubjectKeyIdentifier)
  return {
    isCA: constraints?.cA ?? false,
    maxPathLength,
    // No bits at all make the library's number NaN, which is 0 here.
    keyUsage: usage === undefined ? undefined : usage.toNumber() & 0x1ff,
    extendedKeyUsage: purposes === undefined ? undefined : [...purposes],
    subjectKeyId: keyId === undefined ? undefined : bytesOf(keyId.buffer),
    authorityKeyId: readAuthorityKeyId(extensions),
  }
}

/** Attributes that Fabric's certificate authority put into the certificate; none when there are none or they are not readable. */
export function fabricAttributes(certificate: Certificate): Readonly<Record<string, string>> {
  const extension = certificate.extensions.get(Oid.FABRIC_ATTRIBUTES)
  if (extension === undefined) return {}
  try {
    const { attrs } = JSON.parse(Buffer.from(extension.value).toString('utf8')) as { attrs?: Record<string, unknown> }
    return Object.freeze(
      Object.fromEntries(Object.entries(attrs ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    )
  } catch {
    return {}
  }
}
