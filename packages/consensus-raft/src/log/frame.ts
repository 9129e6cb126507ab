import { crc32 } from 'node:zlib'
import { RaftLogError } from '../errors.ts'

/*
 * A segment file:  header  checkpoint frames  |  frame  frame  ...
 *                                             ^ `start` of the header
 *
 * header:  "HDLRAFT\0"  format u32  length of the header u32  sequence u48  salt u32  start u48  previous size u48
 *          owner (length u16, UTF-8)  crc32 of all before u32
 * frame:   "HDLR"  length u32  durable u48  kind u8  zero u8  channel u32  crc32 of the header u32  crc32 of all u32
 *          then `length` bytes of body
 *
 * All numbers are big-endian. The checksums of a frame start from the segment's salt, so that bytes of an entry cannot pose as a frame, nor
 * make a search behind a bad frame expensive. `durable` is the number of bytes of the segment that were on stable storage when the frame was written:
 * it tells a torn tail, where later frames may have survived earlier ones, from a frame that was stored and went bad.
 * `previous size` is the final size of the segment before: a segment that is followed by another must end there.
 */

export const LOG_FORMAT = 1
export const FRAME_HEADER = 28
/** Longest body of a frame, whatever the options: what was written can be read by a node with other options. */
export const MAX_BODY = 1 << 30
/** Longest header that is read: longer ones are none of ours. */
export const MAX_HEADER = 1024
/** All of the header but the owner's name. */
const FIXED_HEADER = 44

const SEGMENT_MAGIC = Buffer.from('HDLRAFT\0')
export const FRAME_MAGIC = Buffer.from('HDLR')

/** What a frame holds. */
export const Kind = { checkpoint: 1, change: 2, carried: 3, removed: 4, mark: 5 } as const

export interface SegmentHeader {
  /** Length of the header. */
  readonly headerBytes: number
  readonly sequence: number
  readonly salt: number
  /** Offset behind the checkpoint; all before it was durable when the file got its name. */
  readonly start: number
  readonly previousSize: number
  /** Whose log this is. */
  readonly owner: string
}

export interface FrameHeader {
  readonly length: number
  readonly durable: number
  readonly kind: number
  readonly channel: number
}

/** Bytes that the header of a segment of this owner takes. */
export const headerLength = (owner: string): number => FIXED_HEADER + Buffer.byteLength(owner)

export function encodeSegmentHeader({
  sequence,
  salt,
  start,
  previousSize,
  owner,
}: Omit<SegmentHeader, 'headerBytes'>): Uint8Array {
  const name = Buffer.from(owner)
  const header = Buffer.alloc(FIXED_HEADER + name.length)
  SEGMENT_MAGIC.copy(header)
  header.writeUInt32BE(LOG_FORMAT, 8)
  header.writeUInt32BE(header.length, 12)
  header.writeUIntBE(sequence, 16, 6)
  header.writeUInt32BE(salt, 22)
  header.writeUIntBE(start, 26, 6)
  header.writeUIntBE(previousSize, 32, 6)
  header.writeUInt16BE(name.length, 38)
  name.copy(header, 40)
  const end = header.length - 4
  header.writeUInt32BE(crc32(header.subarray(0, end)), end)
  return header
}

/** The header at the beginning of a segment. Throws RAFT_LOG_FORMAT for another version, RAFT_LOG_CORRUPT for anything else. */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): SegmentHeader {
  const header = view(bytes)
  const corrupt = (why: string): RaftLogError => {
    const data = { path, offset: 0 }
    return new RaftLogError('RAFT_LOG_CORRUPT', `${path} ${why}`, data)
  }
  if (header.length < 12 || SEGMENT_MAGIC.compare(header, 0, 8) !== 0) throw corrupt('has no header of a Raft log')
  const format = header.readUInt32BE(8)
  // Another version may have another header: its checksum is not ours to judge.
  if (format !== LOG_FORMAT) {
    const message = `${path} has format ${format}; this version reads format ${LOG_FORMAT}`
    throw new RaftLogError('RAFT_LOG_FORMAT', message, { path, format, known: LOG_FORMAT })
  }
  const length = header.length < 16 ? 0 : header.readUInt32BE(12)
  if (length < FIXED_HEADER || length > header.length || length > MAX_HEADER) throw corrupt('has a damaged header')
  const end = length - 4
  if (header.readUInt32BE(end) !== crc32(header.subarray(0, end))) throw corrupt('has a damaged header')
  const owner = header.subarray(40, 40 + header.readUInt16BE(38)).toString()
  return {
    headerBytes: length,
    sequence: header.readUIntBE(16, 6),
    salt: header.readUInt32BE(22),
    start: header.readUIntBE(26, 6),
    previousSize: header.readUIntBE(32, 6),
    owner,
  }
}

/** A frame around the chunks of a body, which are not copied. Gives the number of bytes. */
export function pushFrame(
  into: Uint8Array[],
  body: readonly Uint8Array[],
  frame: { readonly kind: number; readonly channel: number; readonly durable: number; readonly salt: number },
): number {
  const header = Buffer.alloc(FRAME_HEADER)
  let length = 0
  for (const chunk of body) length += chunk.length
  FRAME_MAGIC.copy(header)
  header.writeUInt32BE(length, 4)
  header.writeUIntBE(frame.durable, 8, 6)
  header.writeUInt8(frame.kind, 14)
  header.writeUInt32BE(frame.channel, 16)
  let checksum = crc32(header.subarray(0, 20), frame.salt)
  header.writeUInt32BE(checksum, 20)
  for (const chunk of body) checksum = crc32(chunk, checksum)
  header.writeUInt32BE(checksum, 24)
  into.push(header, ...body)
  return FRAME_HEADER + length
}

/** Undefined when the bytes are not the header of a frame. */
export function decodeFrameHeader(bytes: Uint8Array, salt: number): FrameHeader | undefined {
  const header = view(bytes)
  if (header.length < FRAME_HEADER || FRAME_MAGIC.compare(header, 0, 4) !== 0) return undefined
  if (header.readUInt32BE(20) !== crc32(header.subarray(0, 20), salt)) return undefined
  const length = header.readUInt32BE(4)
  if (length > MAX_BODY) return undefined
  return {
    length,
    durable: header.readUIntBE(8, 6),
    kind: header.readUInt8(14),
    channel: header.readUInt32BE(16),
  }
}

/** Whether a whole frame, whose header is good, matches its checksum. */
export function isFrameIntact(frame: Uint8Array): boolean {
  const bytes = view(frame)
  return bytes.readUInt32BE(24) === crc32(bytes.subarray(FRAME_HEADER), bytes.readUInt32BE(20))
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
