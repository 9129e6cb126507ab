// Messages of peer/policy.proto.

import { embed, oneof, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { SignaturePolicyEnvelope } from './policies.ts'

export const ApplicationPolicy = message('protos.ApplicationPolicy', {
  signaturePolicy: oneof('type', embed(1, SignaturePolicyEnvelope)),
  channelConfigPolicyReference: oneof('type', string(2)),
})
export type ApplicationPolicy = Infer<typeof ApplicationPolicy>
