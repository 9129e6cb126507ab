import { SerializedIdentity } from '../../model/messages/identities.ts'
import {
  CombinedPrincipal,
  MSPIdentityAnonymity,
  MSPIdentityAnonymityType,
  MSPPrincipalClassification,
  MSPRole,
  OrganizationUnit,
} from '../../model/messages/msp-principal.ts'
import type { Principal } from '../../ports/identity.ts'
import { sameBytes } from './chain.ts'
import type { X509Identity } from './x509-identity.ts'
import type { X509Msp } from './x509-msp.ts'

/** Whether an identity, valid under its MSP, satisfies one principal. */
export type PrincipalCheck = (identity: X509Identity, msp: X509Msp) => boolean

/** Deepest nesting and most parts of a combined principal. Fabric has no limit. */
const MAX_DEPTH = 16
const MAX_PARTS = 1024

const never: PrincipalCheck = () => false

/** Check of a principal; one that cannot be read, or of an unknown kind, is satisfied by nobody. */
export function compilePrincipal(principal: Principal): PrincipalCheck {
  try {
    return compile(principal, 0, { left: MAX_PARTS })
  } catch {
    return never
  }
}

function compile(
  { principalClassification: kind, principal: bytes }: Principal,
  depth: number,
  parts: { left: number },
): PrincipalCheck {
  if (depth > MAX_DEPTH || --parts.left < 0) return never
  switch (kind) {
    case MSPPrincipalClassification.ROLE: {
      const { mspIdentifier, role } = MSPRole.decode(bytes)
      if (role < 0 || role > 4) return never
      const bit = 1 << role
      return (identity) => identity.mspId === mspIdentifier && (identity.roles & bit) !== 0
    }
    case MSPPrincipalClassification.ORGANIZATION_UNIT: {
      const unit = OrganizationUnit.decode(bytes)
      return (identity) =>
        identity.mspId === unit.mspIdentifier &&
        identity.organizationalUnits.includes(unit.organizationalUnitIdentifier) &&
        sameBytes(identity.certifiers, unit.certifiersIdentifier)
    }
    case MSPPrincipalClassification.IDENTITY: {
      const wanted = SerializedIdentity.decode(bytes)
      return (identity, msp) => identity.mspId === wanted.mspid && msp.isCertificateOf(identity, wanted.idBytes)
    }
    case MSPPrincipalClassification.ANONYMITY: {
      // An X.509 identity always shows its name.
      const nominal = MSPIdentityAnonymity.decode(bytes).anonymityType === MSPIdentityAnonymityType.NOMINAL
      return () => nominal
    }
    case MSPPrincipalClassification.COMBINED: {
      const { principals } = CombinedPrincipal.decode(bytes)
      if (principals.length === 0) return never
      const checks = principals.map((part) => compile(part, depth + 1, parts))
      return (identity, msp) => checks.every((check) => check(identity, msp))
    }
    default:
      return never
  }
}
