import { DerReader, Tag } from '../crypto/der-reader.ts'
import { CryptoError } from '../crypto/errors.ts'
import { type DistinguishedName, readName } from './distinguished-name.ts'

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

/** A parsed X.509 certificate. All byte fields are views of `raw`. */
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

/** Largest certificate or list that is parsed. */
const MAX_DER_LENGTH = 1 << 20

function bad(reason: string): CryptoError {
  return new CryptoError('CRYPTO_BAD_DER', `not a valid certificate: ${reason}`, { reason })
}

/** Parses one DER certificate, strictly. Throws CRYPTO_BAD_DER. */
export function parseCertificate(raw: Uint8Array): Certificate {
  if (raw.length > MAX_DER_LENGTH) throw bad('it is too long')
  const outer = new DerReader(raw)
  const certificate = outer.enter(Tag.SEQUENCE)
  outer.finish()
  const tbsStart = certificate.position
  const body = certificate.enter(Tag.SEQUENCE)
  const tbs = raw.subarray(tbsStart, certificate.position)
  const signatureAlgorithm = readAlgorithm(certificate)
  const signature = certificate.bits()
  certificate.finish()

  const version = body.enterIf(0xa0)?.smallInteger() ?? 0
  if (version > 2) throw bad('unknown version')
  const serial = body.integer()
  if (serial[0]! >= 0x80) throw bad('negative serial number')
  const innerAlgorithm = readAlgorithm(body)
  if (innerAlgorithm.oid !== signatureAlgorithm.oid || Buffer.compare(innerAlgorithm.raw, signatureAlgorithm.raw) !== 0)
    throw bad('two different signature algorithms')
  const issuer = readName(body)
  const validity = body.enter(Tag.SEQUENCE)
  const notBefore = readTime(validity)
  const notAfter = readTime(validity)
  validity.finish()
  const subject = readName(body)
  const publicKey = readPublicKey(body)
  body.enterIf(0x81)
  body.enterIf(0x82)
  const extensionList = body.enterIf(0xa3)
  const extensions = extensionList === undefined ? new Map<string, Extension>() : readExtensions(extensionList)
  if (extensions.size > 0 && version !== 2) throw bad('extensions need version 3')
  body.finish()
  return {
    raw,
    tbs,
    serialNumber: Buffer.from(serial).toString('hex'),
    signatureAlgorithm: signatureAlgorithm.oid,
    signature,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    extensions,
    ...readMeaning(extensions),
  }
}

/** AlgorithmIdentifier; parameters are kept in the raw form only. */
export function readAlgorithm(reader: DerReader): { readonly oid: string; readonly raw: Uint8Array } {
  const start = reader.position
  const algorithm = reader.enter(Tag.SEQUENCE)
  return { oid: algorithm.oid(), raw: reader.bytes.subarray(start, reader.position) }
}

/** SubjectPublicKeyInfo. Throws CRYPTO_BAD_DER. */
export function readPublicKey(reader: DerReader): SubjectPublicKey {
  const start = reader.position
  const info = reader.enter(Tag.SEQUENCE)
  const spki = reader.bytes.subarray(start, reader.position)
  const parameters = info.enter(Tag.SEQUENCE)
  const algorithm = parameters.oid()
  const curve = algorithm === Oid.EC_PUBLIC_KEY && parameters.tag === Tag.OID ? parameters.oid() : undefined
  return { spki, algorithm, curve, bits: info.bits() }
}

/** A SEQUENCE of extensions, none of them twice. */
export function readExtensions(reader: DerReader): Map<string, Extension> {
  const list = reader.enter(Tag.SEQUENCE)
  reader.finish()
  const extensions = new Map<string, Extension>()
  while (!list.isDone) {
    const entry = list.enter(Tag.SEQUENCE)
    const id = entry.oid()
    const critical = entry.tag === Tag.BOOLEAN ? entry.boolean() : false
    const value = entry.octets()
    entry.finish()
    if (extensions.has(id)) throw bad(`extension ${id} stands there twice`)
    extensions.set(id, { critical, value })
  }
  return extensions
}

/** UTCTime or GeneralizedTime in UTC, with seconds and without fractions, as RFC 5280 demands. Milliseconds since 1970. */
export function readTime(reader: DerReader): number {
  const { tag } = reader
  if (tag !== Tag.UTC_TIME && tag !== Tag.GENERALIZED_TIME) throw bad('a time is missing')
  const text = Buffer.from(reader.enter(tag).content()).toString('latin1')
  const match = (
    tag === Tag.UTC_TIME ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  ).exec(text)
  if (match === null) throw bad('a time has another form')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const fullYear = tag === Tag.UTC_TIME ? (year < 50 ? 2000 + year : 1900 + year) : year
  const milliseconds = Date.UTC(fullYear, month - 1, day, hour, minute, second)
  const check = new Date(milliseconds)
  if (check.getUTCMonth() !== month - 1 || check.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    throw bad('a time does not exist')
  return milliseconds
}

/** keyIdentifier of an AuthorityKeyIdentifier extension. */
export function readAuthorityKeyId(extensions: ReadonlyMap<string, Extension>): Uint8Array | undefined {
  const extension = extensions.get(Oid.AUTHORITY_KEY_ID)
  if (extension === undefined) return undefined
  return new DerReader(extension.value).enter(Tag.SEQUENCE).enterIf(0x80)?.content()
}

type Meaning = Pick<Certificate, 'isCA' | 'maxPathLength' | 'keyUsage' | 'extendedKeyUsage' | 'subjectKeyId' | 'authorityKeyId'>

function readMeaning(extensions: ReadonlyMap<string, Extension>): Meaning {
  let isCA = false
  let maxPathLength: number | undefined
  const constraints = extensions.get(Oid.BASIC_CONSTRAINTS)
  if (constraints !== undefined) {
    const content = new DerReader(constraints.value).enter(Tag.SEQUENCE)
    isCA = content.tag === Tag.BOOLEAN ? content.boolean() : false
    maxPathLength = content.tag === Tag.INTEGER ? content.smallInteger() : undefined
    content.finish()
  }
  const usage = extensions.get(Oid.KEY_USAGE)
  const purposes = extensions.get(Oid.EXTENDED_KEY_USAGE)
  const keyId = extensions.get(Oid.SUBJECT_KEY_ID)
  return {
    isCA,
    maxPathLength,
    keyUsage: usage === undefined ? undefined : readKeyUsage(usage.value),
    extendedKeyUsage: purposes === undefined ? undefined : readPurposes(purposes.value),
    subjectKeyId: keyId === undefined ? undefined : new DerReader(keyId.value).octets(),
    authorityKeyId: readAuthorityKeyId(extensions),
  }
}

function readKeyUsage(value: Uint8Array): number {
  const content = new DerReader(value).enter(Tag.BIT_STRING).content()
  if (content.length === 0 || content[0]! > 7) throw bad('key usage')
  let usage = 0
  for (let bit = 0; bit < 9; bit++) if (((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) usage |= 1 << bit
  return usage
}

function readPurposes(value: Uint8Array): string[] {
  const list = new DerReader(value).enter(Tag.SEQUENCE)
  const purposes: string[] = []
  while (!list.isDone) purposes.push(list.oid())
  return purposes
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
