// Messages of peer/chaincode_shim.proto.

import { bool, bytes, embed, enumeration, int32, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { ChaincodeEvent } from './chaincode-event.ts'
import { SignedProposal } from './proposal.ts'
import { Timestamp } from './well-known.ts'

export const ChaincodeMessageType = {
  UNDEFINED: 0,
  REGISTER: 1,
  REGISTERED: 2,
  INIT: 3,
  READY: 4,
  TRANSACTION: 5,
  COMPLETED: 6,
  ERROR: 7,
  GET_STATE: 8,
  PUT_STATE: 9,
  DEL_STATE: 10,
  INVOKE_CHAINCODE: 11,
  RESPONSE: 13,
  GET_STATE_BY_RANGE: 14,
  GET_QUERY_RESULT: 15,
  QUERY_STATE_NEXT: 16,
  QUERY_STATE_CLOSE: 17,
  KEEPALIVE: 18,
  GET_HISTORY_FOR_KEY: 19,
  GET_STATE_METADATA: 20,
  PUT_STATE_METADATA: 21,
  GET_PRIVATE_DATA_HASH: 22,
  PURGE_PRIVATE_DATA: 23,
  WRITE_BATCH_STATE: 24,
  GET_STATE_MULTIPLE: 25,
} as const

export const ChaincodeMessage = message('protos.ChaincodeMessage', {
  type: enumeration(1),
  timestamp: embed(2, Timestamp),
  payload: bytes(3),
  txid: string(4),
  proposal: embed(5, SignedProposal),
  chaincodeEvent: embed(6, ChaincodeEvent),
  channelId: string(7),
})
export type ChaincodeMessage = Infer<typeof ChaincodeMessage>

export const GetState = message('protos.GetState', {
  key: string(1),
  collection: string(2),
})
export type GetState = Infer<typeof GetState>

export const GetStateMetadata = message('protos.GetStateMetadata', {
  key: string(1),
  collection: string(2),
})
export type GetStateMetadata = Infer<typeof GetStateMetadata>

export const GetStateMultiple = message('protos.GetStateMultiple', {
  keys: repeated(string(1)),
  collection: string(2),
})
export type GetStateMultiple = Infer<typeof GetStateMultiple>

export const GetStateMultipleResult = message('protos.GetStateMultipleResult', {
  values: repeated(bytes(1)),
})
export type GetStateMultipleResult = Infer<typeof GetStateMultipleResult>

export const PutState = message('protos.PutState', {
  key: string(1),
  value: bytes(2),
  collection: string(3),
})
export type PutState = Infer<typeof PutState>

export const StateMetadata = message('protos.StateMetadata', {
  metakey: string(1),
  value: bytes(2),
})
export type StateMetadata = Infer<typeof StateMetadata>

export const PutStateMetadata = message('protos.PutStateMetadata', {
  key: string(1),
  collection: string(3),
  metadata: embed(4, StateMetadata),
})
export type PutStateMetadata = Infer<typeof PutStateMetadata>

export const WriteRecordType = {
  UNDEFINED: 0,
  PUT_STATE: 9,
  DEL_STATE: 10,
  PUT_STATE_METADATA: 21,
  PURGE_PRIVATE_DATA: 23,
} as const

export const WriteRecord = message('protos.WriteRecord', {
  key: string(1),
  value: bytes(2),
  collection: string(3),
  metadata: embed(4, StateMetadata),
  type: enumeration(5),
})
export type WriteRecord = Infer<typeof WriteRecord>

export const WriteBatchState = message('protos.WriteBatchState', {
  rec: repeated(embed(1, WriteRecord)),
})
export type WriteBatchState = Infer<typeof WriteBatchState>

export const DelState = message('protos.DelState', {
  key: string(1),
  collection: string(2),
})
export type DelState = Infer<typeof DelState>

export const PurgePrivateState = message('protos.PurgePrivateState', {
  key: string(1),
  collection: string(2),
})
export type PurgePrivateState = Infer<typeof PurgePrivateState>

export const GetStateByRange = message('protos.GetStateByRange', {
  startKey: string(1),
  endKey: string(2),
  collection: string(3),
  metadata: bytes(4),
})
export type GetStateByRange = Infer<typeof GetStateByRange>

export const GetQueryResult = message('protos.GetQueryResult', {
  query: string(1),
  collection: string(2),
  metadata: bytes(3),
})
export type GetQueryResult = Infer<typeof GetQueryResult>

export const QueryMetadata = message('protos.QueryMetadata', {
  pageSize: int32(1),
  bookmark: string(2),
})
export type QueryMetadata = Infer<typeof QueryMetadata>

export const GetHistoryForKey = message('protos.GetHistoryForKey', {
  key: string(1),
})
export type GetHistoryForKey = Infer<typeof GetHistoryForKey>

export const QueryStateNext = message('protos.QueryStateNext', {
  id: string(1),
})
export type QueryStateNext = Infer<typeof QueryStateNext>

export const QueryStateClose = message('protos.QueryStateClose', {
  id: string(1),
})
export type QueryStateClose = Infer<typeof QueryStateClose>

export const QueryResultBytes = message('protos.QueryResultBytes', {
  resultBytes: bytes(1),
})
export type QueryResultBytes = Infer<typeof QueryResultBytes>

export const QueryResponse = message('protos.QueryResponse', {
  results: repeated(embed(1, QueryResultBytes)),
  hasMore: bool(2),
  id: string(3),
  metadata: bytes(4),
})
export type QueryResponse = Infer<typeof QueryResponse>

export const QueryResponseMetadata = message('protos.QueryResponseMetadata', {
  fetchedRecordsCount: int32(1),
  bookmark: string(2),
})
export type QueryResponseMetadata = Infer<typeof QueryResponseMetadata>

export const StateMetadataResult = message('protos.StateMetadataResult', {
  entries: repeated(embed(1, StateMetadata)),
})
export type StateMetadataResult = Infer<typeof StateMetadataResult>
