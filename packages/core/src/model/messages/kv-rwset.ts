// Messages of ledger/rwset/kvrwset/kv_rwset.proto.
import { bool, bytes, embed, oneof, repeated, string, uint32, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const Version = message('kvrwset.Version', {
  blockNum: uint64(1),
  txNum: uint64(2),
})
export type Version = Infer<typeof Version>

export const KVRead = message('kvrwset.KVRead', {
  key: string(1),
  version: embed(2, Version),
})
export type KVRead = Infer<typeof KVRead>

export const QueryReads = message('kvrwset.QueryReads', {
  kvReads: repeated(embed(1, KVRead)),
})
export type QueryReads = Infer<typeof QueryReads>

export const QueryReadsMerkleSummary = message('kvrwset.QueryReadsMerkleSummary', {
  maxDegree: uint32(1),
  maxLevel: uint32(2),
  maxLevelHashes: repeated(bytes(3)),
})
export type QueryReadsMerkleSummary = Infer<typeof QueryReadsMerkleSummary>

export const RangeQueryInfo = message('kvrwset.RangeQueryInfo', {
  startKey: string(1),
  endKey: string(2),
  itrExhausted: bool(3),
  rawReads: oneof('readsInfo', embed(4, QueryReads)),
  readsMerkleHashes: oneof('readsInfo', embed(5, QueryReadsMerkleSummary)),
})
export type RangeQueryInfo = Infer<typeof RangeQueryInfo>

export const KVWrite = message('kvrwset.KVWrite', {
  key: string(1),
  isDelete: bool(2),
  value: bytes(3),
})
export type KVWrite = Infer<typeof KVWrite>

export const KVMetadataEntry = message('kvrwset.KVMetadataEntry', {
  name: string(1),
  value: bytes(2),
})
export type KVMetadataEntry = Infer<typeof KVMetadataEntry>

export const KVMetadataWrite = message('kvrwset.KVMetadataWrite', {
  key: string(1),
  entries: repeated(embed(2, KVMetadataEntry)),
})
export type KVMetadataWrite = Infer<typeof KVMetadataWrite>

export const KVRWSet = message('kvrwset.KVRWSet', {
  reads: repeated(embed(1, KVRead)),
  rangeQueriesInfo: repeated(embed(2, RangeQueryInfo)),
  writes: repeated(embed(3, KVWrite)),
  metadataWrites: repeated(embed(4, KVMetadataWrite)),
})
export type KVRWSet = Infer<typeof KVRWSet>

export const KVReadHash = message('kvrwset.KVReadHash', {
  keyHash: bytes(1),
  version: embed(2, Version),
})
export type KVReadHash = Infer<typeof KVReadHash>

export const KVWriteHash = message('kvrwset.KVWriteHash', {
  keyHash: bytes(1),
  isDelete: bool(2),
  valueHash: bytes(3),
  isPurge: bool(4),
})
export type KVWriteHash = Infer<typeof KVWriteHash>

export const KVMetadataWriteHash = message('kvrwset.KVMetadataWriteHash', {
  keyHash: bytes(1),
  entries: repeated(embed(2, KVMetadataEntry)),
})
export type KVMetadataWriteHash = Infer<typeof KVMetadataWriteHash>

export const HashedRWSet = message('kvrwset.HashedRWSet', {
  hashedReads: repeated(embed(1, KVReadHash)),
  hashedWrites: repeated(embed(2, KVWriteHash)),
  metadataWrites: repeated(embed(3, KVMetadataWriteHash)),
})
export type HashedRWSet = Infer<typeof HashedRWSet>
