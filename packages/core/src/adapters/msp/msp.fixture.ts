import type { AuthorityEnvironment, Enrolment, EnrolmentRole } from '../ca/certificate-authority.ts'
import { CertificateAuthority } from '../ca/certificate-authority.ts'
import { type MspDefinition, mspConfig, serializeIdentity } from '../ca/msp-definition.ts'
import { seededAuthority } from '../ca/seeded-authority.fixture.ts'
import { InlineSignaturePool } from '../signature-pool/inline-signature-pool.ts'
import { X509IdentityProvider } from './x509-identity-provider.ts'

export const provider = new X509IdentityProvider(new InlineSignaturePool())

export function rootAuthority(name = 'ca.org1', environment: AuthorityEnvironment = seededAuthority(name)): CertificateAuthority {
  return CertificateAuthority.createRoot({ commonName: name, organization: 'org1' }, environment)
}

export function membershipOf(...definitions: readonly MspDefinition[]) {
  return provider.createMembership(definitions.map(mspConfig))
}

let counter = 0

export function enrol(authority: CertificateAuthority, role: EnrolmentRole = 'client'): Enrolment {
  return authority.issue({ enrolmentId: `user${counter++}`, role })
}

export function serialized(enrolment: { readonly certificate: string }, mspId = 'Org1MSP'): Uint8Array {
  return serializeIdentity(mspId, enrolment.certificate)
}
