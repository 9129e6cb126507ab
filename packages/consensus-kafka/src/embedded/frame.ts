import { crc32 } from 'node:zlib'
import { LogError, type LogRecord } from '@heddle/core/plugin'
import { KafkaError } from '../errors.ts'

/*
 * A file of the embedded log:  header (32 bytes)  frame  frame  ...
 *
 * header:  "HDLKLOG\0"  version u32  base u48  salt u32  zero (6)  crc32 (of the 28 bytes before) u32
 * frame:   "HDLR"  length u32  offset u48  durable u48  count u32  crc32 u32  then `length` bytes: `count` times length u32, crc32 u32, record
 *
 * All numbers are big-endian. Offsets count the bytes of all files together, headers included. The checksum of a frame covers its header and
 * content and starts from the file's salt, so that bytes inside a record cannot pose as a frame. `durable` is the offset up to which all was
 * on stable storage when the frame was written: it tells a torn tail from a frame that was acknowledged and went bad.
 */

export const FILE_HEADER = 32
export const FRAME_HEADER = 28
const RECORD_HEADER = 8
const FORMAT = 1
/** Longer than any append can be. */
const MAX_FRAME = 1 << 30

const FILE_MAGIC = Buffer.from('HDLKLOG\0')
export const FRAME_MAGIC = Buffer.from('HDLR')

export interface FileHeader {
  /** Offset of the file's first byte in the log. */
  readonly base: number
  readonly salt: number
}

export interface FrameHeader {
  /** Bytes behind the header. */
  readonly length: number
  readonly offset: number
  readonly durable: number
  readonly count: number
  readonly checksum: number
}

export function encodeFileHeader({ base, salt }: FileHeader): Uint8Array {
  const header = Buffer.alloc(FILE_HEADER)
  FILE_MAGIC.copy(header)
  header.writeUInt32BE(FORMAT, 8)
  header.writeUIntBE(base, 12, 6)
  header.writeUInt32BE(salt, 18)
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28)
  return header
}

/** Undefined when the bytes are no header. @throws KafkaError KAFKA_LOG_FORMAT_UNKNOWN */
export function decodeFileHeader(bytes: Uint8Array, path: string): FileHeader | undefined {
  const header = view(bytes)
  if (header.length < FILE_HEADER || FILE_MAGIC.compare(header, 0, 8) !== 0) return undefined
  const format = header.readUInt32BE(8)
  // A header of which a crash left the first bytes only.
  if (format === 0) return undefined
  if (format !== FORMAT) {
    const message = `${path} has format ${format}; this version reads format ${FORMAT}`
    throw new KafkaError('KAFKA_LOG_FORMAT_UNKNOWN', message, { path, format, known: FORMAT })
  }
  if (header.readUInt32BE(28) !== crc32(header.subarray(0, 28))) return undefined
  return { base: header.readUIntBE(12, 6), salt: header.readUInt32BE(18) }
}

/** A frame of records, as the chunks of one write, and the checksums of the records. */
export function encodeFrame(
  records: readonly Uint8Array[],
  { offset, durable, salt }: { readonly offset: number; readonly durable: number; readonly salt: number },
): { readonly chunks: Uint8Array[]; readonly length: number; readonly checksums: number[] } {
  const header = Buffer.allocUnsafe(FRAME_HEADER)
  const heads = Buffer.allocUnsafe(records.length * RECORD_HEADER)
  const chunks: Uint8Array[] = [header]
  const checksums: number[] = []
  let length = heads.length
  records.forEach((record, i) => {
    const at = i * RECORD_HEADER
    const checksum = crc32(record)
    heads.writeUInt32BE(record.length, at)
    heads.writeUInt32BE(checksum, at + 4)
    chunks.push(heads.subarray(at, at + RECORD_HEADER), record)
    checksums.push(checksum)
    length += record.length
  })
  FRAME_MAGIC.copy(header)
  header.writeUInt32BE(length, 4)
  header.writeUIntBE(offset, 8, 6)
  header.writeUIntBE(durable, 14, 6)
  header.writeUInt32BE(records.length, 20)
  let checksum = crc32(header.subarray(0, 24), salt)
  // Records are covered by the checksums in their heads.
  for (let i = 0; i < records.length; i++) checksum = crc32(heads.subarray(i * RECORD_HEADER, (i + 1) * RECORD_HEADER), checksum)
  header.writeUInt32BE(checksum, 24)
  return { chunks, length, checksums }
}

/** Undefined when the bytes cannot be the header of a frame. */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  const header = view(bytes)
  if (header.length < FRAME_HEADER || FRAME_MAGIC.compare(header, 0, 4) !== 0) return undefined
  const length = header.readUInt32BE(4)
  const count = header.readUInt32BE(20)
  if (length > MAX_FRAME || count === 0 || count * RECORD_HEADER > length) return undefined
  return {
    length,
    offset: header.readUIntBE(8, 6),
    durable: header.readUIntBE(14, 6),
    count,
    checksum: header.readUInt32BE(24),
  }
}

/** The records of a whole frame; undefined when one byte of it is not as it was written. */
export function decodeFrame(frame: Uint8Array, salt: number): LogRecord[] | undefined {
  const header = decodeFrameHeader(frame)
  if (header === undefined || frame.length !== FRAME_HEADER + header.length) return undefined
  const bytes = view(frame)
  let checksum = crc32(bytes.subarray(0, 24), salt)
  const records: LogRecord[] = []
  let at = FRAME_HEADER
  for (let i = 0; i < header.count; i++) {
    if (at + RECORD_HEADER > bytes.length) return undefined
    checksum = crc32(bytes.subarray(at, at + RECORD_HEADER), checksum)
    const length = bytes.readUInt32BE(at)
    const sum = bytes.readUInt32BE(at + 4)
    at += RECORD_HEADER
    if (at + length > bytes.length) return undefined
    const data = frame.subarray(at, at + length)
    if (crc32(data) !== sum) return undefined
    records.push({ position: positionOf(header.offset, i, sum), data })
    at += length
  }
  return at === bytes.length && checksum === header.checksum ? records : undefined
}

/**
 * A record's place: offset of its frame, its index there, and its checksum. The checksum takes no part in the order, since no two records
 * share a place: it shows whether the log still is the one that the position came from.
 */
export function positionOf(offset: number, index: number, checksum: number): Uint8Array {
  const position = Buffer.allocUnsafe(16)
  position.writeUIntBE(0, 0, 2)
  position.writeUIntBE(offset, 2, 6)
  position.writeUInt32BE(index, 8)
  position.writeUInt32BE(checksum, 12)
  return position
}

/** @throws LogError LOG_CORRUPT for bytes that no such log gave out */
export function readPosition(position: Uint8Array): { readonly offset: number; readonly index: number } {
  const bytes = view(position)
  if (bytes.length !== 16) {
    throw new LogError('LOG_CORRUPT', `a position of ${bytes.length} bytes is none of the embedded log`, {
      position: bytes.toString('hex'),
    })
  }
  return { offset: bytes.readUIntBE(2, 6), index: bytes.readUInt32BE(8) }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
