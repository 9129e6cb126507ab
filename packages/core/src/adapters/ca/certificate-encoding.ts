import { utf8Bytes } from '../../model/utf8.ts'
import { DerReader, Tag } from '../crypto/der-reader.ts'
import * as der from '../crypto/der-writer.ts'
import { encodeSpki } from '../crypto/p256.ts'
import { Oid, readAlgorithm, readPublicKey, type SubjectPublicKey } from '../msp/certificate.ts'

/** Subject of a certificate to be made. Parts are written in this order. */
export interface SubjectName {
  readonly organization?: string | undefined
  readonly organizationalUnits?: readonly string[] | undefined
  readonly commonName: string
}

export interface ExtensionToWrite {
  readonly id: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** What an authority signs. */
export interface CertificateToSign {
  readonly serialNumber: Uint8Array
  /** Name element. */
  readonly issuer: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  /** Name element. */
  readonly subject: Uint8Array
  /** Uncompressed point. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly ExtensionToWrite[]
}

/** Makes the signature over the first part of a certificate, request or list. */
export type SignTbs = (tbs: Uint8Array) => Uint8Array

const SIGNATURE_ALGORITHM = der.sequence(der.oid(Oid.ECDSA_SHA256))

function signed(tbs: Uint8Array, sign: SignTbs): Uint8Array {
  return der.sequence(tbs, SIGNATURE_ALGORITHM, der.bitString(sign(tbs)))
}

export function encodeName(name: SubjectName): Uint8Array {
  const part = (type: string, text: string): Uint8Array => der.element(Tag.SET, der.sequence(der.oid(type), der.utf8String(text)))
  return der.sequence(
    ...(name.organization === undefined ? [] : [part('2.5.4.10', name.organization)]),
    ...(name.organizationalUnits ?? []).map((unit) => part('2.5.4.11', unit)),
    part('2.5.4.3', name.commonName),
  )
}

function encodeExtensions(extensions: readonly ExtensionToWrite[]): Uint8Array {
  return der.sequence(
    ...extensions.map(({ id, critical, value }) =>
      der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
    ),
  )
}

/** X.509 v3 certificate (RFC 5280, 4.1). */
export function encodeCertificate(certificate: CertificateToSign, sign: SignTbs): Uint8Array {
  const tbs = der.sequence(
    der.explicit(0, der.smallInteger(2)),
    der.unsignedInteger(certificate.serialNumber),
    SIGNATURE_ALGORITHM,
    certificate.issuer,
    der.sequence(der.time(certificate.notBefore), der.time(certificate.notAfter)),
    certificate.subject,
    encodeSpki(certificate.publicKey),
    der.explicit(3, encodeExtensions(certificate.extensions)),
  )
  return signed(tbs, sign)
}

export interface RevocationListToSign {
  readonly issuer: Uint8Array
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly number: number
  readonly authorityKeyId: Uint8Array
  readonly revoked: readonly { readonly serialNumber: Uint8Array; readonly at: number }[]
}

/** Certificate revocation list, version 2 (RFC 5280, 5.1). */
export function encodeRevocationList(list: RevocationListToSign, sign: SignTbs): Uint8Array {
  const entries = list.revoked.map(({ serialNumber, at }) => der.sequence(der.unsignedInteger(serialNumber), der.time(at)))
  const extensions = encodeExtensions([
    authorityKeyId(list.authorityKeyId),
    { id: Oid.CRL_NUMBER, critical: false, value: der.smallInteger(list.number) },
  ])
  const tbs = der.sequence(
    der.smallInteger(1),
    SIGNATURE_ALGORITHM,
    list.issuer,
    der.time(list.thisUpdate),
    der.time(list.nextUpdate),
    ...(entries.length === 0 ? [] : [der.sequence(...entries)]),
    der.explicit(0, extensions),
  )
  return signed(tbs, sign)
}

/** PKCS#10 request (RFC 2986). */
export function encodeSigningRequest(subject: SubjectName, publicKey: Uint8Array, sign: SignTbs): Uint8Array {
  return signed(der.sequence(der.smallInteger(0), encodeName(subject), encodeSpki(publicKey), der.element(0xa0)), sign)
}

/** A parsed PKCS#10 request. Its subject and attributes are not taken over: registration decides on both. */
export interface SigningRequest {
  readonly tbs: Uint8Array
  readonly publicKey: SubjectPublicKey
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
}

/** Throws CryptoError (CRYPTO_BAD_DER). */
export function decodeSigningRequest(bytes: Uint8Array): SigningRequest {
  const outer = new DerReader(bytes)
  const request = outer.enter(Tag.SEQUENCE)
  outer.finish()
  const tbsStart = request.position
  const body = request.enter(Tag.SEQUENCE)
  const tbs = bytes.subarray(tbsStart, request.position)
  const signatureAlgorithm = readAlgorithm(request).oid
  const signature = request.bits()
  request.finish()
  body.smallInteger()
  body.enter(Tag.SEQUENCE)
  return { tbs, publicKey: readPublicKey(body), signatureAlgorithm, signature }
}

// Extensions.

export const basicConstraints = (isCA: boolean, maxPathLength?: number): ExtensionToWrite => ({
  id: Oid.BASIC_CONSTRAINTS,
  critical: true,
  value: der.sequence(
    ...(isCA ? [der.boolean(true)] : []),
    ...(maxPathLength === undefined ? [] : [der.smallInteger(maxPathLength)]),
  ),
})

/** `usage` is made of KeyUsage bits below 0x80. */
export function keyUsage(usage: number): ExtensionToWrite {
  let bits = 0
  let unused = 8
  for (let bit = 0; bit < 8; bit++)
    if ((usage & (1 << bit)) !== 0) {
      bits |= 0x80 >> bit
      unused = 7 - bit
    }
  return { id: Oid.KEY_USAGE, critical: true, value: der.bitString(Uint8Array.of(bits), unused) }
}

export const extendedKeyUsage = (...purposes: readonly string[]): ExtensionToWrite => ({
  id: Oid.EXTENDED_KEY_USAGE,
  critical: false,
  value: der.sequence(...purposes.map(der.oid)),
})

export const subjectKeyId = (id: Uint8Array): ExtensionToWrite => ({
  id: Oid.SUBJECT_KEY_ID,
  critical: false,
  value: der.octetString(id),
})

export const authorityKeyId = (id: Uint8Array): ExtensionToWrite => ({
  id: Oid.AUTHORITY_KEY_ID,
  critical: false,
  value: der.sequence(der.element(0x80, id)),
})

/** Host names and IP addresses (v4, or v6 in any notation). */
export function subjectAltNames(hosts: readonly string[]): ExtensionToWrite {
  const names = hosts.map((host) => {
    const address = ipBytes(host)
    return address === undefined ? der.element(0x82, utf8Bytes(host)) : der.element(0x87, address)
  })
  return { id: Oid.SUBJECT_ALT_NAME, critical: false, value: der.sequence(...names) }
}

function ipBytes(host: string): Uint8Array | undefined {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return Uint8Array.from(host.split('.').map(Number))
  if (!host.includes(':')) return undefined
  const [head = '', tail] = host.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail ?? '')
  const middle = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return Uint8Array.from(
    [...before, ...middle, ...after].flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}

/** Fabric's attribute extension. Names are sorted, so that equal attributes give equal certificates. */
export const fabricAttributes = (attributes: Readonly<Record<string, string>>): ExtensionToWrite => ({
  id: Oid.FABRIC_ATTRIBUTES,
  critical: false,
  value: utf8Bytes(
    JSON.stringify({ attrs: Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))) }),
  ),
})
