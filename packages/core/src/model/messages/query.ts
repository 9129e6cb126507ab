// Messages of peer/query.proto.
import { bool, bytes, embed, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const ChaincodeInfo = message('protos.ChaincodeInfo', {
  name: string(1),
  version: string(2),
  path: string(3),
  input: string(4),
  escc: string(5),
  vscc: string(6),
  id: bytes(7),
})
export type ChaincodeInfo = Infer<typeof ChaincodeInfo>

export const ChaincodeQueryResponse = message('protos.ChaincodeQueryResponse', {
  chaincodes: repeated(embed(1, ChaincodeInfo)),
})
export type ChaincodeQueryResponse = Infer<typeof ChaincodeQueryResponse>

export const ChannelInfo = message('protos.ChannelInfo', {
  channelId: string(1),
})
export type ChannelInfo = Infer<typeof ChannelInfo>

export const ChannelQueryResponse = message('protos.ChannelQueryResponse', {
  channels: repeated(embed(1, ChannelInfo)),
})
export type ChannelQueryResponse = Infer<typeof ChannelQueryResponse>

export const JoinBySnapshotStatus = message('protos.JoinBySnapshotStatus', {
  inProgress: bool(1),
  bootstrappingSnapshotDir: string(2),
})
export type JoinBySnapshotStatus = Infer<typeof JoinBySnapshotStatus>
