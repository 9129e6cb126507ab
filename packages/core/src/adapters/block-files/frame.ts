import { crc32 } from 'node:zlib'
import { BlockStoreError } from './errors.ts'

/*
 * A segment file:  header (32 bytes)  frame  frame  ...
 *
 * header:  "HDLBLOCK"  version u32  first block u48  salt u32  zero (6)  crc32 (of the 28 bytes before) u32
 * frame:   "HDLF"  length u32  block u48  durable u48  crc32 u32  then `length` bytes: a serialized common.Block
 *
 * All numbers are big-endian. The checksum of a frame covers its header and content and starts from the segment's salt, so that bytes
 * inside a transaction cannot pose as a frame. `durable` is the number of blocks that were on stable storage when the frame was written:
 * it tells a torn tail, where later frames may have survived earlier ones, from a block that was stored and went bad.
 */

export const SEGMENT_HEADER = 32
export const FRAME_HEADER = 24
export const SEGMENT_FORMAT = 1
/** Longer than any block an orderer can make. */
const MAX_BLOCK = 1 << 30

const SEGMENT_MAGIC = Buffer.from('HDLBLOCK')
export const FRAME_MAGIC = Buffer.from('HDLF')

export interface SegmentHeader {
  readonly first: number
  readonly salt: number
}

export interface FrameHeader {
  readonly length: number
  readonly number: number
  readonly durable: number
  readonly checksum: number
}

export function encodeSegmentHeader({ first, salt }: SegmentHeader): Uint8Array {
  const header = Buffer.alloc(SEGMENT_HEADER)
  SEGMENT_MAGIC.copy(header)
  header.writeUInt32BE(SEGMENT_FORMAT, 8)
  header.writeUIntBE(first, 12, 6)
  header.writeUInt32BE(salt, 18)
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28)
  return header
}

/** Undefined when the bytes are no segment header; throws LEDGER_FORMAT_UNKNOWN when they are one of another version. */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): SegmentHeader | undefined {
  const header = view(bytes)
  if (header.length < SEGMENT_HEADER || SEGMENT_MAGIC.compare(header, 0, 8) !== 0) return undefined
  const format = header.readUInt32BE(8)
  // A header of which a crash left the first bytes only.
  if (format === 0) return undefined
  // Another version may have another header: its checksum is not ours to judge.
  if (format !== SEGMENT_FORMAT) {
    const message = `${path} has format ${format}; this version reads format ${SEGMENT_FORMAT}`
    throw new BlockStoreError('LEDGER_FORMAT_UNKNOWN', message, { path, format, known: SEGMENT_FORMAT })
  }
  if (header.readUInt32BE(28) !== crc32(header.subarray(0, 28))) return undefined
  return { first: header.readUIntBE(12, 6), salt: header.readUInt32BE(18) }
}

/** Header of the frame of a block's bytes, which come in pieces. */
export function encodeFrameHeader(content: readonly Uint8Array[], number: number, durable: number, salt: number): Uint8Array {
  const header = Buffer.allocUnsafe(FRAME_HEADER)
  FRAME_MAGIC.copy(header)
  let length = 0
  for (const piece of content) length += piece.length
  header.writeUInt32BE(length, 4)
  header.writeUIntBE(number, 8, 6)
  header.writeUIntBE(durable, 14, 6)
  let checksum = crc32(header.subarray(0, 20), salt)
  for (const piece of content) checksum = crc32(piece, checksum)
  header.writeUInt32BE(checksum, 20)
  return header
}

/** Undefined when the bytes cannot be the header of a frame. */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  const header = view(bytes)
  if (header.length < FRAME_HEADER || FRAME_MAGIC.compare(header, 0, 4) !== 0) return undefined
  const length = header.readUInt32BE(4)
  if (length > MAX_BLOCK) return undefined
  return { length, number: header.readUIntBE(8, 6), durable: header.readUIntBE(14, 6), checksum: header.readUInt32BE(20) }
}

/** Whether a whole frame, header and content, matches its checksum. */
export function isFrameIntact(frame: Uint8Array, salt: number): boolean {
  const bytes = view(frame)
  return bytes.readUInt32BE(20) === crc32(bytes.subarray(FRAME_HEADER), crc32(bytes.subarray(0, 20), salt))
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
