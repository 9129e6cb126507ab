import { createHash } from 'node:crypto'
import type { Extension, Name } from '@peculiar/asn1-x509'
import type { Clock } from '../../ports/clock.ts'
import type { CryptoProvider, PrivateKey } from '../../ports/crypto-provider.ts'
import type { Random } from '../../ports/random.ts'
import { signDeterministically } from '../crypto/deterministic-signature.ts'
import { encodePkcs8 } from '../crypto/p256.ts'
import { encodePem, pemBlock } from '../crypto/pem.ts'
import { type CryptoChoice, cryptoProvider } from '../crypto/providers.ts'
import { KeyUsage, Oid, parseCertificate } from '../msp/certificate.ts'
import { p256KeyOf, verifySignedBy } from '../msp/certificate-signature.ts'
import * as encoding from './certificate-encoding.ts'
import { CaError } from './errors.ts'

/** What Fabric calls the type of an identity; it becomes the organizational unit by which NodeOUs tell roles apart. */
export type EnrolmentRole = 'client' | 'peer' | 'admin' | 'orderer'

/** Where an authority takes time and randomness from. With a seeded stream and `deterministic`, the same calls give the same certificates. */
export interface AuthorityEnvironment {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  /** Signs by RFC 6979 instead of with a random nonce: for tests, where a seed shall determine the certificates. */
  readonly deterministic?: boolean
  readonly crypto?: CryptoChoice
}

export interface AuthorityOptions {
  readonly commonName: string
  readonly organization?: string
  /** Milliseconds. Default: 15 years for a root, 5 for an intermediate, as Fabric CA. */
  readonly lifetime?: number
  /** Most further authorities below this one. Default: no limit for a root, 0 for an intermediate. */
  readonly maxPathLength?: number
}

/** Whom an authority will give a certificate. */
export interface Registration {
  readonly enrolmentId: string
  readonly role: EnrolmentRole
  /** Dotted path such as `org1.department1`; each part becomes an organizational unit, after the role. */
  readonly affiliation?: string
  /** Put into the certificate, beside `hf.EnrollmentID`, `hf.Type` and `hf.Affiliation`; chaincode reads them for access control. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Further organizational units. */
  readonly organizationalUnits?: readonly string[]
  /** Default: no limit. */
  readonly maxEnrolments?: number
}

export interface EnrolmentOptions {
  /** PEM of a PKCS#10 request: the private key stays with its owner. Without it the authority makes a key. */
  readonly request?: string
  /** Milliseconds. Default: 1 year, as Fabric CA; never beyond the authority's own end. */
  readonly lifetime?: number
  /** Milliseconds since 1970. Default: now. */
  readonly notBefore?: number
  /** Host names and addresses for the certificate. */
  readonly hosts?: readonly string[]
}

/** A certificate, with its key when the authority made it. */
export interface Enrolment {
  /** PEM. */
  readonly certificate: string
  /** PKCS#8 PEM; undefined when a request brought its own key. */
  readonly privateKey: string | undefined
  /** Hex. */
  readonly serialNumber: string
}

/** What a root authority must be kept with, to go on after a restart. Holds its private key. */
export interface AuthorityRecord {
  readonly commonName: string
  readonly organization?: string | undefined
  /** PEM. */
  readonly certificate: string
  /** PKCS#8 PEM. */
  readonly privateKey: string
  /** Enrolment ids by serial number of what was issued. */
  readonly issued: Readonly<Record<string, string>>
  /** Moment of revocation (milliseconds since 1970) by serial number. */
  readonly revoked: Readonly<Record<string, number>>
  readonly listNumber: number
}

const HOUR = 3_600_000
const YEAR = 8760 * HOUR

interface Registered extends Registration {
  readonly secret: string
  enrolments: number
}

/**
 * A certificate authority in the process, with the concepts of Fabric CA: register, enrol, revoke, revocation list. It keeps what it
 * issued in memory; certificates and keys are the caller's to store.
 */
export class CertificateAuthority {
  /** PEM of the authority's own certificate. */
  readonly certificate: string
  /** The authority above; undefined for a root. */
  readonly parent: CertificateAuthority | undefined
  readonly commonName: string
  readonly #environment: AuthorityEnvironment
  readonly #crypto: CryptoProvider
  readonly #makeSignature: encoding.SignTbs
  readonly #pkcs8: Uint8Array
  readonly #subject: Name
  readonly #keyId: Uint8Array
  readonly #organization: string | undefined
  readonly #maxPathLength: number | undefined
  readonly #notBefore: number
  readonly #notAfter: number
  readonly #registrations = new Map<string, Registered>()
  readonly #issued = new Map<string, { readonly enrolmentId: string }>()
  readonly #revoked = new Map<string, number>()
  #listNumber = 0

  private constructor(
    options: AuthorityOptions,
    environment: AuthorityEnvironment,
    parent: CertificateAuthority | undefined,
    maxPathLength: number | undefined,
    lifetime: number,
    record?: AuthorityRecord,
  ) {
    this.parent = parent
    this.#environment = environment
    this.#crypto = cryptoProvider(environment.crypto)
    this.commonName = options.commonName
    this.#organization = options.organization
    this.#maxPathLength = maxPathLength
    const kept = record === undefined ? undefined : pemBlock(record.privateKey).bytes
    const made = kept === undefined ? newKey(environment) : undefined
    this.#pkcs8 = kept ?? made!.pkcs8
    const key = this.#crypto.importPrivateKey(this.#pkcs8)
    const point = made?.point ?? key.publicKey.raw
    const scalar = made?.scalar
    this.#makeSignature =
      environment.deterministic === true && scalar !== undefined
        ? (tbs) => signDeterministically(scalar, tbs)
        : (tbs) => this.#crypto.sign(key, tbs)
    this.#keyId = keyId(point)
    this.#subject = encoding.encodeName({ organization: options.organization, commonName: options.commonName })
    if (record !== undefined) {
      const { notBefore, notAfter } = parseCertificate(pemBlock(record.certificate).bytes)
      this.#notBefore = notBefore
      this.#notAfter = notAfter
      this.certificate = record.certificate
      for (const [serial, enrolmentId] of Object.entries(record.issued)) this.#issued.set(serial, { enrolmentId })
      for (const [serial, at] of Object.entries(record.revoked)) this.#revoked.set(serial, at)
      this.#listNumber = record.listNumber
      return
    }
    // One hour back: machines whose clocks lag behind take the certificates at once.
    const issuedAt = wholeSeconds(environment.clock.now()) - HOUR
    this.#notBefore = parent === undefined ? issuedAt : Math.max(issuedAt, parent.#notBefore)
    this.#notAfter = Math.min(this.#notBefore + lifetime, parent === undefined ? Number.POSITIVE_INFINITY : parent.#notAfter)
    const issuer = parent ?? this
    const { raw, serialNumber } = issuer.#sign({
      subject: this.#subject,
      publicKey: point,
      notBefore: this.#notBefore,
      notAfter: this.#notAfter,
      extensions: [
        encoding.keyUsage(KeyUsage.DIGITAL_SIGNATURE | KeyUsage.CERT_SIGN | KeyUsage.CRL_SIGN),
        encoding.basicConstraints(true, maxPathLength),
        encoding.subjectKeyId(this.#keyId),
        encoding.authorityKeyId(issuer.#keyId),
      ],
    })
    this.certificate = encodePem('CERTIFICATE', raw)
    if (parent !== undefined) parent.#issued.set(serialNumber, { enrolmentId: options.commonName })
  }

  static createRoot(options: AuthorityOptions, environment: AuthorityEnvironment): CertificateAuthority {
    return new CertificateAuthority(options, environment, undefined, options.maxPathLength, options.lifetime ?? 15 * YEAR)
  }

  /** A root authority from what {@link CertificateAuthority.record} gave: it goes on issuing, revoking and numbering its lists. */
  static restoreRoot(record: AuthorityRecord, environment: AuthorityEnvironment): CertificateAuthority {
    const { commonName, organization } = record
    const options = { commonName, ...(organization === undefined ? {} : { organization }) }
    return new CertificateAuthority(options, environment, undefined, undefined, 0, record)
  }

  /** What the authority must be kept with; registrations that were not enrolled are left out. Keep it secret: it holds the key. */
  record(): AuthorityRecord {
    return {
      commonName: this.commonName,
      organization: this.#organization,
      certificate: this.certificate,
      privateKey: encodePem('PRIVATE KEY', this.#pkcs8),
      issued: Object.fromEntries([...this.#issued].map(([serial, { enrolmentId }]) => [serial, enrolmentId])),
      revoked: Object.fromEntries(this.#revoked),
      listNumber: this.#listNumber,
    }
  }

  /** An authority below this one. From then on, Fabric's MSP takes members from the lower one only. Throws CA_PATH_LENGTH. */
  createIntermediate(options: AuthorityOptions): CertificateAuthority {
    const allowed = this.#maxPathLength === undefined ? undefined : this.#maxPathLength - 1
    const wanted = options.maxPathLength ?? 0
    if (allowed !== undefined && wanted > allowed)
      throw new CaError('CA_PATH_LENGTH', `${this.commonName} may not issue authorities with path length ${wanted}`, {
        allowed,
        wanted,
      })
    const own = {
      ...options,
      ...(options.organization === undefined && this.#organization !== undefined ? { organization: this.#organization } : {}),
    }
    return new CertificateAuthority(own, this.#environment, this, wanted, options.lifetime ?? 5 * YEAR)
  }

  /** Certificates from this authority up to its root, PEM. */
  get chain(): readonly string[] {
    return this.parent === undefined ? [this.certificate] : [this.certificate, ...this.parent.chain]
  }

  /** Returns the enrolment secret. Throws CA_ALREADY_REGISTERED. */
  register(registration: Registration): string {
    const { enrolmentId } = registration
    if (this.#registrations.has(enrolmentId))
      throw new CaError('CA_ALREADY_REGISTERED', `${enrolmentId} is registered already`, { enrolmentId })
    const secret = Buffer.from(this.#environment.random.bytes(18)).toString('base64url')
    this.#registrations.set(enrolmentId, { ...registration, secret, enrolments: 0 })
    return secret
  }

  /** Throws CA_UNKNOWN_REGISTRATION, CA_WRONG_SECRET, CA_ENROLMENTS_EXHAUSTED, CA_BAD_REQUEST, CA_EXPIRED. */
  enrol(enrolmentId: string, secret: string, options: EnrolmentOptions = {}): Enrolment {
    const registered = this.#registrations.get(enrolmentId)
    if (registered === undefined)
      throw new CaError('CA_UNKNOWN_REGISTRATION', `${enrolmentId} is not registered`, { enrolmentId })
    if (secret !== registered.secret)
      throw new CaError('CA_WRONG_SECRET', `wrong enrolment secret for ${enrolmentId}`, { enrolmentId })
    if (registered.enrolments >= (registered.maxEnrolments ?? Number.POSITIVE_INFINITY))
      throw new CaError('CA_ENROLMENTS_EXHAUSTED', `${enrolmentId} has enrolled ${registered.enrolments} times`, { enrolmentId })
    const key = this.#keyFor(options.request)
    registered.enrolments++
    return this.#issueMember(registered, key, options)
  }

  /** Register and enrol in one step. */
  issue(registration: Registration, options: EnrolmentOptions = {}): Enrolment {
    return this.enrol(registration.enrolmentId, this.register(registration), options)
  }

  /** A certificate for TLS servers and clients, with subject alternative names. Use an authority of its own for TLS, as Fabric does. */
  issueTls(commonName: string, hosts: readonly string[], options: Omit<EnrolmentOptions, 'hosts'> = {}): Enrolment {
    const subject = encoding.encodeName({ organization: this.#organization, commonName })
    const usage = KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_ENCIPHERMENT
    return this.#issue(commonName, subject, this.#keyFor(options.request), options, [
      encoding.keyUsage(usage),
      encoding.extendedKeyUsage(Oid.SERVER_AUTH, Oid.CLIENT_AUTH),
      ...(hosts.length === 0 ? [] : [encoding.subjectAltNames(hosts)]),
    ])
  }

  /** By serial number (hex) or PEM certificate; takes effect where the next revocation list is installed. Throws CA_UNKNOWN_CERTIFICATE. */
  revoke(serialNumberOrCertificate: string): void {
    const serialNumber = serialNumberOrCertificate.startsWith('-----')
      ? parseCertificate(pemBlock(serialNumberOrCertificate).bytes).serialNumber
      : serialNumberOrCertificate
    if (!this.#issued.has(serialNumber))
      throw new CaError('CA_UNKNOWN_CERTIFICATE', `${this.commonName} issued no certificate ${serialNumber}`, { serialNumber })
    if (!this.#revoked.has(serialNumber)) this.#revoked.set(serialNumber, this.#environment.clock.now())
  }

  /** PEM of a fresh revocation list, for `revocationLists` of the MSP. Valid for a week; Fabric does not look at that. */
  revocationList(): string {
    const now = wholeSeconds(this.#environment.clock.now())
    const list = encoding.encodeRevocationList(
      {
        issuer: this.#subject,
        thisUpdate: now,
        nextUpdate: now + 168 * HOUR,
        number: ++this.#listNumber,
        authorityKeyId: this.#keyId,
        revoked: [...this.#revoked].map(([serial, at]) => ({ serialNumber: Buffer.from(serial, 'hex'), at })),
      },
      this.#makeSignature,
    )
    return encodePem('X509 CRL', list)
  }

  #issueMember(registered: Registered, key: MemberKey, options: EnrolmentOptions): Enrolment {
    const { enrolmentId, role, affiliation = '' } = registered
    const units = [role, ...affiliation.split('.').filter((part) => part !== ''), ...(registered.organizationalUnits ?? [])]
    const subject = encoding.encodeName({ organization: this.#organization, organizationalUnits: units, commonName: enrolmentId })
    const attributes = {
      ...registered.attributes,
      'hf.Affiliation': affiliation,
      'hf.EnrollmentID': enrolmentId,
      'hf.Type': role,
    }
    return this.#issue(enrolmentId, subject, key, options, [
      encoding.keyUsage(KeyUsage.DIGITAL_SIGNATURE),
      ...(options.hosts === undefined || options.hosts.length === 0 ? [] : [encoding.subjectAltNames(options.hosts)]),
      encoding.fabricAttributes(attributes),
    ])
  }

  #issue(
    enrolmentId: string,
    subject: Name,
    key: MemberKey,
    options: EnrolmentOptions,
    extensions: readonly Extension[],
  ): Enrolment {
    const now = this.#environment.clock.now()
    if (now > this.#notAfter)
      throw new CaError('CA_EXPIRED', `the certificate of ${this.commonName} has expired`, { notAfter: this.#notAfter })
    const notBefore = Math.max(wholeSeconds(options.notBefore ?? now - HOUR), this.#notBefore)
    const notAfter = Math.min(notBefore + (options.lifetime ?? YEAR), this.#notAfter)
    const { raw, serialNumber } = this.#sign({
      subject,
      publicKey: key.point,
      notBefore,
      notAfter,
      extensions: [
        encoding.basicConstraints(false),
        encoding.subjectKeyId(keyId(key.point)),
        encoding.authorityKeyId(this.#keyId),
        ...extensions,
      ],
    })
    this.#issued.set(serialNumber, { enrolmentId })
    const privateKey = key.pkcs8 === undefined ? undefined : encodePem('PRIVATE KEY', key.pkcs8)
    return { certificate: encodePem('CERTIFICATE', raw), privateKey, serialNumber }
  }

  #sign(certificate: Omit<encoding.CertificateToSign, 'serialNumber' | 'issuer'>): {
    readonly raw: Uint8Array
    readonly serialNumber: string
  } {
    const serialNumber = this.#environment.random.bytes(16)
    // Positive, and of full length: 127 bits, as RFC 5280 wants at least 64.
    serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40
    const raw = encoding.encodeCertificate({ ...certificate, serialNumber, issuer: this.#subject }, this.#makeSignature)
    return { raw, serialNumber: Buffer.from(serialNumber).toString('hex') }
  }

  #keyFor(request: string | undefined): MemberKey {
    if (request === undefined) return newKey(this.#environment)
    try {
      const parsed = encoding.decodeSigningRequest(pemBlock(request).bytes)
      const { raw } = p256KeyOf(parsed.publicKey, this.#crypto)
      if (!verifySignedBy(parsed, parsed.publicKey, this.#crypto)) throw new Error('it is not signed by its own key')
      return { point: raw, pkcs8: undefined }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new CaError(
        'CA_BAD_REQUEST',
        `the certificate signing request is not usable: ${reason}`,
        { reason },
        { cause: error },
      )
    }
  }
}

interface MemberKey {
  readonly point: Uint8Array
  readonly pkcs8: Uint8Array | undefined
}

const ORDER_MINUS_ONE = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550n

/** Key from the random stream: FIPS 186-5, A.2.1 (extra random bits). */
function newKey({ random, crypto }: AuthorityEnvironment): {
  readonly point: Uint8Array
  readonly scalar: Uint8Array
  readonly pkcs8: Uint8Array
} {
  const seed = BigInt(`0x${Buffer.from(random.bytes(48)).toString('hex')}`)
  const scalar = Buffer.from(((seed % ORDER_MINUS_ONE) + 1n).toString(16).padStart(64, '0'), 'hex')
  const provider = cryptoProvider(crypto)
  const point = provider.importPrivateKey(encodePkcs8(scalar)).publicKey.raw
  return { point, scalar, pkcs8: encodePkcs8(scalar, point) }
}

/** Fabric's subject key identifier: SHA-256 of the point. Its hex names key files in a keystore. */
export function keyId(point: Uint8Array): Uint8Array {
  return createHash('sha256').update(point).digest()
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000
}

/** PEM of a PKCS#10 request for a key of one's own. */
export function signingRequest(commonName: string, key: PrivateKey, crypto: CryptoProvider): string {
  const request = encoding.encodeSigningRequest({ commonName }, key.publicKey.raw, (tbs) => crypto.sign(key, tbs))
  return encodePem('CERTIFICATE REQUEST', request)
}
