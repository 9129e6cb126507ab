// Messages of common/common.proto.

import { bytes, embed, int32, repeated, string, uint32, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { Timestamp } from './well-known.ts'

export const Status = {
  UNKNOWN: 0,
  SUCCESS: 200,
  BAD_REQUEST: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  REQUEST_ENTITY_TOO_LARGE: 413,
  INTERNAL_SERVER_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  SERVICE_UNAVAILABLE: 503,
} as const

export const HeaderType = {
  MESSAGE: 0,
  CONFIG: 1,
  CONFIG_UPDATE: 2,
  ENDORSER_TRANSACTION: 3,
  ORDERER_TRANSACTION: 4,
  DELIVER_SEEK_INFO: 5,
  CHAINCODE_PACKAGE: 6,
} as const

export const BlockMetadataIndex = { SIGNATURES: 0, LAST_CONFIG: 1, TRANSACTIONS_FILTER: 2, ORDERER: 3, COMMIT_HASH: 4 } as const

export const LastConfig = message('common.LastConfig', {
  index: uint64(1),
})
export type LastConfig = Infer<typeof LastConfig>

export const MetadataSignature = message('common.MetadataSignature', {
  signatureHeader: bytes(1),
  signature: bytes(2),
  identifierHeader: bytes(3),
})
export type MetadataSignature = Infer<typeof MetadataSignature>

export const Metadata = message('common.Metadata', {
  value: bytes(1),
  signatures: repeated(embed(2, MetadataSignature)),
})
export type Metadata = Infer<typeof Metadata>

export const IdentifierHeader = message('common.IdentifierHeader', {
  identifier: uint32(1),
  nonce: bytes(2),
})
export type IdentifierHeader = Infer<typeof IdentifierHeader>

export const Header = message('common.Header', {
  channelHeader: bytes(1),
  signatureHeader: bytes(2),
})
export type Header = Infer<typeof Header>

export const ChannelHeader = message('common.ChannelHeader', {
  type: int32(1),
  version: int32(2),
  timestamp: embed(3, Timestamp),
  channelId: string(4),
  txId: string(5),
  epoch: uint64(6),
  extension: bytes(7),
  tlsCertHash: bytes(8),
})
export type ChannelHeader = Infer<typeof ChannelHeader>

export const SignatureHeader = message('common.SignatureHeader', {
  creator: bytes(1),
  nonce: bytes(2),
})
export type SignatureHeader = Infer<typeof SignatureHeader>

export const Payload = message('common.Payload', {
  header: embed(1, Header),
  data: bytes(2),
})
export type Payload = Infer<typeof Payload>

export const Envelope = message('common.Envelope', {
  payload: bytes(1),
  signature: bytes(2),
})
export type Envelope = Infer<typeof Envelope>

export const BlockHeader = message('common.BlockHeader', {
  number: uint64(1),
  previousHash: bytes(2),
  dataHash: bytes(3),
})
export type BlockHeader = Infer<typeof BlockHeader>

export const BlockData = message('common.BlockData', {
  data: repeated(bytes(1)),
})
export type BlockData = Infer<typeof BlockData>

export const BlockMetadata = message('common.BlockMetadata', {
  metadata: repeated(bytes(1)),
})
export type BlockMetadata = Infer<typeof BlockMetadata>

export const BlockMessage = message('common.Block', {
  header: embed(1, BlockHeader),
  data: embed(2, BlockData),
  metadata: embed(3, BlockMetadata),
})
export type BlockMessage = Infer<typeof BlockMessage>

export const OrdererBlockMetadata = message('common.OrdererBlockMetadata', {
  lastConfig: embed(1, LastConfig),
  consenterMetadata: bytes(2),
})
export type OrdererBlockMetadata = Infer<typeof OrdererBlockMetadata>
