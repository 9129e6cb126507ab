import { isIP } from 'node:net'
import { CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr'
import { OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificateList,
  CRLNumber,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  Name,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import { utf8Bytes } from '../../model/utf8.ts'
import { bufferOf, bytesOf, parseDer, toDer } from '../crypto/asn1.ts'
import { CURVE } from '../crypto/p256.ts'
import { Oid, readPublicKey, type SubjectPublicKey } from '../msp/certificate.ts'

/** Subject of a certificate to be made. Parts are written in this order. */
export interface SubjectName {
  readonly organization?: string | undefined
  readonly organizationalUnits?: readonly string[] | undefined
  readonly commonName: string
}

/** What an authority signs. */
export interface CertificateToSign {
  readonly serialNumber: Uint8Array
  readonly issuer: Name
  readonly notBefore: number
  readonly notAfter: number
  readonly subject: Name
  /** Uncompressed point. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly Extension[]
}

/** Makes the signature over the first part of a certificate, request or list. */
export type SignTbs = (tbs: Uint8Array) => Uint8Array

const SIGNATURE_ALGORITHM = new AlgorithmIdentifier({ algorithm: Oid.ECDSA_SHA256 })
const KEY_ALGORITHM = new AlgorithmIdentifier({ algorithm: Oid.EC_PUBLIC_KEY, parameters: bufferOf(CURVE) })

function keyInfo(point: Uint8Array): SubjectPublicKeyInfo {
  return new SubjectPublicKeyInfo({ algorithm: KEY_ALGORITHM, subjectPublicKey: bufferOf(point) })
}

export function encodeName(name: SubjectName): Name {
  const part = (type: string, text: string): RelativeDistinguishedName =>
    new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String: text }) })])
  return new Name([
    ...(name.organization === undefined ? [] : [part('2.5.4.10', name.organization)]),
    ...(name.organizationalUnits ?? []).map((unit) => part('2.5.4.11', unit)),
    part('2.5.4.3', name.commonName),
  ])
}

/** X.509 v3 certificate (RFC 5280, 4.1). */
export function encodeCertificate(certificate: CertificateToSign, sign: SignTbs): Uint8Array {
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: bufferOf(certificate.serialNumber),
    signature: SIGNATURE_ALGORITHM,
    issuer: certificate.issuer,
    validity: new Validity({ notBefore: new Date(certificate.notBefore), notAfter: new Date(certificate.notAfter) }),
    subject: certificate.subject,
    subjectPublicKeyInfo: keyInfo(certificate.publicKey),
    extensions: new Extensions([...certificate.extensions]),
  })
  const signatureValue = bufferOf(sign(toDer(tbsCertificate)))
  return toDer(new Certificate({ tbsCertificate, signatureAlgorithm: SIGNATURE_ALGORITHM, signatureValue }))
}

export interface RevocationListToSign {
  readonly issuer: Name
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly number: number
  readonly authorityKeyId: Uint8Array
  readonly revoked: readonly { readonly serialNumber: Uint8Array; readonly at: number }[]
}

/** Certificate revocation list, version 2 (RFC 5280, 5.1). */
export function encodeRevocationList(list: RevocationListToSign, sign: SignTbs): Uint8Array {
  const entries = list.revoked.map(
    ({ serialNumber, at }) => new RevokedCertificate({ userCertificate: bufferOf(serialNumber), revocationDate: new Time(at) }),
  )
  const tbsCertList = new TBSCertList({
    version: Version.v2,
    signature: SIGNATURE_ALGORITHM,
    issuer: list.issuer,
    thisUpdate: new Time(list.thisUpdate),
    nextUpdate: new Time(list.nextUpdate),
    ...(entries.length === 0 ? {} : { revokedCertificates: entries }),
    crlExtensions: [authorityKeyId(list.authorityKeyId), extension(Oid.CRL_NUMBER, false, toDer(new CRLNumber(list.number)))],
  })
  const signature = bufferOf(sign(toDer(tbsCertList)))
  return toDer(new CertificateList({ tbsCertList, signatureAlgorithm: SIGNATURE_ALGORITHM, signature }))
}

/** PKCS#10 request (RFC 2986). */
export function encodeSigningRequest(subject: SubjectName, publicKey: Uint8Array, sign: SignTbs): Uint8Array {
  const certificationRequestInfo = new CertificationRequestInfo({
    subject: encodeName(subject),
    subjectPKInfo: keyInfo(publicKey),
  })
  const signature = bufferOf(sign(toDer(certificationRequestInfo)))
  return toDer(new CertificationRequest({ certificationRequestInfo, signatureAlgorithm: SIGNATURE_ALGORITHM, signature }))
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
  const request = parseDer(bytes, CertificationRequest, 'signing request')
  return {
    tbs: bytesOf(request.certificationRequestInfoRaw!),
    publicKey: readPublicKey(request.certificationRequestInfo.subjectPKInfo),
    signatureAlgorithm: request.signatureAlgorithm.algorithm,
    signature: bytesOf(request.signature),
  }
}

// Extensions.

function extension(extnID: string, critical: boolean, value: Uint8Array): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(bufferOf(value)) })
}

export const basicConstraints = (isCA: boolean, maxPathLength?: number): Extension =>
  extension(
    Oid.BASIC_CONSTRAINTS,
    true,
    toDer(new BasicConstraints({ cA: isCA, ...(maxPathLength === undefined ? {} : { pathLenConstraint: maxPathLength }) })),
  )

/** `usage` is made of KeyUsage bits. */
export const keyUsage = (usage: number): Extension => extension(Oid.KEY_USAGE, true, toDer(new KeyUsage(usage)))

export const extendedKeyUsage = (...purposes: readonly string[]): Extension =>
  extension(Oid.EXTENDED_KEY_USAGE, false, toDer(new ExtendedKeyUsage([...purposes])))

export const subjectKeyId = (id: Uint8Array): Extension =>
  extension(Oid.SUBJECT_KEY_ID, false, toDer(new SubjectKeyIdentifier(bufferOf(id))))

export const authorityKeyId = (id: Uint8Array): Extension =>
  extension(Oid.AUTHORITY_KEY_ID, false, toDer(new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(bufferOf(id)) })))

/** Host names and IP addresses (v4, or v6 in any notation without dots). */
export function subjectAltNames(hosts: readonly string[]): Extension {
  const names = hosts.map((host) => new GeneralName(isIP(host) === 0 ? { dNSName: host } : { iPAddress: host }))
  return extension(Oid.SUBJECT_ALT_NAME, false, toDer(new SubjectAlternativeName(names)))
}

/** Fabric's attribute extension. Names are sorted, so that equal attributes give equal certificates. */
export const fabricAttributes = (attributes: Readonly<Record<string, string>>): Extension =>
  extension(
    Oid.FABRIC_ATTRIBUTES,
    false,
    utf8Bytes(JSON.stringify({ attrs: Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))) })),
  )
