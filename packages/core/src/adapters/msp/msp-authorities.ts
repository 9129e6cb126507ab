import { createHash } from 'node:crypto'
import type { FabricMSPConfig } from '../../model/messages/msp-config.ts'
import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import { pemBlock } from '../crypto/pem.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { verifySignedBy, withLowS } from './certificate-signature.ts'
import { findChains, sameBytes, type TrustPool } from './chain.ts'
import { IdentityError } from './errors.ts'
import { parseRevocationList, type RevocationList } from './revocation-list.ts'

/** Node's names of the hashes that `identity_identifier_hash_function` may give. */
const HASH_FUNCTIONS: Readonly<Record<string, string>> = {
  SHA256: 'sha256',
  SHA384: 'sha384',
  SHA3_256: 'sha3-256',
  SHA3_384: 'sha3-384',
}

export function badConfig(mspId: string, reason: string, cause?: unknown): IdentityError {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new IdentityError(
    'IDENTITY_BAD_MSP_CONFIG',
    `MSP ${mspId || '(no name)'}: ${reason}${detail}`,
    { mspId, reason },
    { cause },
  )
}

/** A certificate in low-S form with its one chain, itself first. */
export interface TrustedCertificate {
  readonly certificate: Certificate
  readonly chain: readonly Certificate[]
}

/**
 * The authorities of one MSP: roots, intermediates, revocation lists, and the chains that they allow. The rules are those of Fabric's
 * msp/mspimplsetup.go and mspimplvalidate.go.
 */
export class MspAuthorities {
  readonly mspId: string
  readonly #crypto: CryptoProvider
  readonly #pool: TrustPool
  readonly #revocationLists: readonly RevocationList[]
  /** Authorities that issued another authority; they may not issue members. */
  readonly #internal: readonly Certificate[]
  readonly #hash: string

  /** Throws IdentityError (IDENTITY_BAD_MSP_CONFIG). */
  constructor(config: FabricMSPConfig, crypto: CryptoProvider) {
    const mspId = config.name
    this.mspId = mspId
    this.#crypto = crypto
    const family = config.cryptoConfig?.signatureHashFamily || 'SHA2'
    if (family !== 'SHA2') throw badConfig(mspId, `signature hash family ${family} is not supported, only SHA2`)
    const hashName = config.cryptoConfig?.identityIdentifierHashFunction || 'SHA256'
    const hash = HASH_FUNCTIONS[hashName]
    if (hash === undefined) throw badConfig(mspId, `unknown identity identifier hash function ${hashName}`)
    this.#hash = hash

    if (config.rootCerts.length === 0) throw badConfig(mspId, 'it has no root certificate')
    const load = (pem: Uint8Array, what: string): Certificate => parsePem(mspId, pem, what)
    const roots = config.rootCerts.map((pem, i) => load(pem, `root certificate ${i}`))
    const intermediates = config.intermediateCerts.map((pem, i) => load(pem, `intermediate certificate ${i}`))
    // Chains go through authorities in low-S form, which takes a first round with the certificates as they came.
    const first: TrustPool = { roots, intermediates }
    const lowRoots = roots.map((root, i) => {
      if (!root.isCA || !verifySignedBy(root, root.publicKey, crypto))
        throw badConfig(mspId, `root certificate ${i} is not that of a self-signed authority`)
      return withLowS(root, root.publicKey)
    })
    const lowIntermediates = intermediates.map((certificate, i) => {
      const chain = this.#onlyChain(certificate, first)
      if (chain?.[1] === undefined) throw badConfig(mspId, `intermediate certificate ${i} has no unique valid chain to a root`)
      return withLowS(certificate, chain[1].publicKey)
    })
    this.#pool = { roots: lowRoots, intermediates: lowIntermediates }

    this.#revocationLists = config.revocationList.map((bytes, i) => {
      try {
        return parseRevocationList(bytes)
      } catch (error) {
        throw badConfig(mspId, `revocation list ${i} is not readable`, error)
      }
    })
    const internal: Certificate[] = []
    for (const authority of [...lowRoots, ...lowIntermediates]) {
      const name = authority.subject.commonName
      if (!authority.isCA) throw badConfig(mspId, `${name} is not the certificate of an authority`)
      if (authority.subjectKeyId === undefined) throw badConfig(mspId, `authority ${name} has no subject key identifier`)
      const chain = this.#onlyChain(authority, this.#pool)
      if (chain === undefined) throw badConfig(mspId, `authority ${name} has no unique valid chain`)
      if (chain.length > 1 && this.isRevoked(chain)) throw badConfig(mspId, `authority ${name} is revoked`)
      internal.push(...chain.slice(1))
    }
    this.#internal = internal
    checkTlsAuthorities(config, crypto)
  }

  #onlyChain(certificate: Certificate, pool: TrustPool): Certificate[] | undefined {
    const chains = findChains(certificate, pool, this.#crypto)
    return chains.length === 1 ? chains[0] : undefined
  }

  /** Chain of a member's certificate. Throws IdentityError (IDENTITY_NOT_TRUSTED). */
  chainOf(parsed: Certificate): TrustedCertificate {
    const refuse = (reason: string): IdentityError =>
      new IdentityError('IDENTITY_NOT_TRUSTED', `MSP ${this.mspId} does not trust ${describe(parsed)}: ${reason}`, {
        mspId: this.mspId,
        subject: parsed.subject.commonName,
        serialNumber: parsed.serialNumber,
        reason,
      })
    if (parsed.isCA) throw refuse('the certificate of an authority is no identity')
    const chain = this.#onlyChain(parsed, this.#pool)
    const issuer = chain?.[1]
    if (chain === undefined || issuer === undefined) throw refuse('there is no unique valid chain to a root')
    if (this.#internal.some((authority) => sameBytes(authority.raw, issuer.raw)))
      throw refuse(`its issuer ${issuer.subject.commonName} has intermediate authorities and may not issue members itself`)
    const certificate = withLowS(parsed, issuer.publicKey)
    return { certificate, chain: [certificate, ...chain.slice(1)] }
  }

  /** Whether a list of the direct issuer, signed by it, holds the certificate at the head of the chain. */
  isRevoked(chain: readonly Certificate[]): boolean {
    const [certificate, issuer] = chain
    if (certificate === undefined || issuer?.subjectKeyId === undefined) return false
    const keyId = issuer.subjectKeyId
    return this.#revocationLists.some(
      (list) =>
        list.revoked.has(certificate.serialNumber) &&
        list.authorityKeyId !== undefined &&
        sameBytes(list.authorityKeyId, keyId) &&
        verifySignedBy(list, issuer.publicKey, this.#crypto),
    )
  }

  /** Hex digest of a certificate: the identifier of an identity inside its MSP. */
  fingerprint(certificate: Certificate): string {
    return createHash(this.#hash).update(certificate.raw).digest('hex')
  }

  /** Hash over a chain without its end certificate. */
  certifiersOf(authorities: readonly Certificate[]): Uint8Array {
    const hash = createHash(this.#hash)
    for (const authority of authorities) hash.update(authority.raw)
    return hash.digest()
  }

  /** Certifiers identifier that an organizational unit demands, from the certificate of the authority. Throws IDENTITY_BAD_MSP_CONFIG. */
  certifiersFor(pem: Uint8Array, what: string): Uint8Array {
    const parsed = parsePem(this.mspId, pem, what)
    const known = [...this.#pool.roots, ...this.#pool.intermediates].find((authority) => sameBytes(authority.tbs, parsed.tbs))
    if (known === undefined) throw badConfig(this.mspId, `the certificate of ${what} is none of its authorities`)
    if (this.#pool.roots.includes(known)) return this.certifiersOf([known])
    const chain = this.#onlyChain(known, this.#pool)
    if (chain === undefined || this.#internal.includes(known))
      throw badConfig(this.mspId, `the certificate of ${what} is not that of an authority that issues members`)
    return this.certifiersOf(chain)
  }
}

/** "subject (serial number)" for messages. */
export function describe(certificate: Certificate): string {
  return `${certificate.subject.commonName || 'a certificate without a name'} (serial number ${certificate.serialNumber})`
}

/** Throws IDENTITY_BAD_MSP_CONFIG. */
export function parsePem(mspId: string, pem: Uint8Array, what: string): Certificate {
  try {
    return parseCertificate(pemBlock(pem).bytes)
  } catch (error) {
    throw badConfig(mspId, `${what} is not readable`, error)
  }
}

/** TLS authorities take no part in identities; a broken one is refused all the same, as Fabric does. */
function checkTlsAuthorities(config: FabricMSPConfig, crypto: CryptoProvider): void {
  const load = (pem: Uint8Array): Certificate => parsePem(config.name, pem, 'a TLS authority')
  const pool = { roots: config.tlsRootCerts.map(load), intermediates: config.tlsIntermediateCerts.map(load) }
  for (const authority of [...pool.roots, ...pool.intermediates]) {
    const name = authority.subject.commonName
    if (!authority.isCA || authority.subjectKeyId === undefined)
      throw badConfig(config.name, `TLS certificate ${name} is not that of an authority with a subject key identifier`)
    if (findChains(authority, pool, crypto).length !== 1)
      throw badConfig(config.name, `TLS authority ${name} has no unique valid chain`)
  }
}
