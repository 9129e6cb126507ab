// Messages of peer/configuration.proto.
import { embed, int32, mapOf, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const AnchorPeer = message('protos.AnchorPeer', {
  host: string(1),
  port: int32(2),
})
export type AnchorPeer = Infer<typeof AnchorPeer>

export const AnchorPeers = message('protos.AnchorPeers', {
  anchorPeers: repeated(embed(1, AnchorPeer)),
})
export type AnchorPeers = Infer<typeof AnchorPeers>

export const APIResource = message('protos.APIResource', {
  policyRef: string(1),
})
export type APIResource = Infer<typeof APIResource>

export const ACLs = message('protos.ACLs', {
  acls: mapOf(1, embed(2, APIResource)),
})
export type ACLs = Infer<typeof ACLs>
