import { MSPPrincipalClassification, MSPRole, MSPRoleType } from '../../model/messages/msp-principal.ts'
import { SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'

/** Roles that a key-level policy may ask for. */
export const ENDORSER_ROLES = Object.freeze({ MEMBER: 'MEMBER', PEER: 'PEER' })

const ROLES: Readonly<Record<string, number>> = Object.freeze({ MEMBER: MSPRoleType.MEMBER, PEER: MSPRoleType.PEER })

/**
 * Builds and reads key-level endorsement policies in terms of organisations: every one listed must endorse a change of the key. Makes
 * the same bytes as fabric-shim's class of this name.
 */
export class KeyEndorsementPolicy {
  private readonly roles = new Map<string, number>()

  /** @param policy what `getStateValidationParameter` returned */
  constructor(policy?: Uint8Array) {
    if (policy === undefined || policy.length === 0) return
    for (const { principalClassification, principal } of SignaturePolicyEnvelope.decode(policy).identities) {
      if (principalClassification !== MSPPrincipalClassification.ROLE) continue
      const { mspIdentifier, role } = MSPRole.decode(principal)
      this.roles.set(mspIdentifier, role)
    }
  }

  /** @param role 'MEMBER' or 'PEER' */
  addOrgs(role: string, ...mspIds: string[]): void {
    const type = ROLES[role]
    if (type === undefined) throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', `role type ${role} does not exist`, { role })
    for (const mspId of mspIds) this.roles.set(mspId, type)
  }

  delOrgs(...mspIds: string[]): void {
    for (const mspId of mspIds) this.roles.delete(mspId)
  }

  listOrgs(): string[] {
    return [...this.roles.keys()]
  }

  /** The policy for `setStateValidationParameter`: serialized common.SignaturePolicyEnvelope. */
  getPolicy(): Uint8Array {
    const identities = [...this.roles].map(([mspIdentifier, role]) => ({
      principalClassification: MSPPrincipalClassification.ROLE,
      principal: MSPRole.encode({ mspIdentifier, role }),
    }))
    const rules = identities.map((_, signedBy) => ({ signedBy }))
    return SignaturePolicyEnvelope.encode({ version: 0, rule: { nOutOf: { n: rules.length, rules } }, identities })
  }
}
