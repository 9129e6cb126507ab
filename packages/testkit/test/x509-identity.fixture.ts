import { CertificateAuthority } from '../../core/src/adapters/ca/certificate-authority.ts'
import { mspConfig, serializeIdentity } from '../../core/src/adapters/ca/msp-definition.ts'
import { pemBlock } from '../../core/src/adapters/crypto/pem.ts'
import { seededRandom } from '../../core/src/adapters/environment/random.ts'
import { X509IdentityProvider } from '../../core/src/adapters/msp/x509-identity-provider.ts'
import { InlineSignaturePool } from '../../core/src/adapters/signature-pool/inline-signature-pool.ts'
import type { Role } from '../../core/src/ports/identity.ts'
import type { IdentitySubject, RefusedIdentity, TestMember, TestOrganization } from '../src/identity-conformance/suite.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2030, 0, 1)

type EnrolmentRole = 'client' | 'peer' | 'admin' | 'orderer'

const authority = (name: string): CertificateAuthority =>
  CertificateAuthority.createRoot({ commonName: name }, { clock: { now: () => NOW }, random: seededRandom(name) })

function member(
  ca: CertificateAuthority,
  mspId: string,
  role: EnrolmentRole,
  id: string = role,
  lifetime = 365 * DAY,
): TestMember {
  const { certificate, privateKey } = ca.issue({ enrolmentId: id, role }, { lifetime })
  const roles: readonly Role[] = ['member', role]
  return { identity: serializeIdentity(mspId, certificate), privateKey: pemBlock(privateKey!).bytes, roles }
}

/** X.509 organisations with a root each, the second with an intermediate authority, and identities that they refuse. */
export function x509Subject(crypto: 'openssl' | 'noble' = 'openssl'): IdentitySubject {
  const pool = new InlineSignaturePool()
  const root = authority('root 1')
  const upper = authority('root 2')
  const lower = upper.createIntermediate({ commonName: 'intermediate 2' })
  const roles = ['client', 'peer', 'admin', 'orderer'] as const
  const first = roles.map((role) => member(root, 'Org1MSP', role))
  const second = roles.map((role) => member(lower, 'Org2MSP', role))
  const revoked = root.issue({ enrolmentId: 'revoked', role: 'client' })
  root.revoke(revoked.certificate)
  const unitless = root.issueTls('nobody', [])
  const organizations: TestOrganization[] = [
    {
      mspId: 'Org1MSP',
      mspConfig: mspConfig({ mspId: 'Org1MSP', roots: [root.certificate], revocationLists: [root.revocationList()] }),
      members: first,
    },
    {
      mspId: 'Org2MSP',
      mspConfig: mspConfig({ mspId: 'Org2MSP', roots: [upper.certificate], intermediates: [lower.certificate] }),
      members: second,
    },
  ]
  const other = CertificateAuthority.createRoot(
    { commonName: 'root 1' },
    { clock: { now: () => NOW }, random: seededRandom('other') },
  )
  const refused: RefusedIdentity[] = [
    {
      what: 'of another authority with the same name',
      identity: member(other, 'Org1MSP', 'client').identity,
      code: 'IDENTITY_NOT_TRUSTED',
    },
    { what: 'the authority itself', identity: serializeIdentity('Org1MSP', root.certificate), code: 'IDENTITY_NOT_TRUSTED' },
    { what: 'revoked', identity: serializeIdentity('Org1MSP', revoked.certificate), code: 'IDENTITY_REVOKED' },
    { what: 'without a role', identity: serializeIdentity('Org1MSP', unitless.certificate), code: 'IDENTITY_BAD_ROLE' },
    {
      what: 'of the root above an intermediate',
      identity: member(upper, 'Org2MSP', 'client').identity,
      code: 'IDENTITY_NOT_TRUSTED',
    },
  ]
  return {
    provider: new X509IdentityProvider(pool, { crypto }),
    organizations,
    refused,
    expired: member(root, 'Org1MSP', 'client', 'expired', DAY),
    dispose: () => pool.close(),
  }
}
