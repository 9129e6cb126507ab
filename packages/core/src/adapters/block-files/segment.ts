import type { Disk, DiskFile } from '../../ports/disk.ts'
import type { Random } from '../../ports/random.ts'
import { READ_WINDOW, windowedReader } from '../disk/windowed-reader.ts'
import { BlockStoreError } from './errors.ts'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME_HEADER,
  FRAME_MAGIC,
  isFrameIntact,
  SEGMENT_HEADER,
} from './frame.ts'

export interface Segment {
  readonly index: number
  readonly path: string
  readonly file: DiskFile
  /** Number of its first block. */
  readonly first: number
  readonly salt: number
}

/** Where a block's frame stands. */
export interface BlockLocation {
  readonly segment: number
  readonly offset: number
  /** Of the serialized block, without the frame's header. */
  readonly length: number
}

export interface ScannedBlock extends BlockLocation {
  readonly number: number
  readonly content: Uint8Array
}

export function segmentPath(folder: string, index: number): string {
  return `${folder}/blocks-${String(index).padStart(6, '0')}`
}

/** Indexes of the segments in a folder, ascending and without gaps. */
export async function listSegments(disk: Disk, folder: string): Promise<number[]> {
  const indexes = (await disk.list(folder))
    .map((name) => /^blocks-(\d{6,})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
  const gap = indexes.findIndex((index, i) => index !== i)
  if (gap >= 0) {
    const path = segmentPath(folder, gap)
    throw new BlockStoreError('LEDGER_BLOCKS_LOST', `the block file ${path} is missing`, { path })
  }
  return indexes
}

/** A new segment, its header and its entry in the folder durable. */
export async function createSegment(disk: Disk, folder: string, index: number, first: number, random: Random): Promise<Segment> {
  const path = segmentPath(folder, index)
  const file = await disk.open(path, { create: true })
  const salt = Buffer.from(random.bytes(4)).readUInt32BE()
  await file.append([encodeSegmentHeader({ first, salt })])
  await file.datasync()
  await disk.syncFolder(folder)
  return { index, path, file, first, salt }
}

/** Opens a segment; undefined when a crash left the file before its header was whole (only the last segment may be so). */
export async function openSegment(disk: Disk, folder: string, index: number): Promise<Segment | undefined> {
  const path = segmentPath(folder, index)
  const file = await disk.open(path)
  const header = decodeSegmentHeader(await file.read(0, Math.min(file.size, SEGMENT_HEADER)), path)
  if (header === undefined) {
    const size = file.size
    await file.close()
    // Frames are written only after the header is durable.
    if (size <= SEGMENT_HEADER) return undefined
    throw new BlockStoreError('LEDGER_BLOCK_CORRUPT', `${path} has no valid header`, { path, offset: 0 })
  }
  return { index, path, file, first: header.first, salt: header.salt }
}

/** Reads and checks the frame of one block. */
export async function readFrame(segment: Segment, location: BlockLocation, number: number): Promise<Uint8Array> {
  const { offset, length } = location
  if (offset + FRAME_HEADER + length > segment.file.size) {
    const data = { path: segment.path, offset, block: number }
    throw new BlockStoreError('LEDGER_BLOCKS_LOST', `${segment.path} ends before the end of block ${number}`, data)
  }
  const frame = await segment.file.read(offset, FRAME_HEADER + length)
  const header = decodeFrameHeader(frame)
  if (header?.length !== length || header.number !== number || !isFrameIntact(frame, segment.salt)) {
    throw corrupt(segment, offset, number)
  }
  return frame.subarray(FRAME_HEADER)
}

export function corrupt(segment: Segment, offset: number, number: number, why = 'does not match its checksum'): BlockStoreError {
  const message = `block ${number} at byte ${offset} of ${segment.path} ${why}`
  return new BlockStoreError('LEDGER_BLOCK_CORRUPT', message, { path: segment.path, offset, block: number })
}

/**
 * Blocks of a segment from an offset on, in order. Returns the offset behind the last good one: the size of the file unless the next
 * frame is bad.
 */
export async function* scanSegment(segment: Segment, offset: number, number: number): AsyncGenerator<ScannedBlock, number> {
  const read = windowedReader(segment.file)
  let at = offset
  for (let next = number; ; next++) {
    if (at + FRAME_HEADER > segment.file.size) return at
    const header = decodeFrameHeader(await read(at, FRAME_HEADER))
    if (header === undefined || header.number !== next) return at
    const { length } = header
    if (at + FRAME_HEADER + length > segment.file.size) return at
    const frame = await read(at, FRAME_HEADER + length)
    if (!isFrameIntact(frame, segment.salt)) return at
    yield { segment: segment.index, offset: at, length, number: next, content: frame.subarray(FRAME_HEADER) }
    at += FRAME_HEADER + length
  }
}

/**
 * Looks behind a bad frame for a good one that was written when block `number` was durable already. Such a frame proves that the bad one
 * is damage; without one it is the tail of a crash, which nobody was told of.
 */
export async function wasDurable(segment: Segment, offset: number, number: number): Promise<boolean> {
  const read = windowedReader(segment.file)
  const { size } = segment.file
  let at = offset
  while (at + FRAME_HEADER <= size) {
    const window = await read(at, Math.min(READ_WINDOW, size - at))
    const found = Buffer.from(window.buffer, window.byteOffset, window.byteLength).indexOf(FRAME_MAGIC)
    if (found < 0) {
      at += Math.max(1, window.length - FRAME_MAGIC.length + 1)
      continue
    }
    at += found
    if (at + FRAME_HEADER > size) return false
    const header = decodeFrameHeader(await read(at, FRAME_HEADER))
    if (header !== undefined && at + FRAME_HEADER + header.length <= size) {
      const frame = await read(at, FRAME_HEADER + header.length)
      if (isFrameIntact(frame, segment.salt)) {
        if (header.durable > number) return true
        at += FRAME_HEADER + header.length
        continue
      }
    }
    at++
  }
  return false
}
