// Messages of orderer/configuration.proto.
import { bytes, enumeration, repeated, string, uint32, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const ConsensusTypeState = { STATE_NORMAL: 0, STATE_MAINTENANCE: 1 } as const

export const ConsensusType = message('orderer.ConsensusType', {
  type: string(1),
  metadata: bytes(2),
  state: enumeration(3),
})
export type ConsensusType = Infer<typeof ConsensusType>

export const BatchSize = message('orderer.BatchSize', {
  maxMessageCount: uint32(1),
  absoluteMaxBytes: uint32(2),
  preferredMaxBytes: uint32(3),
})
export type BatchSize = Infer<typeof BatchSize>

export const BatchTimeout = message('orderer.BatchTimeout', {
  timeout: string(1),
})
export type BatchTimeout = Infer<typeof BatchTimeout>

export const KafkaBrokers = message('orderer.KafkaBrokers', {
  brokers: repeated(string(1)),
})
export type KafkaBrokers = Infer<typeof KafkaBrokers>

export const ChannelRestrictions = message('orderer.ChannelRestrictions', {
  maxCount: uint64(1),
})
export type ChannelRestrictions = Infer<typeof ChannelRestrictions>
