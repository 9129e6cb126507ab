import { bool, bytes, enumeration, uint32, uint64 } from '../../model/protobuf/field.ts'
import { type Infer, message } from '../../model/protobuf/message.ts'
import type { Position } from '../../ports/ordered-log.ts'

export const RecordClass = {
  NORMAL: 0,
  CONFIG: 1,
  /** Cuts what waits when `blockNumber` is the next block's; anything else is ignored. */
  TIME_TO_CUT: 2,
} as const

/** Version of the record format. A record of another version stops the orderer: orderers that read a log differently would fork. */
export const RECORD_VERSION = 1

/** What the orderers of a channel write into its log. */
export const LogRecordMessage = message('heddle.LogRecord', {
  version: uint32(1),
  class: enumeration(2),
  /** Random, of one start of one orderer: who finds its own record again knows that it waits for it. */
  producer: bytes(3),
  /** Counts the producer's records from 1. */
  serial: uint64(4),
  /** Configuration under which the envelope passed the ingress filters; a record of an older one is skipped by every orderer. */
  configSequence: uint64(5),
  /** Cuts the batch after this record: its producer had nothing more. */
  cutAfter: bool(6),
  envelope: bytes(7),
  /** Of TIME_TO_CUT. */
  blockNumber: uint64(8),
  /** First bytes of the genesis block's hash. Every orderer skips what was written for another chain. */
  chain: bytes(9),
})
export type LogRecordMessage = Infer<typeof LogRecordMessage>

/** Bytes of the genesis hash that a record carries. */
const CHAIN_BYTES = 8
/** Most bytes that a record adds to its envelope, and an envelope to its payload and signature. */
export const RECORD_OVERHEAD = 256

/** What a record calls the chain that it was written for. */
export function chainOf(genesisHash: Uint8Array): Uint8Array {
  return genesisHash.subarray(0, CHAIN_BYTES)
}

/** Consenter metadata of a block: the last record that is consumed when the block is cut. */
export const LogMetadata = message('heddle.LogMetadata', {
  position: bytes(1),
})

/** Order of two positions. */
export function compareBytes(a: Position, b: Position): number {
  return Buffer.compare(a, b)
}
