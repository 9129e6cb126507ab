import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  FRAME_HEADER,
  isFrameIntact,
  SEGMENT_HEADER,
} from '../adapters/block-files/frame.ts'
import type { StoredBlock } from './block-file.ts'
import { VerifyError } from './errors.ts'

const BLOCK_FILE = /^(\d+)\.block$/
const SEGMENT_FILE = /^blocks-(\d{6,})$/
/** Folders below the given one in which the block files of a node may stand. */
const MAX_DEPTH = 8
/** Folders looked into before giving up: the user named a folder of something else. */
const MAX_FOLDERS = 10_000

/**
 * The blocks of a ledger in a folder, in order, read only: serialized blocks in files `NNNN.block`, or the block files of a node, there
 * or anywhere below.
 *
 * @throws VerifyError when there is no ledger, or several
 */
export async function openLedgerFolder(folder: string): Promise<AsyncIterable<StoredBlock>> {
  const names = (await list(folder)).map(({ name }) => name)
  if (names.some((name) => BLOCK_FILE.test(name))) return blockFiles(folder, names)
  const found = await findSegments(folder)
  if (found.length === 0) {
    throw new VerifyError('VERIFY_NO_LEDGER', `${folder} holds no files NNNN.block and no block files of a node`, { folder })
  }
  if (found.length > 1) {
    throw new VerifyError('VERIFY_SEVERAL_LEDGERS', `${folder} holds several ledgers; name one of:\n  ${found.join('\n  ')}`, {
      found,
    })
  }
  return segments(found[0]!)
}

async function* blockFiles(folder: string, names: readonly string[]): AsyncIterable<StoredBlock> {
  const files = new Map<number, string>()
  for (const name of names) {
    const digits = BLOCK_FILE.exec(name)?.[1]
    if (digits === undefined) continue
    const number = Number(digits)
    const other = files.get(number)
    if (other !== undefined) {
      yield { number, place: name, bytes: undefined, problem: `two files for it, ${other} and ${name}` }
      return
    }
    files.set(number, name)
  }
  const width = Math.max(...[...files.values()].map((name) => name.length)) - '.block'.length
  const last = Math.max(...files.keys())
  for (let number = 0; number <= last; number++) {
    const name = files.get(number)
    const place = name ?? `${String(number).padStart(width, '0')}.block`
    if (name === undefined) {
      yield { number, place, bytes: undefined, problem: 'no such file' }
      return
    }
    yield { number, place, bytes: await read(join(folder, name)) }
  }
}

async function* segments(folder: string): AsyncIterable<StoredBlock> {
  const names = (await list(folder)).map(({ name }) => name).filter((name) => SEGMENT_FILE.test(name))
  names.sort((a, b) => indexOf(a) - indexOf(b))
  let number = 0
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    if (indexOf(name) !== i) {
      yield { number, place: folder, bytes: undefined, problem: `the block file before ${name} is missing` }
      return
    }
    const file = await read(join(folder, name))
    for (const stored of framesOf(file, name, number)) {
      yield stored
      number = stored.number + 1
      if (stored.bytes === undefined) return
    }
  }
}

/** The blocks in one file; the last one has no bytes when something follows that is no block. */
function* framesOf(file: Uint8Array, name: string, first: number): Iterable<StoredBlock> {
  const bad = (number: number, problem: string): StoredBlock => ({ number, place: name, bytes: undefined, problem })
  let header: ReturnType<typeof decodeSegmentHeader>
  try {
    header = decodeSegmentHeader(file.subarray(0, SEGMENT_HEADER), name)
  } catch (error) {
    yield bad(first, (error as Error).message)
    return
  }
  if (header === undefined || header.first !== first) {
    yield bad(first, header === undefined ? `${name} has no valid header` : `${name} begins with block ${header.first}`)
    return
  }
  let number = first
  for (let at = SEGMENT_HEADER; at < file.length; number++) {
    const frame = decodeFrameHeader(file.subarray(at, at + FRAME_HEADER))
    const end = at + FRAME_HEADER + (frame?.length ?? 0)
    if (
      frame === undefined ||
      end > file.length ||
      frame.number !== number ||
      !isFrameIntact(file.subarray(at, end), header.salt)
    ) {
      yield bad(number, `bytes from ${at} on that are no intact block`)
      return
    }
    yield { number, place: `${name} at byte ${at}`, bytes: file.subarray(at + FRAME_HEADER, end) }
    at = end
  }
}

/** Folders with block files, the given one or below it. */
async function findSegments(folder: string): Promise<string[]> {
  const found: string[] = []
  let level = [folder]
  for (let depth = 0, seen = 0; depth <= MAX_DEPTH && level.length > 0 && seen < MAX_FOLDERS; depth++) {
    const below: string[] = []
    for (const each of level) {
      seen++
      const entries = await list(each)
      if (entries.some((entry) => entry.isFile() && SEGMENT_FILE.test(entry.name))) found.push(each)
      for (const entry of entries) if (entry.isDirectory()) below.push(join(each, entry.name))
    }
    level = below
  }
  return found.sort()
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const message = `the folder ${folder} cannot be read: ${(cause as Error).message}`
    throw new VerifyError('VERIFY_FOLDER_UNREADABLE', message, { folder }, { cause })
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const message = `${basename(path)} cannot be read: ${(cause as Error).message}`
    throw new VerifyError('VERIFY_FOLDER_UNREADABLE', message, { path }, { cause })
  }
}

function indexOf(segmentName: string): number {
  return Number(SEGMENT_FILE.exec(segmentName)?.[1])
}
