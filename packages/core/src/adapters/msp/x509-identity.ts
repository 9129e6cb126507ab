import type { PublicKey } from '../../ports/crypto-provider.ts'
import type { Identity } from '../../ports/identity.ts'
import { type Certificate, fabricAttributes } from './certificate.ts'

/** A valid identity of an X.509 MSP. */
export class X509Identity implements Identity {
  readonly mspId: string
  readonly bytes: Uint8Array
  readonly id: string
  readonly publicKey: PublicKey
  readonly organizationalUnits: readonly string[]
  /** With its signature in low S; equality of identities is equality of its bytes. */
  readonly certificate: Certificate
  /** Hash of the chain above the certificate: what Fabric calls the certifiers identifier of its organizational units. */
  readonly certifiers: Uint8Array
  /** Bit n is set when the identity has role n of msp.MSPRole. */
  readonly roles: number
  #attributes: Readonly<Record<string, string>> | undefined

  constructor(parts: {
    mspId: string
    bytes: Uint8Array
    id: string
    publicKey: PublicKey
    certificate: Certificate
    certifiers: Uint8Array
    roles: number
  }) {
    this.mspId = parts.mspId
    this.bytes = parts.bytes
    this.id = parts.id
    this.publicKey = parts.publicKey
    this.certificate = parts.certificate
    this.certifiers = parts.certifiers
    this.roles = parts.roles
    this.organizationalUnits = parts.certificate.subject.organizationalUnits
  }

  get expiresAt(): number {
    return this.certificate.notAfter
  }

  /** Begin of validity, milliseconds since 1970. Fabric does not look at it, so that a clock behind its authority's does no harm. */
  get validFrom(): number {
    return this.certificate.notBefore
  }

  get attributes(): Readonly<Record<string, string>> {
    this.#attributes ??= fabricAttributes(this.certificate)
    return this.#attributes
  }
}
