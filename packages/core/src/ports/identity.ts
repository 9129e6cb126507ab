import type { PublicKey } from './crypto-provider.ts'
import type { Awaitable } from './lifecycle.ts'

/** Signs for one identity. A function behind an interface: keys in a file, an HSM and offline signing look alike. */
export interface Signer {
  readonly mspId: string
  /** SerializedIdentity bytes: what goes into `creator` and `endorser`. */
  readonly identity: Uint8Array
  /** Signature over `message` (the provider hashes it). */
  sign(message: Uint8Array): Awaitable<Uint8Array>
}

/** What an identity may be in its organisation. Every valid identity is a `member`. */
export type Role = 'member' | 'admin' | 'client' | 'peer' | 'orderer'

/** Someone known to an MSP: chain, roles and revocation were checked under one channel configuration. Immutable. */
export interface Identity {
  readonly mspId: string
  /** SerializedIdentity bytes as they were received. */
  readonly bytes: Uint8Array
  /** Equal for two encodings of the same certificate: identities are de-duplicated by it. */
  readonly id: string
  readonly publicKey: PublicKey
  /** Milliseconds since 1970; expiry counts at ingress, not at commit. */
  readonly expiresAt: number
  readonly organizationalUnits: readonly string[]
  /** Attributes that the certificate authority put into the certificate. */
  readonly attributes: Readonly<Record<string, string>>
}

/** A principal of a policy: decoded msp.MSPPrincipal. */
export interface Principal {
  readonly principalClassification: number
  readonly principal: Uint8Array
}

/** The members of a channel under one configuration. Verdicts are cached by certificate; a new configuration makes a new Membership. */
export interface Membership {
  /**
   * Parses and validates: known MSP, chain to a root, not revoked, a role where NodeOUs are on. Does not look at expiry.
   * Throws IdentityError (IDENTITY_UNKNOWN_MSP, IDENTITY_MALFORMED, IDENTITY_NOT_TRUSTED, IDENTITY_REVOKED, ...).
   */
  identity(serialized: Uint8Array): Identity
  satisfies(identity: Identity, principal: Principal): boolean
  readonly mspIds: readonly string[]
}

/** A message with the identity that is said to have signed it. */
export interface SignedData {
  /** May be put together when it is asked for: many signatures may stand over one large message. */
  readonly data: Uint8Array
  readonly identity: Uint8Array
  readonly signature: Uint8Array
}

/** A check that an identity provider does on many signatures at once. */
export interface IdentitySignature {
  readonly identity: Identity
  readonly data: Uint8Array
  readonly signature: Uint8Array
}

/**
 * The identity plugin of a network: understands the MSP definitions of the channel configuration and checks signatures.
 * Core ships X.509 with ECDSA.
 */
export interface IdentityProvider {
  readonly name: string
  /** From the serialized msp.MSPConfig of every organisation of a channel. Throws IDENTITY_BAD_MSP_CONFIG. */
  createMembership(mspConfigs: readonly Uint8Array[]): Membership
  /**
   * The key that would verify signatures of a serialized identity, without any statement of trust: raw signature checks run ahead
   * of the configuration that decides on trust. Undefined when the bytes are no identity.
   */
  keyOf(serialized: Uint8Array): PublicKey | undefined
  /** Verdicts in order. */
  verifyAll(
    items: readonly { readonly key: PublicKey; readonly data: Uint8Array; readonly signature: Uint8Array }[],
  ): Awaitable<readonly boolean[]>
  /** Signer from an identity and its private key (PKCS#8 DER). */
  signer(serialized: Uint8Array, privateKey: Uint8Array): Signer
  close(): Promise<void>
}
