/**
 * Decoders by hand for the messages that every transaction passes through, several times faster than the generic codec, which gives
 * them their meaning: a property test and the fuzzer hold the two equal on any bytes.
 */

import type { ChaincodeID } from './messages/chaincode.ts'
import type { ChannelHeader, Envelope, Payload, SignatureHeader } from './messages/common.ts'
import type { KVRead, KVRWSet, KVWrite, Version } from './messages/kv-rwset.ts'
import { HashedRWSet, KVMetadataWrite, RangeQueryInfo } from './messages/kv-rwset.ts'
import type { ChaincodeAction } from './messages/proposal.ts'
import type { Endorsement, ProposalResponsePayload, Response } from './messages/proposal-response.ts'
import type { CollectionHashedReadWriteSet, NsReadWriteSet, TxReadWriteSet } from './messages/rwset.ts'
import type { ChaincodeActionPayload, ChaincodeEndorsedAction, Transaction, TransactionAction } from './messages/transaction.ts'
import type { Timestamp } from './messages/well-known.ts'
import { Reader } from './protobuf/reader.ts'

const NONE = new Uint8Array(0)

/** Reads the fields of a message up to the reader's end; tags are number × 8 + wire type. */
type Body<T> = (reader: Reader, target: T) => T

function embedded<T>(reader: Reader, target: T, body: Body<T>): T {
  const outer = reader.enter()
  body(reader, target)
  reader.leave(outer)
  return target
}

export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new Reader(bytes)
  const envelope: Envelope = { payload: NONE, signature: NONE }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) envelope.payload = reader.byteString()
    else if (tag === 0x12) envelope.signature = reader.byteString()
    else reader.skip(tag)
  }
  return envelope
}

export function decodePayload(bytes: Uint8Array): Payload {
  const reader = new Reader(bytes)
  const payload: Payload = { header: undefined, data: NONE }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a)
      payload.header = embedded(reader, payload.header ?? { channelHeader: NONE, signatureHeader: NONE }, readHeader)
    else if (tag === 0x12) payload.data = reader.byteString()
    else reader.skip(tag)
  }
  return payload
}

const readHeader: Body<NonNullable<Payload['header']>> = (reader, header) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) header.channelHeader = reader.byteString()
    else if (tag === 0x12) header.signatureHeader = reader.byteString()
    else reader.skip(tag)
  }
  return header
}

export function decodeChannelHeader(bytes: Uint8Array): ChannelHeader {
  const reader = new Reader(bytes)
  const header: ChannelHeader = {
    type: 0,
    version: 0,
    timestamp: undefined,
    channelId: '',
    txId: '',
    epoch: 0,
    extension: NONE,
    tlsCertHash: NONE,
  }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x08) header.type = reader.varint32() | 0
    else if (tag === 0x10) header.version = reader.varint32() | 0
    else if (tag === 0x1a) header.timestamp = embedded(reader, header.timestamp ?? { seconds: 0, nanos: 0 }, readTimestamp)
    else if (tag === 0x22) header.channelId = reader.string()
    else if (tag === 0x2a) header.txId = reader.string()
    else if (tag === 0x30) header.epoch = reader.uint64()
    else if (tag === 0x3a) header.extension = reader.byteString()
    else if (tag === 0x42) header.tlsCertHash = reader.byteString()
    else reader.skip(tag)
  }
  return header
}

const readTimestamp: Body<Timestamp> = (reader, timestamp) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x08) timestamp.seconds = reader.int64()
    else if (tag === 0x10) timestamp.nanos = reader.varint32() | 0
    else reader.skip(tag)
  }
  return timestamp
}

export function decodeSignatureHeader(bytes: Uint8Array): SignatureHeader {
  const reader = new Reader(bytes)
  const header: SignatureHeader = { creator: NONE, nonce: NONE }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) header.creator = reader.byteString()
    else if (tag === 0x12) header.nonce = reader.byteString()
    else reader.skip(tag)
  }
  return header
}

export function decodeTransaction(bytes: Uint8Array): Transaction {
  const reader = new Reader(bytes)
  const transaction: Transaction = { actions: [] }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) {
      reader.element()
      transaction.actions = added(transaction.actions, embedded(reader, { header: NONE, payload: NONE }, readAction))
    } else reader.skip(tag)
  }
  return transaction
}

const readAction: Body<TransactionAction> = (reader, action) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) action.header = reader.byteString()
    else if (tag === 0x12) action.payload = reader.byteString()
    else reader.skip(tag)
  }
  return action
}

export function decodeChaincodeActionPayload(bytes: Uint8Array): ChaincodeActionPayload {
  const reader = new Reader(bytes)
  const payload: ChaincodeActionPayload = { chaincodeProposalPayload: NONE, action: undefined }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) payload.chaincodeProposalPayload = reader.byteString()
    else if (tag === 0x12) {
      payload.action = embedded(reader, payload.action ?? { proposalResponsePayload: NONE, endorsements: [] }, readEndorsedAction)
    } else reader.skip(tag)
  }
  return payload
}

const readEndorsedAction: Body<ChaincodeEndorsedAction> = (reader, action) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) action.proposalResponsePayload = reader.byteString()
    else if (tag === 0x12) {
      reader.element()
      action.endorsements.push(embedded(reader, { endorser: NONE, signature: NONE }, readEndorsement))
    } else reader.skip(tag)
  }
  return action
}

const readEndorsement: Body<Endorsement> = (reader, endorsement) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) endorsement.endorser = reader.byteString()
    else if (tag === 0x12) endorsement.signature = reader.byteString()
    else reader.skip(tag)
  }
  return endorsement
}

export function decodeProposalResponsePayload(bytes: Uint8Array): ProposalResponsePayload {
  const reader = new Reader(bytes)
  const payload: ProposalResponsePayload = { proposalHash: NONE, extension: NONE }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) payload.proposalHash = reader.byteString()
    else if (tag === 0x12) payload.extension = reader.byteString()
    else reader.skip(tag)
  }
  return payload
}

export function decodeChaincodeAction(bytes: Uint8Array): ChaincodeAction {
  const reader = new Reader(bytes)
  const action: ChaincodeAction = { results: NONE, events: NONE, response: undefined, chaincodeId: undefined }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) action.results = reader.byteString()
    else if (tag === 0x12) action.events = reader.byteString()
    else if (tag === 0x1a)
      action.response = embedded(reader, action.response ?? { status: 0, message: '', payload: NONE }, readResponse)
    else if (tag === 0x22) {
      action.chaincodeId = embedded(reader, action.chaincodeId ?? { path: '', name: '', version: '' }, readChaincodeId)
    } else reader.skip(tag)
  }
  return action
}

const readResponse: Body<Response> = (reader, response) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x08) response.status = reader.varint32() | 0
    else if (tag === 0x12) response.message = reader.string()
    else if (tag === 0x1a) response.payload = reader.byteString()
    else reader.skip(tag)
  }
  return response
}

const readChaincodeId: Body<ChaincodeID> = (reader, id) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) id.path = reader.string()
    else if (tag === 0x12) id.name = reader.string()
    else if (tag === 0x1a) id.version = reader.string()
    else reader.skip(tag)
  }
  return id
}

export function decodeTxReadWriteSet(bytes: Uint8Array): TxReadWriteSet {
  const reader = new Reader(bytes)
  const set: TxReadWriteSet = { dataModel: 0, nsRwset: [] }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x08) set.dataModel = reader.varint32() | 0
    else if (tag === 0x12) {
      reader.element()
      set.nsRwset.push(embedded(reader, { namespace: '', rwset: NONE, collectionHashedRwset: [] }, readNamespace))
    } else reader.skip(tag)
  }
  return set
}

const readNamespace: Body<NsReadWriteSet> = (reader, set) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) set.namespace = reader.string()
    else if (tag === 0x12) set.rwset = reader.byteString()
    else if (tag === 0x1a) {
      reader.element()
      set.collectionHashedRwset.push(
        embedded(reader, { collectionName: '', hashedRwset: NONE, pvtRwsetHash: NONE }, readCollection),
      )
    } else reader.skip(tag)
  }
  return set
}

const readCollection: Body<CollectionHashedReadWriteSet> = (reader, set) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) set.collectionName = reader.string()
    else if (tag === 0x12) set.hashedRwset = reader.byteString()
    else if (tag === 0x1a) set.pvtRwsetHash = reader.byteString()
    else reader.skip(tag)
  }
  return set
}

export function decodeKvRwSet(bytes: Uint8Array): KVRWSet {
  return readKvRwSet(new Reader(bytes))
}

/** No entries: one list for all that have none, because most sets of a transaction are empty. */
const EMPTY: readonly never[] = Object.freeze([])

/** Like `push`, but a first entry makes a list of one: `push` would make room for seventeen. */
function added<T>(list: T[], entry: T): T[] {
  if (list.length === 0) return [entry]
  list.push(entry)
  return list
}

function readKvRwSet(reader: Reader): KVRWSet {
  const none = EMPTY as unknown as never[]
  const set: KVRWSet = { reads: none, rangeQueriesInfo: none, writes: none, metadataWrites: none }
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) {
      reader.element()
      set.reads = added(set.reads, embedded(reader, { key: '', version: undefined }, readRead))
    } else if (tag === 0x1a) {
      reader.element()
      set.writes = added(set.writes, embedded(reader, { key: '', isDelete: false, value: NONE }, readWrite))
    } else if (tag === 0x12) {
      reader.element()
      const outer = reader.enter()
      set.rangeQueriesInfo = added(set.rangeQueriesInfo, RangeQueryInfo.read(undefined, reader, 1))
      reader.leave(outer)
    } else if (tag === 0x22) {
      reader.element()
      const outer = reader.enter()
      set.metadataWrites = added(set.metadataWrites, KVMetadataWrite.read(undefined, reader, 1))
      reader.leave(outer)
    } else reader.skip(tag)
  }
  return set
}

/** A namespace's sets as they stand in a read-write set, not decoded yet. */
interface RawNamespace {
  readonly namespace: string
  readonly start: number
  readonly end: number
  readonly hashed: readonly CollectionHashedReadWriteSet[]
}

interface DecodedNamespace {
  readonly namespace: string
  readonly kv: KVRWSet
  readonly collections: readonly { readonly name: string; readonly hashed: HashedRWSet; readonly pvtRwsetHash: Uint8Array }[]
}

/** Serialized rwset.TxReadWriteSet with the serialized sets in it: the outer levels first, as if one decoder were called after the other. */
export function readTxRwSet(bytes: Uint8Array): { readonly namespaces: readonly DecodedNamespace[] } {
  const reader = new Reader(bytes)
  let raw: RawNamespace[] = EMPTY as unknown as never[]
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x12) {
      reader.element()
      raw = added(raw, readRawNamespace(reader))
    } else reader.skip(tag)
  }
  return { namespaces: raw.map((each) => decodeNamespace(bytes, each)) }
}

function readRawNamespace(reader: Reader): RawNamespace {
  const outer = reader.enter()
  let namespace = ''
  let start = 0
  let end = 0
  let hashed: CollectionHashedReadWriteSet[] = EMPTY as unknown as never[]
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) namespace = reader.string()
    else if (tag === 0x12) {
      end = reader.lengthEnd()
      start = reader.pos
      reader.pos = end
    } else if (tag === 0x1a) {
      reader.element()
      hashed = added(hashed, embedded(reader, { collectionName: '', hashedRwset: NONE, pvtRwsetHash: NONE }, readCollection))
    } else reader.skip(tag)
  }
  reader.leave(outer)
  return { namespace, start, end, hashed }
}

function decodeNamespace(bytes: Uint8Array, { namespace, start, end, hashed }: RawNamespace): DecodedNamespace {
  const reader = new Reader(bytes)
  reader.pos = start
  reader.end = end
  const kv = readKvRwSet(reader)
  if (hashed.length === 0) return { namespace, kv, collections: EMPTY }
  const collections = hashed.map(({ collectionName, hashedRwset, pvtRwsetHash }) => {
    return { name: collectionName, hashed: decodeHashedRwSet(hashedRwset), pvtRwsetHash }
  })
  return { namespace, kv, collections }
}

const readRead: Body<KVRead> = (reader, read) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) read.key = reader.string()
    else if (tag === 0x12) read.version = embedded(reader, read.version ?? { blockNum: 0, txNum: 0 }, readVersion)
    else reader.skip(tag)
  }
  return read
}

const readVersion: Body<Version> = (reader, version) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x08) version.blockNum = reader.uint64()
    else if (tag === 0x10) version.txNum = reader.uint64()
    else reader.skip(tag)
  }
  return version
}

const readWrite: Body<KVWrite> = (reader, write) => {
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) write.key = reader.string()
    else if (tag === 0x10) write.isDelete = reader.bool()
    else if (tag === 0x1a) write.value = reader.byteString()
    else reader.skip(tag)
  }
  return write
}

/** Hashed collections are rare beside public keys: the generic codec serves. */
export function decodeHashedRwSet(bytes: Uint8Array): HashedRWSet {
  return HashedRWSet.decode(bytes)
}
