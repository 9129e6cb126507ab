import {
  type Disk,
  type DiskFile,
  LogError,
  type Logger,
  type LogRecord,
  type Random,
  READ_WINDOW,
  windowedReader,
} from '@heddle/core/plugin'
import {
  decodeFileHeader,
  decodeFrame,
  decodeFrameHeader,
  encodeFileHeader,
  FILE_HEADER,
  FRAME_HEADER,
  FRAME_MAGIC,
} from './frame.ts'

const NAME = /^log-(\d{15})$/

/** One file of the log: frames from an offset of the whole log on. */
export interface LogFile {
  readonly path: string
  readonly file: DiskFile
  readonly base: number
  readonly salt: number
}

/** Offset behind the last byte of a file. */
export function endOf({ base, file }: LogFile): number {
  return base + file.size
}

/** A new file, its header and its entry in the folder durable. */
export async function createFile(disk: Disk, folder: string, base: number, random: Random): Promise<LogFile> {
  const path = pathOf(folder, base)
  const file = await disk.open(path, { create: true })
  const salt = Buffer.from(random.bytes(4)).readUInt32BE()
  await file.append([encodeFileHeader({ base, salt })])
  await file.datasync()
  await disk.syncFolder(folder)
  return { path, file, base, salt }
}

/**
 * Opens the files of a log, in order, and cuts off what a crash left unfinished at the end of the last one. Reads no more than that one:
 * files before it were synced whole before the next was begun, and are checked as they are read.
 *
 * @throws LogError LOG_CORRUPT when a file is missing, or what was durable is damaged
 */
export async function openFiles(disk: Disk, folder: string, logger: Logger): Promise<LogFile[]> {
  const bases = (await disk.list(folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number)
  const files: LogFile[] = []
  try {
    for (const [i, base] of bases.entries()) {
      const path = pathOf(folder, base)
      const previous = files.at(-1)
      const expected = previous === undefined ? 0 : endOf(previous)
      if (base !== expected) throw corrupt(path, base, `begins at ${base}, not at ${expected} where the file before it ends`)
      const opened = await openFile(disk, path, base)
      if (opened !== undefined) files.push(opened)
      else if (i < bases.length - 1) throw corrupt(path, base, 'has no header')
      else {
        logger.warn({ file: path }, 'removed a file of the ordered log that a crash left without a header')
        await disk.remove(path)
        await disk.syncFolder(folder)
      }
    }
    const last = files.at(-1)
    if (last !== undefined) {
      await repair(last, logger)
      // A process that made it may not have lived to sync the folder: what is appended from now on must not vanish with its name.
      await disk.syncFolder(folder)
    }
    return files
  } catch (error) {
    for (const { file } of files) await file.close()
    throw error
  }
}

/** The records of the frame at an offset, and where the next frame begins. @throws LogError LOG_CORRUPT */
export async function readFrame(
  { path, file, base, salt }: LogFile,
  offset: number,
): Promise<{ readonly records: readonly LogRecord[]; readonly next: number }> {
  const at = offset - base
  const header = at + FRAME_HEADER <= file.size ? decodeFrameHeader(await file.read(at, FRAME_HEADER)) : undefined
  const whole = header !== undefined && header.offset === offset && at + FRAME_HEADER + header.length <= file.size
  const records = whole ? decodeFrame(await file.read(at, FRAME_HEADER + header.length), salt) : undefined
  if (records === undefined) throw corrupt(path, offset, 'holds a damaged frame')
  return { records, next: offset + FRAME_HEADER + header!.length }
}

async function openFile(disk: Disk, path: string, base: number): Promise<LogFile | undefined> {
  const file = await disk.open(path)
  try {
    const header = decodeFileHeader(await file.read(0, Math.min(file.size, FILE_HEADER)), path)
    if (header?.base === base) return { path, file, base, salt: header.salt }
    // Frames are written only after the header is durable.
    if (header !== undefined || file.size > FILE_HEADER) throw corrupt(path, base, 'has a damaged header')
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

async function repair(log: LogFile, logger: Logger): Promise<void> {
  const { path, file, base, salt } = log
  const read = windowedReader(file)
  let at = FILE_HEADER
  for (;;) {
    if (at + FRAME_HEADER > file.size) break
    const header = decodeFrameHeader(await read(at, FRAME_HEADER))
    if (header === undefined || header.offset !== base + at || at + FRAME_HEADER + header.length > file.size) break
    if (decodeFrame(await read(at, FRAME_HEADER + header.length), salt) === undefined) break
    at += FRAME_HEADER + header.length
  }
  if (at < file.size) {
    if (await wasDurable(log, at)) throw corrupt(path, base + at, 'holds a damaged frame that was durable')
    logger.warn({ file: path, offset: at, bytes: file.size - at }, 'cut off the unfinished end of the ordered log')
    await file.truncate(at)
  }
  // What a crash left in the page cache counts from now on.
  await file.datasync()
}

/**
 * Looks behind a bad frame for a good one that was written when the bad one was durable already. Such a frame proves damage; without one
 * it is the tail of a crash, which nobody was told of.
 */
async function wasDurable({ file, base, salt }: LogFile, bad: number): Promise<boolean> {
  const read = windowedReader(file)
  const { size } = file
  let at = bad
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
    if (header !== undefined && header.offset === base + at && at + FRAME_HEADER + header.length <= size) {
      const frame = await read(at, FRAME_HEADER + header.length)
      if (decodeFrame(frame, salt) !== undefined && header.durable > base + bad) return true
    }
    at++
  }
  return false
}

function corrupt(path: string, offset: number, why: string): LogError {
  return new LogError('LOG_CORRUPT', `the ordered log's ${path} ${why} (byte ${offset} of the log)`, { path, offset })
}

function pathOf(folder: string, base: number): string {
  return `${folder}/log-${String(base).padStart(15, '0')}`
}
