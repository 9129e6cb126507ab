// Messages of orderer/smartbft/configuration.proto.
import { bool, enumeration, string, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const SmartBftRotation = { ROTATION_UNSPECIFIED: 0, ROTATION_OFF: 1, ROTATION_ON: 2 } as const

export const SmartBftOptions = message('orderer.smartbft.Options', {
  requestBatchMaxCount: uint64(1),
  requestBatchMaxBytes: uint64(2),
  requestBatchMaxInterval: string(3),
  incomingMessageBufferSize: uint64(4),
  requestPoolSize: uint64(5),
  requestForwardTimeout: string(6),
  requestComplainTimeout: string(7),
  requestAutoRemoveTimeout: string(8),
  requestMaxBytes: uint64(9),
  viewChangeResendInterval: string(10),
  viewChangeTimeout: string(11),
  leaderHeartbeatTimeout: string(12),
  leaderHeartbeatCount: uint64(13),
  collectTimeout: string(14),
  syncOnStart: bool(15),
  speedUpViewChange: bool(16),
  leaderRotation: enumeration(17),
  decisionsPerLeader: uint64(18),
})
export type SmartBftOptions = Infer<typeof SmartBftOptions>
