// Messages of ledger/queryresult/kv_query_result.proto.

import { bool, bytes, embed, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { Timestamp } from './well-known.ts'

export const KV = message('queryresult.KV', {
  namespace: string(1),
  key: string(2),
  value: bytes(3),
})
export type KV = Infer<typeof KV>

export const KeyModification = message('queryresult.KeyModification', {
  txId: string(1),
  value: bytes(2),
  timestamp: embed(3, Timestamp),
  isDelete: bool(4),
})
export type KeyModification = Infer<typeof KeyModification>
