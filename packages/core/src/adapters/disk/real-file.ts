import { close, fdatasync, fstat, ftruncate, ftruncateSync, open, read, writevSync } from 'node:fs'
import { promisify } from 'node:util'
import type { DiskFile } from '../../ports/disk.ts'
import { DiskError, diskError } from './errors.ts'

const openFile = promisify(open)
const statFile = promisify(fstat)
const truncateFile = promisify(ftruncate)
const closeFile = promisify(close)
const syncFile = promisify(fdatasync)

/** Most buffers that one writev takes (IOV_MAX of Linux and macOS). */
const MAX_CHUNKS = 1024

/**
 * A file of the operating system.
 *
 * Appends go to the page cache at once, on the calling thread: that is a copy of memory, cheaper than a trip through the thread pool.
 * Syncs run in the pool; those that are asked for while one runs share the next.
 */
export class RealFile implements DiskFile {
  readonly #path: string
  readonly #fd: number
  #size: number
  #open = true
  #reads = 0
  /** Set while closing waits for reads under way: their file descriptor must not be given to another file. */
  #lastReadDone: (() => void) | undefined
  /** Set when a write or sync failed in a way that leaves the content unknown. */
  #broken: DiskError | undefined
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined

  private constructor(path: string, fd: number, size: number) {
    this.#path = path
    this.#fd = fd
    this.#size = size
  }

  static async open(path: string, create: boolean): Promise<RealFile> {
    let fd: number
    try {
      fd = await openFile(path, 'r+')
    } catch (error) {
      if (!create || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      fd = await openFile(path, 'wx+')
    }
    return new RealFile(path, fd, (await statFile(fd)).size)
  }

  get size(): number {
    return this.#size
  }

  append(chunks: readonly Uint8Array[]): number {
    this.#check()
    const offset = this.#size
    let end = offset
    try {
      for (let i = 0; i < chunks.length; i += MAX_CHUNKS) end = this.#writeAll(chunks.slice(i, i + MAX_CHUNKS), end)
    } catch (error) {
      this.#undo(offset)
      throw diskError(error, 'write', this.#path)
    }
    this.#size = end
    return offset
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    if (!this.#open) return Promise.reject(this.#closed())
    if (offset < 0 || length < 0 || offset + length > this.#size) return Promise.reject(this.#short(offset, length))
    const buffer = Buffer.allocUnsafeSlow(length)
    this.#reads++
    const reading = new Promise<Uint8Array>((resolve, reject) => {
      const more = (done: number): void => {
        if (done === length) {
          resolve(buffer)
          return
        }
        read(this.#fd, buffer, done, length - done, offset + done, (error, count) => {
          if (error !== null) reject(diskError(error, 'read', this.#path))
          else if (count === 0) reject(this.#short(offset, length))
          else more(done + count)
        })
      }
      more(0)
    })
    return reading.finally(() => {
      if (--this.#reads === 0) this.#lastReadDone?.()
    })
  }

  async truncate(size: number): Promise<void> {
    this.#check()
    if (size >= this.#size) return
    try {
      await truncateFile(this.#fd, size)
    } catch (error) {
      throw diskError(error, 'truncate', this.#path)
    }
    this.#size = size
  }

  datasync(): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    if (!this.#open) return Promise.reject(this.#closed())
    if (this.#running === undefined) return this.#sync()
    // The running sync may have begun before the last append: only the next one surely covers it.
    this.#waiting ??= this.#running.then(
      () => this.#sync(),
      (error: unknown) => Promise.reject(error),
    )
    return this.#waiting
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#waiting?.catch(() => {})
    await this.#running?.catch(() => {})
    if (this.#reads > 0) await new Promise<void>((resolve) => (this.#lastReadDone = resolve))
    await closeFile(this.#fd)
  }

  #sync(): Promise<void> {
    this.#waiting = undefined
    const running = syncFile(this.#fd).then(
      () => {
        if (this.#running === running) this.#running = undefined
      },
      (error: unknown) => {
        // The kernel may have dropped the dirty pages: a second sync would succeed and prove nothing.
        this.#broken = new DiskError(
          'DISK_FAILED',
          `sync ${this.#path}: ${(error as Error).message}`,
          { path: this.#path },
          { cause: error },
        )
        throw this.#broken
      },
    )
    this.#running = running
    return running
  }

  #writeAll(chunks: readonly Uint8Array[], position: number): number {
    let rest = chunks
    let at = position
    while (rest.length > 0) {
      let written = writevSync(this.#fd, rest as Uint8Array[], at)
      at += written
      let i = 0
      while (i < rest.length && written >= rest[i]!.length) written -= rest[i++]!.length
      if (i === rest.length) break
      rest = [rest[i]!.subarray(written), ...rest.slice(i + 1)]
    }
    return at
  }

  /** Takes back a write that failed half way; when that fails too, the file is not used any more. */
  #undo(size: number): void {
    try {
      ftruncateSync(this.#fd, size)
    } catch (error) {
      this.#broken = diskError(error, 'truncate after a failed write', this.#path)
    }
  }

  #check(): void {
    if (this.#broken !== undefined) throw this.#broken
    if (!this.#open) throw this.#closed()
  }

  #closed(): DiskError {
    return new DiskError('DISK_CLOSED', `${this.#path} is closed`, { path: this.#path })
  }

  #short(offset: number, length: number): DiskError {
    const data = { path: this.#path, offset, length, size: this.#size }
    return new DiskError('DISK_SHORT_READ', `${this.#path} has ${this.#size} bytes, wanted ${length} at ${offset}`, data)
  }
}
