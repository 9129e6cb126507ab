// Messages of msp/msp_principal.proto.
import { bytes, embed, enumeration, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const MSPPrincipalClassification = { ROLE: 0, ORGANIZATION_UNIT: 1, IDENTITY: 2, ANONYMITY: 3, COMBINED: 4 } as const

export const MSPPrincipal = message('common.MSPPrincipal', {
  principalClassification: enumeration(1),
  principal: bytes(2),
})
export type MSPPrincipal = Infer<typeof MSPPrincipal>

export const OrganizationUnit = message('common.OrganizationUnit', {
  mspIdentifier: string(1),
  organizationalUnitIdentifier: string(2),
  certifiersIdentifier: bytes(3),
})
export type OrganizationUnit = Infer<typeof OrganizationUnit>

export const MSPRoleType = { MEMBER: 0, ADMIN: 1, CLIENT: 2, PEER: 3, ORDERER: 4 } as const

export const MSPRole = message('common.MSPRole', {
  mspIdentifier: string(1),
  role: enumeration(2),
})
export type MSPRole = Infer<typeof MSPRole>

export const MSPIdentityAnonymityType = { NOMINAL: 0, ANONYMOUS: 1 } as const

export const MSPIdentityAnonymity = message('common.MSPIdentityAnonymity', {
  anonymityType: enumeration(1),
})
export type MSPIdentityAnonymity = Infer<typeof MSPIdentityAnonymity>

export const CombinedPrincipal = message('common.CombinedPrincipal', {
  principals: repeated(embed(1, MSPPrincipal)),
})
export type CombinedPrincipal = Infer<typeof CombinedPrincipal>
