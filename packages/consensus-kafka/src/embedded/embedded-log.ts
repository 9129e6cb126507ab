import { type Disk, type Environment, LogError, type LogRecord, type Position } from '@heddle/core/plugin'
import { encodeFrame, FILE_HEADER, FRAME_HEADER, positionOf, readPosition } from './frame.ts'
import { createFile, endOf, type LogFile, openFiles, readFrame } from './log-file.ts'

export interface EmbeddedLogLimits {
  /** Bytes after which a new file is begun: what a start has to read is no more than one file. */
  readonly fileBytes: number
  /** Bytes of the newest records that stay in memory for the readers of this process. */
  readonly tailBytes: number
  /** Most bytes of records in one write. */
  readonly frameBytes: number
}

export const defaultLimits: EmbeddedLogLimits = { fileBytes: 64 << 20, tailBytes: 16 << 20, frameBytes: 8 << 20 }

interface Append {
  readonly records: readonly Uint8Array[]
  readonly bytes: number
  readonly resolve: (position: Position) => void
  readonly reject: (error: Error) => void
}

/** A durable frame in memory. */
interface Tail {
  readonly records: readonly LogRecord[]
  readonly next: number
  readonly bytes: number
}

/**
 * The log of one channel in files on one disk, for all orderers of one process. Appends that come while a sync is under way share the
 * next one; readers see only what is durable.
 */
export class EmbeddedLog {
  private readonly disk: Disk
  private readonly folder: string
  private readonly environment: Pick<Environment, 'random' | 'logger'>
  private readonly limits: EmbeddedLogLimits
  private files: LogFile[] = []
  private queue: Append[] = []
  private writing: Promise<void> | undefined
  private failure: LogError | undefined
  private closed = false
  /** Offset up to which all is on stable storage. */
  private durable = 0
  /** By offset, oldest first. */
  private readonly tail = new Map<number, Tail>()
  private tailBytes = 0
  private readonly waiting = new Set<() => void>()

  constructor(
    disk: Disk,
    folder: string,
    environment: Pick<Environment, 'random' | 'logger'>,
    limits: Partial<EmbeddedLogLimits> = {},
  ) {
    this.disk = disk
    this.folder = folder
    this.environment = environment
    this.limits = { ...defaultLimits, ...limits }
  }

  /** @throws LogError LOG_CORRUPT, KafkaError KAFKA_LOG_FORMAT_UNKNOWN, DiskError */
  async open(): Promise<void> {
    const { random, logger } = this.environment
    this.files = await openFiles(this.disk, this.folder, logger)
    if (this.files.length === 0) this.files.push(await createFile(this.disk, this.folder, 0, random))
    this.durable = endOf(this.files.at(-1)!)
  }

  /** Lets the write under way end; refuses what waits. */
  async close(): Promise<void> {
    this.closed = true
    const error = new LogError('LOG_UNAVAILABLE', 'the ordered log was closed')
    for (const { reject } of this.queue.splice(0)) reject(error)
    this.wake()
    await this.writing
    for (const { file } of this.files) await file.close()
  }

  append(records: readonly Uint8Array[]): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) reject(this.failure)
      else if (this.closed) reject(new LogError('LOG_UNAVAILABLE', 'the ordered log was closed'))
      else {
        const bytes = records.reduce((sum, { length }) => sum + length, 0)
        this.queue.push({ records, bytes, resolve, reject })
        this.writing ??= this.write()
      }
    })
  }

  async *read(after: Position, signal: AbortSignal): AsyncGenerator<readonly LogRecord[], void, undefined> {
    let offset = 0
    if (after.length > 0) {
      const { records, next } = await this.following(after)
      if (records.length > 0 && !signal.aborted) yield records
      offset = next
    }
    while (!signal.aborted && !this.closed) {
      if (this.failure !== undefined && offset >= this.durable) throw this.failure
      if (offset >= this.durable) await this.growth(signal)
      else {
        const file = this.fileAt(offset)
        // Where a file begins there is a header, not a frame.
        if (offset === file.base) offset += FILE_HEADER
        if (offset >= this.durable) continue
        const { records, next } = this.tail.get(offset) ?? (await readFrame(file, offset))
        offset = next
        yield records
      }
    }
  }

  async earliest(): Promise<Position | undefined> {
    if (this.durable <= FILE_HEADER) return undefined
    const { records } = this.tail.get(FILE_HEADER) ?? (await readFrame(this.files[0]!, FILE_HEADER))
    return records[0]?.position
  }

  /** What follows a position in its own frame, and where the next frame begins. */
  private async following(after: Position): Promise<{ records: readonly LogRecord[]; next: number }> {
    const { offset, index } = readPosition(after)
    const where = { position: Buffer.from(after).toString('hex'), end: this.durable }
    if (offset >= this.durable) {
      throw new LogError(
        'LOG_TRUNCATED',
        `the ordered log ends at byte ${this.durable}; the last block was made from one that went on to ${offset}`,
        where,
      )
    }
    const { records, next } = this.tail.get(offset) ?? (await readFrame(this.fileAt(offset), offset))
    const record = records[index]
    if (record === undefined || Buffer.compare(record.position, after) !== 0) {
      throw new LogError('LOG_CORRUPT', 'the ordered log is not the one that the last block was made from', where)
    }
    return { records: records.slice(index + 1), next }
  }

  private fileAt(offset: number): LogFile {
    const { files } = this
    let low = 0
    let high = files.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (files[middle]!.base <= offset) low = middle
      else high = middle - 1
    }
    return files[low]!
  }

  private async write(): Promise<void> {
    // At the end of the turn, so that what several orderers append in one turn goes in one write.
    await Promise.resolve()
    while (this.queue.length > 0) {
      const group = this.take()
      try {
        await this.writeFrame(group)
      } catch (cause) {
        this.fail(group, cause)
      }
    }
    // In the turn that found the queue empty: what comes later begins anew.
    this.writing = undefined
  }

  private take(): Append[] {
    let bytes = 0
    let count = 0
    while (count < this.queue.length) {
      bytes += this.queue[count]!.bytes
      if (count > 0 && bytes > this.limits.frameBytes) break
      count++
    }
    return this.queue.splice(0, count)
  }

  private async writeFrame(group: readonly Append[]): Promise<void> {
    let file = this.files.at(-1)!
    if (file.file.size >= this.limits.fileBytes) {
      file = await createFile(this.disk, this.folder, endOf(file), this.environment.random)
      this.files.push(file)
    }
    const records = group.length === 1 ? group[0]!.records : group.flatMap((each) => each.records)
    const offset = endOf(file)
    const { chunks, length, checksums } = encodeFrame(records, { offset, durable: this.durable, salt: file.salt })
    await file.file.append(chunks)
    await file.file.datasync()
    const next = offset + FRAME_HEADER + length
    const written = records.map((data, i) => ({ position: positionOf(offset, i, checksums[i]!), data }))
    this.remember(offset, { records: written, next, bytes: length })
    this.durable = next
    let last = -1
    for (const { records: own, resolve } of group) {
      last += own.length
      resolve(written[last]!.position)
    }
    this.wake()
  }

  private fail(group: readonly Append[], cause: unknown): void {
    const message = `cannot write the ordered log in ${this.folder}: ${(cause as Error).message}`
    // A full disk took nothing; after any other failure nobody knows what is on it, and trying again would be a guess.
    const full = (cause as { code?: unknown }).code === 'DISK_FULL'
    const error = new LogError(full ? 'LOG_UNAVAILABLE' : 'LOG_FAILED', message, {}, { cause })
    for (const { reject } of group) reject(error)
    if (full) return
    this.failure = error
    for (const { reject } of this.queue.splice(0)) reject(error)
    this.wake()
  }

  private remember(offset: number, frame: Tail): void {
    this.tail.set(offset, frame)
    this.tailBytes += frame.bytes
    for (const [oldest, { bytes }] of this.tail) {
      if (this.tailBytes <= this.limits.tailBytes) break
      this.tail.delete(oldest)
      this.tailBytes -= bytes
    }
  }

  private wake(): void {
    for (const each of [...this.waiting]) each()
  }

  private growth(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }
}
