// Messages of ledger/rwset/rwset.proto.
import { bytes, embed, enumeration, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const TxReadWriteSetDataModel = { KV: 0 } as const

export const CollectionHashedReadWriteSet = message('rwset.CollectionHashedReadWriteSet', {
  collectionName: string(1),
  hashedRwset: bytes(2),
  pvtRwsetHash: bytes(3),
})
export type CollectionHashedReadWriteSet = Infer<typeof CollectionHashedReadWriteSet>

export const NsReadWriteSet = message('rwset.NsReadWriteSet', {
  namespace: string(1),
  rwset: bytes(2),
  collectionHashedRwset: repeated(embed(3, CollectionHashedReadWriteSet)),
})
export type NsReadWriteSet = Infer<typeof NsReadWriteSet>

export const TxReadWriteSet = message('rwset.TxReadWriteSet', {
  dataModel: enumeration(1),
  nsRwset: repeated(embed(2, NsReadWriteSet)),
})
export type TxReadWriteSet = Infer<typeof TxReadWriteSet>

export const CollectionPvtReadWriteSet = message('rwset.CollectionPvtReadWriteSet', {
  collectionName: string(1),
  rwset: bytes(2),
})
export type CollectionPvtReadWriteSet = Infer<typeof CollectionPvtReadWriteSet>

export const NsPvtReadWriteSet = message('rwset.NsPvtReadWriteSet', {
  namespace: string(1),
  collectionPvtRwset: repeated(embed(2, CollectionPvtReadWriteSet)),
})
export type NsPvtReadWriteSet = Infer<typeof NsPvtReadWriteSet>

export const TxPvtReadWriteSet = message('rwset.TxPvtReadWriteSet', {
  dataModel: enumeration(1),
  nsPvtRwset: repeated(embed(2, NsPvtReadWriteSet)),
})
export type TxPvtReadWriteSet = Infer<typeof TxPvtReadWriteSet>
