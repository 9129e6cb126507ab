// Messages of common/policies.proto.

import { bytes, embed, embedLazy, enumeration, int32, oneof, repeated, string } from '../protobuf/field.ts'
import { type Infer, type MessageType, message } from '../protobuf/message.ts'
import { MSPPrincipal } from './msp-principal.ts'

export const PolicyType = { UNKNOWN: 0, SIGNATURE: 1, MSP: 2, IMPLICIT_META: 3 } as const

export const Policy = message('common.Policy', {
  type: int32(1),
  value: bytes(2),
})
export type Policy = Infer<typeof Policy>

export interface SignaturePolicyNOutOf {
  n: number
  rules: SignaturePolicy[]
}
export const SignaturePolicyNOutOf: MessageType<SignaturePolicyNOutOf> = message('common.SignaturePolicy.NOutOf', {
  n: int32(1),
  rules: repeated(embedLazy(2, () => SignaturePolicy)),
})

export interface SignaturePolicy {
  signedBy: number | undefined
  nOutOf: SignaturePolicyNOutOf | undefined
}
export const SignaturePolicy: MessageType<SignaturePolicy> = message('common.SignaturePolicy', {
  signedBy: oneof('type', int32(1)),
  nOutOf: oneof(
    'type',
    embedLazy(2, () => SignaturePolicyNOutOf),
  ),
})

export const SignaturePolicyEnvelope = message('common.SignaturePolicyEnvelope', {
  version: int32(1),
  rule: embed(2, SignaturePolicy),
  identities: repeated(embed(3, MSPPrincipal)),
})
export type SignaturePolicyEnvelope = Infer<typeof SignaturePolicyEnvelope>

export const ImplicitMetaPolicyRule = { ANY: 0, ALL: 1, MAJORITY: 2 } as const

export const ImplicitMetaPolicy = message('common.ImplicitMetaPolicy', {
  subPolicy: string(1),
  rule: enumeration(2),
})
export type ImplicitMetaPolicy = Infer<typeof ImplicitMetaPolicy>
