import { describe, expect, it } from 'vitest'
import {
  CombinedPrincipal,
  MSPIdentityAnonymity,
  MSPPrincipalClassification,
  MSPRole,
  MSPRoleType,
  OrganizationUnit,
} from '../../model/messages/msp-principal.ts'
import type { Identity, Principal } from '../../ports/identity.ts'
import type { MspDefinition } from '../ca/msp-definition.ts'
import { enrol, membershipOf, rootAuthority, serialized } from './msp.fixture.ts'
import { X509Identity } from './x509-identity.ts'

const { ROLE, ORGANIZATION_UNIT, IDENTITY, ANONYMITY, COMBINED } = MSPPrincipalClassification
const ca = rootAuthority('ca.principals')
const org1: MspDefinition = { mspId: 'Org1MSP', roots: [ca.certificate] }

const role = (name: keyof typeof MSPRoleType, mspIdentifier = 'Org1MSP'): Principal => ({
  principalClassification: ROLE,
  principal: MSPRole.encode({ mspIdentifier, role: MSPRoleType[name] }),
})
const roleNames = Object.keys(MSPRoleType) as (keyof typeof MSPRoleType)[]

function rolesOf(definition: MspDefinition, certificate: string): string[] {
  const membership = membershipOf(definition)
  const identity = membership.identity(serialized({ certificate }))
  return roleNames.filter((name) => membership.satisfies(identity, role(name)))
}

describe('roles with NodeOUs', () => {
  it.each(['client', 'peer', 'admin', 'orderer'] as const)('a %s is a member and that, nothing else', (kind) => {
    expect(rolesOf(org1, enrol(ca, kind).certificate)).toEqual(
      ['MEMBER', kind.toUpperCase()].sort((a, b) => roleNames.indexOf(a as never) - roleNames.indexOf(b as never)),
    )
  })

  it('an administrator may be named by certificate too', () => {
    const named = enrol(ca, 'client').certificate
    expect(rolesOf({ ...org1, admins: [named] }, named)).toEqual(['MEMBER', 'ADMIN', 'CLIENT'])
  })

  it.each([
    ['no unit of a role', { client: 'c', peer: 'p', admin: 'a', orderer: 'o' }, []],
    ['two of them', undefined, ['peer']],
    ['one unit twice', undefined, ['client']],
  ])('an identity with %s is refused', (_, nodeOus, organizationalUnits) => {
    const { certificate } = ca.issue({ enrolmentId: `units ${_}`, role: 'client', organizationalUnits })
    const membership = membershipOf({ ...org1, ...(nodeOus === undefined ? {} : { nodeOus }) })
    expect(() => membership.identity(serialized({ certificate }))).toThrow(expect.objectContaining({ code: 'IDENTITY_BAD_ROLE' }))
  })

  it('a unit that another authority of the MSP must certify gives no role', () => {
    const [a, b] = [rootAuthority('ca.a'), rootAuthority('ca.b')]
    const definition: MspDefinition = {
      mspId: 'Org1MSP',
      roots: [a.certificate, b.certificate],
      nodeOus: { client: 'client', peer: 'peer', admin: 'admin', orderer: 'orderer', certifier: a.certificate },
    }
    const membership = membershipOf(definition)
    expect(membership.identity(serialized(enrol(a))).mspId).toBe('Org1MSP')
    expect(() => membership.identity(serialized(enrol(b)))).toThrow(expect.objectContaining({ code: 'IDENTITY_BAD_ROLE' }))
  })
})

describe('roles without NodeOUs', () => {
  const admin = enrol(ca, 'client').certificate
  const definition: MspDefinition = { ...org1, nodeOus: false, admins: [admin] }
  it('only member and the named administrators exist', () => {
    expect(rolesOf(definition, enrol(ca, 'peer').certificate)).toEqual(['MEMBER'])
    expect(rolesOf(definition, admin)).toEqual(['MEMBER', 'ADMIN'])
  })

  it('a demanded organizational unit must be there, certified by its authority', () => {
    const demanding = membershipOf({
      ...definition,
      admins: [ca.issue({ enrolmentId: 'a', role: 'admin', affiliation: 'trade' }).certificate],
      organizationalUnits: [{ unit: 'trade', certificate: ca.certificate }],
    })
    expect(demanding.identity(serialized(ca.issue({ enrolmentId: 'b', role: 'client', affiliation: 'trade' }))).mspId).toBe(
      'Org1MSP',
    )
    expect(() => demanding.identity(serialized(enrol(ca)))).toThrow(expect.objectContaining({ code: 'IDENTITY_BAD_ROLE' }))
  })
})

describe('principals', () => {
  const membership = membershipOf(org1, { mspId: 'Org2MSP', roots: [rootAuthority('ca.org2').certificate] })
  const enrolment = ca.issue({ enrolmentId: 'carol', role: 'client', affiliation: 'bank' })
  const identity = membership.identity(serialized(enrolment)) as X509Identity
  const satisfied = (principal: Principal, who: Identity = identity): boolean => membership.satisfies(who, principal)
  const of = (principalClassification: number, principal: Uint8Array): Principal => ({ principalClassification, principal })

  it('a role of another MSP is not satisfied', () => {
    expect(satisfied(role('MEMBER', 'Org2MSP'))).toBe(false)
  })

  it('an organizational unit is satisfied by name and certifiers together', () => {
    const unit = (organizationalUnitIdentifier: string, certifiersIdentifier: Uint8Array, mspIdentifier = 'Org1MSP') =>
      of(ORGANIZATION_UNIT, OrganizationUnit.encode({ mspIdentifier, organizationalUnitIdentifier, certifiersIdentifier }))
    expect(satisfied(unit('bank', identity.certifiers))).toBe(true)
    expect(satisfied(unit('carrier', identity.certifiers))).toBe(false)
    expect(satisfied(unit('bank', new Uint8Array(32)))).toBe(false)
    expect(satisfied(unit('bank', identity.certifiers, 'Org2MSP'))).toBe(false)
  })

  it('an identity is satisfied by its own certificate only', () => {
    expect(satisfied(of(IDENTITY, serialized(enrolment)))).toBe(true)
    expect(satisfied(of(IDENTITY, serialized(enrol(ca))))).toBe(false)
    expect(satisfied(of(IDENTITY, serialized(enrolment, 'Org2MSP')))).toBe(false)
    expect(satisfied(of(IDENTITY, new Uint8Array(3)))).toBe(false)
  })

  it('an X.509 identity is nominal, never anonymous', () => {
    expect(satisfied(of(ANONYMITY, MSPIdentityAnonymity.encode({ anonymityType: 0 })))).toBe(true)
    expect(satisfied(of(ANONYMITY, MSPIdentityAnonymity.encode({ anonymityType: 1 })))).toBe(false)
  })

  it('a combination needs all its parts, and at least one', () => {
    const combined = (...principals: Principal[]) => of(COMBINED, CombinedPrincipal.encode({ principals }))
    expect(satisfied(combined(role('MEMBER'), role('CLIENT')))).toBe(true)
    expect(satisfied(combined(role('MEMBER'), role('PEER')))).toBe(false)
    expect(satisfied(combined(role('MEMBER'), combined(role('PEER'))))).toBe(false)
    expect(satisfied(combined())).toBe(false)
    let deep = role('MEMBER')
    for (let i = 0; i < 40; i++) deep = combined(deep)
    expect(satisfied(deep)).toBe(false)
  })

  it('what cannot be read, or is of no known kind, is satisfied by nobody', () => {
    expect(satisfied(of(ROLE, Uint8Array.of(0xff)))).toBe(false)
    expect(satisfied(of(ROLE, MSPRole.encode({ mspIdentifier: 'Org1MSP', role: 9 })))).toBe(false)
    expect(satisfied(of(9, new Uint8Array(0)))).toBe(false)
  })
})
