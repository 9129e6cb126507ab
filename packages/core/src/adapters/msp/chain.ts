import type { CryptoProvider } from '../../ports/crypto-provider.ts'
import { type Certificate, KeyUsage, Oid } from './certificate.ts'
import { verifySignedBy } from './certificate-signature.ts'

/** Authorities that a chain may go through. */
export interface TrustPool {
  readonly roots: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
}

/** Longest chain, end certificate and root included, and most signatures checked for one certificate. */
const MAX_CHAIN_LENGTH = 10
const MAX_SIGNATURE_CHECKS = 100

/** Critical extensions whose meaning is known here; any other critical extension makes a certificate unusable (RFC 5280, 4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  Oid.SUBJECT_KEY_ID,
  Oid.KEY_USAGE,
  Oid.SUBJECT_ALT_NAME,
  Oid.BASIC_CONSTRAINTS,
  Oid.CRL_DISTRIBUTION_POINTS,
  Oid.CERTIFICATE_POLICIES,
  Oid.AUTHORITY_KEY_ID,
  Oid.EXTENDED_KEY_USAGE,
])

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0

/**
 * All chains from a certificate (first) to a root (last), by the rules of Go's `x509.Verify` with the options that Fabric's MSP gives it:
 * the clock stands one second after the certificate's own begin, so expiry never ends trust, but authorities must have been valid
 * then; extended key usage, where stated, must allow server authentication or anything. Name constraints are not supported: an
 * authority that has them is in no chain.
 */
export function findChains(certificate: Certificate, pool: TrustPool, crypto: CryptoProvider): Certificate[][] {
  const moment = certificate.notBefore + 1000
  const chains: Certificate[][] = []
  if (!isUsable(certificate, moment)) return chains
  if (pool.roots.some((root) => sameBytes(root.raw, certificate.raw))) return allowsUse([certificate]) ? [[certificate]] : []
  let checks = 0

  const extend = (chain: readonly Certificate[]): void => {
    const child = chain.at(-1)!
    for (const [authorities, isRoot] of [
      [pool.roots, true],
      [pool.intermediates, false],
    ] as const) {
      for (const parent of authorities) {
        if (!sameBytes(parent.subject.raw, child.issuer.raw) || !isUsable(parent, moment) || !mayIssue(parent, chain.length - 1))
          continue
        if (chain.some((known) => isSameAuthority(known, parent))) continue
        if (++checks > MAX_SIGNATURE_CHECKS || !verifySignedBy(child, parent.publicKey, crypto)) continue
        const longer = [...chain, parent]
        if (isRoot) chains.push(longer)
        else if (longer.length < MAX_CHAIN_LENGTH) extend(longer)
      }
    }
  }
  extend([certificate])
  return chains.filter(allowsUse)
}

function isUsable(certificate: Certificate, moment: number): boolean {
  if (moment < certificate.notBefore || moment > certificate.notAfter) return false
  if (certificate.extensions.has(Oid.NAME_CONSTRAINTS)) return false
  for (const [id, extension] of certificate.extensions) if (extension.critical && !UNDERSTOOD.has(id)) return false
  return true
}

function mayIssue(authority: Certificate, authoritiesBelow: number): boolean {
  if (!authority.isCA) return false
  if (authority.keyUsage !== undefined && (authority.keyUsage & KeyUsage.CERT_SIGN) === 0) return false
  return authority.maxPathLength === undefined || authoritiesBelow <= authority.maxPathLength
}

function isSameAuthority(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.subject.raw, b.subject.raw) && sameBytes(a.publicKey.spki, b.publicKey.spki)
}

function allowsUse(chain: readonly Certificate[]): boolean {
  return chain.every(
    ({ extendedKeyUsage }) =>
      extendedKeyUsage === undefined ||
      extendedKeyUsage.includes(Oid.ANY_EXTENDED_KEY_USAGE) ||
      extendedKeyUsage.includes(Oid.SERVER_AUTH),
  )
}
