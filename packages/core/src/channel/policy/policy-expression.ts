import { MSPPrincipalClassification, MSPRole, MSPRoleType } from '../../model/messages/msp-principal.ts'
import type { SignaturePolicy, SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { Role } from '../../ports/identity.ts'

/** A signature policy as people write it. */
export type PolicyExpression = PolicyRole | PolicyGate

/** One signature of someone with a role in an organisation. */
export interface PolicyRole {
  readonly mspId: string
  readonly role: Role
}

/** So many of the rules. */
export interface PolicyGate {
  readonly n: number
  readonly rules: readonly PolicyExpression[]
}

const ROLES: Readonly<Record<Role, number>> = {
  member: MSPRoleType.MEMBER,
  admin: MSPRoleType.ADMIN,
  client: MSPRoleType.CLIENT,
  peer: MSPRoleType.PEER,
  orderer: MSPRoleType.ORDERER,
}

/** The role that an msp.MSPRole's number stands for. */
export function roleName(type: number): Role | undefined {
  return (Object.keys(ROLES) as Role[]).find((role) => ROLES[role] === type)
}

/** One signature of someone with this role. */
export function signedBy(mspId: string, role: Role = 'member'): PolicyRole {
  return { mspId, role }
}

/** All of the rules. */
export function allOf(...rules: readonly PolicyExpression[]): PolicyGate {
  return { n: rules.length, rules }
}

/** One of the rules. */
export function anyOf(...rules: readonly PolicyExpression[]): PolicyGate {
  return { n: 1, rules }
}

/** `n` of the rules. 0 accepts everybody; one more than there are rules accepts nobody. */
export function outOf(n: number, ...rules: readonly PolicyExpression[]): PolicyGate {
  return { n, rules }
}

/** One signature of someone with this role in any of the organisations, which are sorted, as Fabric's lifecycle does. */
export function anyOrganization(mspIds: readonly string[], role: Role): PolicyGate {
  return anyOf(...[...mspIds].sort(compareUtf8).map((mspId) => signedBy(mspId, role)))
}

/**
 * The message that Fabric's parser makes of the same policy, byte for byte: inner gates number their principals before the
 * roles of
 * the gate around them.
 */
export function signaturePolicy(expression: PolicyExpression): SignaturePolicyEnvelope {
  const envelope: SignaturePolicyEnvelope = { version: 0, rule: undefined, identities: [] }
  const gate = 'rules' in expression ? expression : anyOf(expression)
  envelope.rule = gateRule(gate, envelope)
  return envelope
}

function gateRule(gate: PolicyGate, envelope: SignaturePolicyEnvelope): SignaturePolicy {
  const inner = gate.rules.map((rule) => ('rules' in rule ? gateRule(rule, envelope) : undefined))
  const rules = gate.rules.map((rule, i) => inner[i] ?? roleRule(rule as PolicyRole, envelope))
  return { signedBy: undefined, nOutOf: { n: gate.n, rules } }
}

function roleRule({ mspId, role }: PolicyRole, envelope: SignaturePolicyEnvelope): SignaturePolicy {
  envelope.identities.push({
    principalClassification: MSPPrincipalClassification.ROLE,
    principal: MSPRole.encode({ mspIdentifier: mspId, role: ROLES[role] }),
  })
  return { signedBy: envelope.identities.length - 1, nOutOf: undefined }
}
