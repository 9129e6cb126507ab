import { type Disk, type DiskFile, READ_WINDOW, windowedReader } from '@heddle/core/plugin'
import { RaftLogError } from '../errors.ts'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  FRAME_HEADER,
  FRAME_MAGIC,
  type FrameHeader,
  isFrameIntact,
  MAX_HEADER,
  type SegmentHeader,
} from './frame.ts'

/** A segment has this name until its header and checkpoint are durable. */
const UNFINISHED = '.new'

export interface Segment extends SegmentHeader {
  readonly path: string
  readonly file: DiskFile
}

/** A good frame and where it stands. */
export interface Frame extends FrameHeader {
  readonly offset: number
  readonly body: Uint8Array
}

export function segmentPath(folder: string, sequence: number): string {
  return `${folder}/log-${String(sequence).padStart(10, '0')}`
}

/** Sequence numbers of the segments in a folder, ascending and without gaps. What a crash left unfinished is removed. */
export async function listSegments(disk: Disk, folder: string): Promise<number[]> {
  const names = await disk.list(folder)
  const unfinished = names.filter((name) => /^log-\d{10,}\.new$/.test(name))
  for (const name of unfinished) await disk.remove(`${folder}/${name}`)
  if (unfinished.length > 0) await disk.syncFolder(folder)
  const sequences = names
    .map((name) => /^log-(\d{10,})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
  const gap = sequences.findIndex((sequence, i) => sequence !== sequences[0]! + i)
  if (gap >= 0) {
    const path = segmentPath(folder, sequences[0]! + gap)
    throw new RaftLogError('RAFT_LOG_LOST', `the segment file ${path} is missing`, { path })
  }
  return sequences
}

/** A new segment. It gets its name when header and checkpoint are durable, so that a file with a name that is damaged there is damaged. */
export async function createSegment(
  disk: Disk,
  folder: string,
  header: SegmentHeader,
  content: readonly Uint8Array[],
): Promise<Segment> {
  const path = segmentPath(folder, header.sequence)
  const unfinished = `${path}${UNFINISHED}`
  await disk.remove(unfinished)
  const file = await disk.open(unfinished, { create: true })
  await file.append(content)
  await file.datasync()
  await file.close()
  await disk.rename(unfinished, path)
  await disk.syncFolder(folder)
  return { ...header, path, file: await disk.open(path) }
}

/** Opens a segment and reads its header. */
export async function openSegment(disk: Disk, folder: string, sequence: number): Promise<Segment> {
  const path = segmentPath(folder, sequence)
  const file = await disk.open(path)
  try {
    const header = decodeSegmentHeader(await file.read(0, Math.min(file.size, MAX_HEADER)), path)
    if (header.sequence !== sequence)
      throw new RaftLogError('RAFT_LOG_CORRUPT', `${path} says that it is number ${header.sequence}`, { path, offset: 0 })
    if (file.size < header.start)
      throw new RaftLogError('RAFT_LOG_CORRUPT', `${path} ends within its checkpoint`, { path, offset: file.size })
    return { ...header, path, file }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Frames of a segment from an offset on, in order. Returns the offset behind the last good one. */
export async function* scanSegment(segment: Segment, from: number): AsyncGenerator<Frame, number> {
  const read = windowedReader(segment.file)
  const { size } = segment.file
  let at = from
  for (;;) {
    const frame = await readFrame(read, at, size, segment.salt)
    if (frame === undefined) return at
    yield frame
    at += FRAME_HEADER + frame.length
  }
}

/** Reads and checks one frame that was written before. */
export async function reread(segment: Segment, offset: number, length: number): Promise<Frame> {
  const frame = await readFrame((at, bytes) => segment.file.read(at, bytes), offset, segment.file.size, segment.salt)
  if (frame?.length === length) return frame
  throw corrupt(segment, offset, 'does not match its checksum')
}

export function corrupt(segment: Segment, offset: number, why: string): RaftLogError {
  const data = { path: segment.path, offset }
  return new RaftLogError('RAFT_LOG_CORRUPT', `the record at byte ${offset} of ${segment.path} ${why}`, data)
}

/**
 * Looks behind a bad frame for a good one that was written when the bad one was durable already. Such a frame proves that the bad one is
 * damage; without one it is the tail of a crash, which nobody was told of.
 */
export async function wasDurable(segment: Segment, bad: number): Promise<boolean> {
  const read = windowedReader(segment.file)
  const { size } = segment.file
  let at = bad
  while (at + FRAME_HEADER <= size) {
    const window = await read(at, Math.min(READ_WINDOW, size - at))
    const found = Buffer.from(window.buffer, window.byteOffset, window.byteLength).indexOf(FRAME_MAGIC)
    if (found < 0) {
      at += Math.max(1, window.length - FRAME_MAGIC.length + 1)
      continue
    }
    at += found
    const frame = await readFrame(read, at, size, segment.salt)
    if (frame === undefined) {
      at++
      continue
    }
    if (frame.durable > bad) return true
    at += FRAME_HEADER + frame.length
  }
  return false
}

type Read = (offset: number, length: number) => Promise<Uint8Array>

async function readFrame(read: Read, offset: number, size: number, salt: number): Promise<Frame | undefined> {
  if (offset + FRAME_HEADER > size) return undefined
  const header = decodeFrameHeader(await read(offset, FRAME_HEADER), salt)
  if (header === undefined || offset + FRAME_HEADER + header.length > size) return undefined
  const bytes = await read(offset, FRAME_HEADER + header.length)
  return isFrameIntact(bytes) ? { ...header, offset, body: bytes.subarray(FRAME_HEADER) } : undefined
}
