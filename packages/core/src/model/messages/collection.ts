// Messages of peer/collection.proto.

import { bool, embed, int32, oneof, repeated, string, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { ApplicationPolicy } from './application-policy.ts'
import { SignaturePolicyEnvelope } from './policies.ts'

export const CollectionPolicyConfig = message('protos.CollectionPolicyConfig', {
  signaturePolicy: oneof('payload', embed(1, SignaturePolicyEnvelope)),
})
export type CollectionPolicyConfig = Infer<typeof CollectionPolicyConfig>

export const StaticCollectionConfig = message('protos.StaticCollectionConfig', {
  name: string(1),
  memberOrgsPolicy: embed(2, CollectionPolicyConfig),
  requiredPeerCount: int32(3),
  maximumPeerCount: int32(4),
  blockToLive: uint64(5),
  memberOnlyRead: bool(6),
  memberOnlyWrite: bool(7),
  endorsementPolicy: embed(8, ApplicationPolicy),
})
export type StaticCollectionConfig = Infer<typeof StaticCollectionConfig>

export const CollectionConfig = message('protos.CollectionConfig', {
  staticCollectionConfig: oneof('payload', embed(1, StaticCollectionConfig)),
})
export type CollectionConfig = Infer<typeof CollectionConfig>

export const CollectionConfigPackage = message('protos.CollectionConfigPackage', {
  config: repeated(embed(1, CollectionConfig)),
})
export type CollectionConfigPackage = Infer<typeof CollectionConfigPackage>
