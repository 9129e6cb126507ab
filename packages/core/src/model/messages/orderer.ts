// Messages of orderer/ab.proto.

import { embed, enumeration, oneof, string, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { BlockMessage } from './common.ts'

export const BroadcastResponse = message('orderer.BroadcastResponse', {
  status: enumeration(1),
  info: string(2),
})
export type BroadcastResponse = Infer<typeof BroadcastResponse>

export const SeekNewest = message('orderer.SeekNewest', {})
export type SeekNewest = Infer<typeof SeekNewest>

export const SeekOldest = message('orderer.SeekOldest', {})
export type SeekOldest = Infer<typeof SeekOldest>

export const SeekSpecified = message('orderer.SeekSpecified', {
  number: uint64(1),
})
export type SeekSpecified = Infer<typeof SeekSpecified>

export const SeekNextCommit = message('orderer.SeekNextCommit', {})
export type SeekNextCommit = Infer<typeof SeekNextCommit>

export const SeekPosition = message('orderer.SeekPosition', {
  newest: oneof('type', embed(1, SeekNewest)),
  oldest: oneof('type', embed(2, SeekOldest)),
  specified: oneof('type', embed(3, SeekSpecified)),
  nextCommit: oneof('type', embed(4, SeekNextCommit)),
})
export type SeekPosition = Infer<typeof SeekPosition>

export const SeekBehavior = { BLOCK_UNTIL_READY: 0, FAIL_IF_NOT_READY: 1 } as const

export const SeekErrorResponse = { STRICT: 0, BEST_EFFORT: 1 } as const

export const SeekContentType = { BLOCK: 0, HEADER_WITH_SIG: 1 } as const

export const SeekInfo = message('orderer.SeekInfo', {
  start: embed(1, SeekPosition),
  stop: embed(2, SeekPosition),
  behavior: enumeration(3),
  errorResponse: enumeration(4),
  contentType: enumeration(5),
})
export type SeekInfo = Infer<typeof SeekInfo>

export const DeliverResponse = message('orderer.DeliverResponse', {
  status: oneof('type', enumeration(1)),
  block: oneof('type', embed(2, BlockMessage)),
})
export type DeliverResponse = Infer<typeof DeliverResponse>
