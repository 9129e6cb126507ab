import { crc32 } from 'node:zlib'
import { LogError, type LogRecord } from '@heddle/core/plugin'
import { compressionsAlgorithms, compressionsAlgorithmsByBitmask, crc32c, Writer } from '@platformatic/kafka'
import type { KafkaOptions } from '../options.ts'
import { Cursor, sizeOfVarint, writeVarint } from './varint.ts'

/*
 * Kafka's record batch, format 2:
 *   base offset i64, length i32, leader epoch i32, magic i8, crc32c u32, attributes i16, last offset delta i32, first and last timestamp i64,
 *   producer id i64, producer epoch i16, first sequence i32, number of records i32, records
 * The checksum covers all that follows it. Written here rather than by the client: one buffer for a batch, and what comes back is checked.
 */
const BATCH_HEADER = 61
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const COMPRESSION = 0b111
const IS_CONTROL = 1 << 5

/** Bytes that a batch of one adds to its record, with room for longer varints. */
export const BATCH_OVERHEAD = BATCH_HEADER + 64

export type Compression = NonNullable<KafkaOptions['compression']>

/**
 * A batch without a producer id, behind `ahead` bytes that are left free and before `behind` others: a retry may repeat the batch, which
 * readers allow for.
 */
export function encodeBatch(
  records: readonly Uint8Array[],
  now: number,
  compression: Compression,
  ahead = 0,
  behind = 0,
): Buffer {
  let size = 0
  for (let i = 0; i < records.length; i++) {
    const body = bodyOf(records[i]!, i)
    size += sizeOfVarint(body) + body
  }
  const start = ahead + BATCH_HEADER
  const bytes = Buffer.allocUnsafeSlow(start + size + behind)
  let at = start
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    at = writeVarint(bytes, at, bodyOf(record, i))
    bytes[at++] = 0 // attributes
    bytes[at++] = 0 // timestamp delta
    at = writeVarint(bytes, at, i)
    bytes[at++] = 1 // no key
    at = writeVarint(bytes, at, record.length)
    bytes.set(record, at)
    at += record.length
    bytes[at++] = 0 // no headers
  }
  const whole = compression === 'none' ? bytes : compressed(bytes, start, at, behind, compression)
  finish(whole.subarray(ahead, whole.length - behind), records.length, now, compression)
  return whole
}

function bodyOf(record: Uint8Array, index: number): number {
  return 4 + sizeOfVarint(index) + sizeOfVarint(record.length) + record.length
}

function compressed(bytes: Buffer, start: number, end: number, behind: number, compression: Compression): Buffer {
  const content = compressionsAlgorithms[compression].compressSync(bytes.subarray(start, end))
  return Buffer.concat([bytes.subarray(0, start), content, Buffer.alloc(behind)])
}

function finish(batch: Buffer, count: number, now: number, compression: Compression): void {
  const time = BigInt(Math.trunc(now))
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(compressionsAlgorithms[compression].bitmask, ATTRIBUTES_AT)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(checksum(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
}

/** The client copies a plain buffer before it computes; a writer's it takes as it is, which is four times as fast. */
function checksum(bytes: Buffer): number {
  return crc32c(Writer.create().append(bytes).dynamicBuffer) >>> 0
}

/** Records of a fetch, and the offset to go on with. */
export interface Fetched {
  readonly records: LogRecord[]
  readonly next: number
}

/**
 * The records at or after `from`. A broker hands out whole batches, the first of which may begin before it, and may cut the last one off.
 * Batches that Kafka writes for its transactions hold none.
 *
 * @throws LogError LOG_CORRUPT for a batch that does not match its checksum or is of another format
 */
export function decodeBatches(bytes: Buffer, from: number): Fetched {
  const records: LogRecord[] = []
  let next = from
  for (let at = 0; at + 12 <= bytes.length; ) {
    const base = Number(bytes.readBigInt64BE(at))
    const length = bytes.readInt32BE(at + 8)
    const end = at + 12 + length
    if (end > bytes.length) break
    const magic = bytes.readInt8(at + 16)
    if (magic !== 2 || length < BATCH_HEADER - 12) throw damaged(base, `is of format ${magic}`)
    if (checksum(bytes.subarray(at + ATTRIBUTES_AT, end)) !== bytes.readUInt32BE(at + CRC_AT)) {
      throw damaged(base, 'does not match its checksum')
    }
    const last = base + bytes.readInt32BE(at + 23)
    if (last >= from && (bytes.readInt16BE(at + ATTRIBUTES_AT) & IS_CONTROL) === 0) {
      decodeRecords(bytes.subarray(at, end), base, from, records)
    }
    next = Math.max(next, last + 1)
    at = end
  }
  return { records, next }
}

function decodeRecords(batch: Buffer, base: number, from: number, into: LogRecord[]): void {
  const count = batch.readInt32BE(57)
  const algorithm = batch.readInt16BE(ATTRIBUTES_AT) & COMPRESSION
  const content = batch.subarray(BATCH_HEADER)
  const cursor = new Cursor(algorithm === 0 ? content : decompress(content, algorithm, base))
  for (let i = 0; i < count; i++) {
    const end = cursor.varint() + cursor.at
    cursor.at += 1 // attributes
    cursor.varlong() // timestamp delta
    const offset = base + cursor.varint()
    const key = cursor.varint()
    if (key > 0) cursor.at += key
    const data = cursor.take(Math.max(0, cursor.varint()))
    cursor.at = end
    // What is before was asked for by nobody. Who writes into the topic by hand may write nothing at all: that is no record.
    if (offset < from || data.length === 0) continue
    into.push(new TopicRecord(offset, data))
  }
}

function decompress(content: Buffer, algorithm: number, base: number): Buffer {
  const known = compressionsAlgorithmsByBitmask[algorithm]
  if (known === undefined) throw damaged(base, `is compressed by the unknown algorithm ${algorithm}`)
  try {
    return known.decompressSync(content)
  } catch (cause) {
    throw damaged(base, 'does not decompress', cause)
  }
}

function damaged(offset: number, why: string, cause?: unknown): LogError {
  return new LogError('LOG_CORRUPT', `the batch at offset ${offset} of the topic ${why}`, { offset }, { cause })
}

/** Its position is worked out when somebody asks for it, which is once a block. */
class TopicRecord implements LogRecord {
  readonly data: Buffer
  private readonly offset: number

  constructor(offset: number, data: Buffer) {
    this.offset = offset
    this.data = data
  }

  get position(): Uint8Array {
    return positionOf(this.offset, this.data)
  }
}

const POSITION = 12

/**
 * A record's place in the topic: its offset, and its checksum. The checksum takes no part in the order, since no two records share an
 * offset: it shows whether the topic still is the one that the position came from.
 */
export function positionOf(offset: number, record: Uint8Array): Uint8Array {
  const position = Buffer.allocUnsafe(POSITION)
  position.writeUInt32BE(Math.floor(offset / 2 ** 32), 0)
  position.writeUInt32BE(offset >>> 0, 4)
  position.writeUInt32BE(crc32(record), 8)
  return position
}

/** @throws LogError LOG_CORRUPT for bytes that no topic gave out */
export function offsetOf(position: Uint8Array): number {
  if (position.length !== POSITION) {
    throw new LogError('LOG_CORRUPT', `a position of ${position.length} bytes is none of a Kafka topic`, {
      position: Buffer.from(position).toString('hex'),
    })
  }
  const bytes = Buffer.from(position.buffer, position.byteOffset, position.byteLength)
  return bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4)
}
