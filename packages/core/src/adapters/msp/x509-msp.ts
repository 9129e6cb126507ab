import { FabricMSPConfig } from '../../model/messages/msp-config.ts'
import { MSPRoleType } from '../../model/messages/msp-principal.ts'
import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import { pemBlock } from '../crypto/pem.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { p256KeyOf } from './certificate-signature.ts'
import { sameBytes } from './chain.ts'
import { IdentityError } from './errors.ts'
import { badConfig, describe, MspAuthorities, parsePem } from './msp-authorities.ts'
import { OrganizationalUnits } from './organizational-units.ts'
import { X509Identity } from './x509-identity.ts'

/** One MSP of a channel: who its members are, and in which roles. Immutable. */
export class X509Msp {
  readonly mspId: string
  readonly #crypto: CryptoProvider
  readonly #authorities: MspAuthorities
  readonly #units: OrganizationalUnits
  /** Certificates of administrators named one by one, in low-S form. */
  readonly #admins: readonly Certificate[]

  /** From the bytes of msp.FabricMSPConfig. Throws IdentityError (IDENTITY_BAD_MSP_CONFIG). */
  constructor(configBytes: Uint8Array, crypto: CryptoProvider) {
    const config = decodeConfig(configBytes)
    if (config.name === '') throw badConfig('', 'the MSP has no identifier')
    this.mspId = config.name
    this.#crypto = crypto
    this.#authorities = new MspAuthorities(config, crypto)
    this.#units = new OrganizationalUnits(config, this.#authorities)
    this.#admins = config.admins.map((pem, i) => this.#loadAdmin(pem, `administrator ${i}`))
    if (this.#admins.length === 0 && !(this.#units.enforced && this.#units.hasAdminUnit))
      throw badConfig(this.mspId, 'it names no administrators and has no organizational unit for them')
  }

  #loadAdmin(pem: Uint8Array, what: string): Certificate {
    try {
      const { certificate, chain } = this.#authorities.chainOf(parsePem(this.mspId, pem, what))
      p256KeyOf(certificate.publicKey, this.#crypto)
      const units = certificate.subject.organizationalUnits
      if (this.#units.enforced) {
        if ((this.#units.roles(units) & ((1 << MSPRoleType.CLIENT) | (1 << MSPRoleType.ADMIN))) === 0)
          throw badConfig(this.mspId, `${what} is neither client nor admin by its organizational units`)
      } else {
        if (this.#authorities.isRevoked(chain)) throw badConfig(this.mspId, `${what} is revoked`)
        this.#units.check(units, this.#authorities.certifiersOf(chain.slice(1)))
      }
      return certificate
    } catch (error) {
      if (error instanceof IdentityError && error.code === 'IDENTITY_BAD_MSP_CONFIG') throw error
      throw badConfig(this.mspId, `${what} is not valid`, error)
    }
  }

  /** The identity of a PEM certificate, validated; `bytes` is its serialized form. Throws IdentityError. */
  identity(bytes: Uint8Array, pem: Uint8Array): X509Identity {
    const parsed = parseMember(this.mspId, pem)
    const publicKey = memberKey(this.mspId, parsed, this.#crypto)
    const { certificate, chain } = this.#authorities.chainOf(parsed)
    if (this.#authorities.isRevoked(chain))
      throw new IdentityError('IDENTITY_REVOKED', `MSP ${this.mspId} has revoked ${describe(certificate)}`, {
        mspId: this.mspId,
        subject: certificate.subject.commonName,
        serialNumber: certificate.serialNumber,
      })
    const certifiers = this.#authorities.certifiersOf(chain.slice(1))
    const units = certificate.subject.organizationalUnits
    this.#units.check(units, certifiers)
    let roles = (1 << MSPRoleType.MEMBER) | this.#units.roles(units)
    if (this.#admins.some((admin) => sameBytes(admin.raw, certificate.raw))) roles |= 1 << MSPRoleType.ADMIN
    const id = `${this.mspId}:${this.#authorities.fingerprint(certificate)}`
    return new X509Identity({ mspId: this.mspId, bytes, id, publicKey, certificate, certifiers, roles })
  }

  /** Whether a PEM certificate is that of an identity of this MSP, in whatever S its signature is. */
  isCertificateOf(identity: X509Identity, pem: Uint8Array): boolean {
    try {
      return sameBytes(this.#authorities.chainOf(parseMember(this.mspId, pem)).certificate.raw, identity.certificate.raw)
    } catch {
      return false
    }
  }
}

function decodeConfig(bytes: Uint8Array): FabricMSPConfig {
  try {
    return FabricMSPConfig.decode(bytes)
  } catch (error) {
    throw badConfig('', 'the definition is not readable', error)
  }
}

/** Certificate in an identity's PEM. Throws IdentityError (IDENTITY_MALFORMED). */
export function parseMember(mspId: string, pem: Uint8Array): Certificate {
  try {
    return parseCertificate(pemBlock(pem).bytes)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new IdentityError(
      'IDENTITY_MALFORMED',
      `an identity of MSP ${mspId} is not readable: ${detail}`,
      { mspId },
      { cause: error },
    )
  }
}

/** Key of a member's certificate. Throws IdentityError (IDENTITY_UNSUPPORTED_KEY). */
export function memberKey(mspId: string, certificate: Certificate, crypto: CryptoProvider): ReturnType<typeof p256KeyOf> {
  try {
    return p256KeyOf(certificate.publicKey, crypto)
  } catch (error) {
    const { algorithm, curve } = certificate.publicKey
    throw new IdentityError(
      'IDENTITY_UNSUPPORTED_KEY',
      `MSP ${mspId}: the key of ${describe(certificate)} is no valid ECDSA key on P-256`,
      { mspId, algorithm, curve, subject: certificate.subject.commonName, serialNumber: certificate.serialNumber },
      { cause: error },
    )
  }
}
