import { crc32 } from 'node:zlib'
import { type Disk, type DiskFile, LogError, type LogRecord, type OrderedLog, type Position } from '@heddle/core/plugin'

/** Length and CRC-32 of the record that follows. */
const HEADER = 8

/** Where a record ends in the file: 8 bytes, so that positions sort as bytes. */
function positionAt(offset: number): Position {
  const position = Buffer.alloc(8)
  position.writeBigUInt64BE(BigInt(offset))
  return position
}

const offsetOf = (position: Position): number => (position.length === 0 ? 0 : Number(Buffer.from(position).readBigUInt64BE()))

/** An ordered log in one append-only file on the node's disk. */
export class FileLog implements OrderedLog {
  private readonly disk: Disk
  private readonly path: string
  private file!: DiskFile
  /** Bytes that are on disk for certain: readers go no further. */
  private durable = 0
  private failure: LogError | undefined
  private readonly waiting = new Set<() => void>()

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  /** Opens the file and cuts off what a crash left half written. */
  async start(): Promise<void> {
    this.file = await this.disk.open(this.path, { create: true })
    let end = 0
    for (let record = await this.at(end); record !== undefined; record = await this.at(end)) end += HEADER + record.length
    if (end < this.file.size) await this.file.truncate(end)
    await this.file.datasync()
    await this.disk.syncFolder(this.path.slice(0, this.path.lastIndexOf('/')))
    this.durable = end
  }

  async stop(): Promise<void> {
    await this.file?.close()
  }

  async append(records: readonly Uint8Array[]): Promise<Position> {
    if (this.failure !== undefined) throw this.failure
    try {
      await this.file.append(records.flatMap((data) => [header(data), data]))
      const end = this.file.size
      await this.file.datasync()
      this.durable = end
    } catch (cause) {
      // After a failed sync nobody knows what is on the disk, and a second one would succeed and prove nothing: not until a restart.
      this.failure = new LogError('LOG_FAILED', `cannot append to ${this.path}`, {}, { cause })
      throw this.failure
    }
    for (const wake of this.waiting) wake()
    return positionAt(this.durable)
  }

  async *read(after: Position, signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    for (let offset = offsetOf(after); !signal.aborted; ) {
      const data = offset < this.durable ? await this.at(offset) : undefined
      if (data !== undefined) {
        offset += HEADER + data.length
        yield [{ position: positionAt(offset), data }]
      } else if (offset < this.durable) throw new LogError('LOG_CORRUPT', `${this.path} is damaged at byte ${offset}`)
      else await this.growth(signal)
    }
  }

  async earliest(): Promise<Position | undefined> {
    const first = this.durable > 0 ? await this.at(0) : undefined
    return first && positionAt(HEADER + first.length)
  }

  /** The record that begins at `offset`, if it is there in full and undamaged. */
  private async at(offset: number): Promise<Uint8Array | undefined> {
    if (offset + HEADER > this.file.size) return undefined
    const head = Buffer.from(await this.file.read(offset, HEADER))
    const length = head.readUInt32BE(0)
    // Records are never empty; a file system may leave zeros where a crash cut.
    if (length === 0 || offset + HEADER + length > this.file.size) return undefined
    const data = await this.file.read(offset + HEADER, length)
    return crc32(data) === head.readUInt32BE(4) ? data : undefined
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

function header(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEADER)
  bytes.writeUInt32BE(data.length, 0)
  bytes.writeUInt32BE(crc32(data), 4)
  return bytes
}
