import process from 'node:process'
import { type Disk, DiskError, type DiskFile } from '@heddle/core/plugin'

/** Settings of a disk that loses what was not synced. */
export interface WriteBehindOptions {
  /**
   * Syncs are acknowledged and write nothing: the mutation that a crash test has to notice. Default: whether the environment variable
   * HEDDLE_TEST_IGNORE_SYNC is 1.
   */
  readonly ignoreSync?: boolean
}

/**
 * Wraps a disk so that what is appended stays in the memory of the process until `datasync`: killing the process loses exactly what was not
 * synced, as a power failure would. (A killed process alone proves nothing about syncing: the page cache outlives it.)
 * Closing a file writes nothing either.
 */
export function writeBehindDisk(disk: Disk, options: WriteBehindOptions = {}): Disk {
  const ignoreSync = options.ignoreSync ?? process.env.HEDDLE_TEST_IGNORE_SYNC === '1'
  // One view of a file for all who open it: they must see each other's bytes, as they would in the page cache.
  const files = new Map<string, WriteBehindFile>()
  return {
    async open(path, openOptions) {
      const known = files.get(path)
      if (known !== undefined) return known.opened()
      const file = new WriteBehindFile(path, await disk.open(path, openOptions), ignoreSync)
      const other = files.get(path)
      if (other !== undefined) return other.opened()
      files.set(path, file)
      return file.opened()
    },
    exists: (path) => disk.exists(path),
    list: (folder) => disk.list(folder),
    async rename(from, to) {
      await disk.rename(from, to)
      const file = files.get(from)
      files.delete(from)
      if (file !== undefined) files.set(to, file)
    },
    async remove(path) {
      await disk.remove(path)
      for (const name of files.keys()) if (name === path || name.startsWith(`${path}/`)) files.delete(name)
    },
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => disk.syncFolder(path),
    lock: (folder) => disk.lock(folder),
    realPath: (path) => disk.realPath(path),
  }
}

class WriteBehindFile {
  readonly #path: string
  readonly #file: DiskFile
  readonly #ignoreSync: boolean
  /** Appended and not written, in order; the first stands at `#file.size`. */
  #waiting: Uint8Array[] = []
  #size: number
  #syncs: Promise<void> = Promise.resolve()

  constructor(path: string, file: DiskFile, ignoreSync: boolean) {
    this.#path = path
    this.#file = file
    this.#ignoreSync = ignoreSync
    this.#size = file.size
  }

  /** A handle of its own. The file below stays open: its memory stands for the page cache. */
  opened(): DiskFile {
    const file = this
    let open = true
    const check = (): void => {
      if (!open) throw new DiskError('DISK_CLOSED', `${file.#path} is closed`, { path: file.#path })
    }
    return {
      get size() {
        return file.#size
      },
      append(chunks) {
        check()
        return file.#append(chunks)
      },
      async read(offset, length) {
        check()
        return file.#read(offset, length)
      },
      async truncate(size) {
        check()
        await file.#truncate(size)
      },
      async datasync() {
        check()
        await file.#sync()
      },
      async close() {
        open = false
      },
    }
  }

  #append(chunks: readonly Uint8Array[]): number {
    const offset = this.#size
    for (const chunk of chunks) {
      // A copy: the caller may use its buffer again.
      this.#waiting.push(chunk.slice())
      this.#size += chunk.length
    }
    return offset
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.#size) {
      throw new DiskError('DISK_SHORT_READ', `${this.#path} has ${this.#size} bytes, wanted ${length} at ${offset}`, {
        path: this.#path,
      })
    }
    const written = this.#file.size
    if (offset + length <= written) return this.#file.read(offset, length)
    const tail = Buffer.concat(this.#waiting)
    if (offset >= written) return new Uint8Array(tail.subarray(offset - written, offset - written + length))
    const head = await this.#file.read(offset, written - offset)
    return new Uint8Array(Buffer.concat([head, tail.subarray(0, length - head.length)]))
  }

  async #truncate(size: number): Promise<void> {
    if (size >= this.#size) return
    const written = this.#file.size
    const tail = Buffer.concat(this.#waiting)
    this.#waiting = size > written ? [new Uint8Array(tail.subarray(0, size - written))] : []
    this.#size = size
    if (size < written) await this.#file.truncate(size)
  }

  #sync(): Promise<void> {
    if (this.#ignoreSync) return Promise.resolve()
    // One after the other, so that they resolve in call order; a failed one fails those behind it.
    this.#syncs = this.#syncs.then(async () => {
      const waiting = this.#waiting
      // The sync before covered everything.
      if (waiting.length === 0) return
      this.#waiting = []
      await this.#file.append(waiting)
      await this.#file.datasync()
    })
    return this.#syncs
  }
}
