import { type Awaitable, DiskError, type DiskFile } from '@heddle/core/plugin'
import type { DiskUser, SimDisk } from './sim-disk.ts'

/** A file, whatever its name. */
export interface SimInode {
  bytes: Uint8Array
  size: number
  /** Bytes from the beginning that a crash cannot take. */
  durable: number
  /** What was durable before a truncation that is not synced. */
  before: Uint8Array | undefined
  /** Bytes that were durable when something was written behind them that is durable by now: damage to them is no torn end. */
  sealed: number
  /** Appends that are not durable: where each ends, and what was durable when it was made. */
  readonly appends: { readonly end: number; readonly durable: number }[]
  /** Syncs under way: how far each reaches. */
  readonly syncs: Set<{ size: number; readonly truncations: number }>
  truncations: number
  /** A sync failed: what it should have written is lost, and no later sync of this file proves anything. */
  lost: boolean
}

export function newInode(): SimInode {
  return {
    bytes: new Uint8Array(256),
    size: 0,
    durable: 0,
    before: undefined,
    sealed: 0,
    appends: [],
    syncs: new Set(),
    truncations: 0,
    lost: false,
  }
}

/** An open file of a SimDisk. */
export class SimFile implements DiskFile {
  readonly #disk: SimDisk
  readonly #user: DiskUser
  readonly #path: string
  readonly #inode: SimInode
  #open = true
  #broken: DiskError | undefined
  #lastSync = 0
  #syncing: Promise<void> = Promise.resolve()

  constructor(disk: SimDisk, user: DiskUser, path: string, inode: SimInode) {
    this.#disk = disk
    this.#user = user
    this.#path = path
    this.#inode = inode
  }

  get size(): number {
    return this.#inode.size
  }

  append(chunks: readonly Uint8Array[]): Awaitable<number> {
    this.#check()
    const offset = this.#inode.size
    // What a dead process still does reaches nobody.
    if (!this.#user.alive) return offset
    if (this.#disk.full) throw this.#disk.noSpace(this.#path)
    if (this.#disk.strikes('failAppend')) {
      const all = Buffer.concat(chunks)
      this.#write([all.subarray(0, this.#disk.draw.int(0, all.length))])
      this.#broken = new DiskError('DISK_FAILED', `write ${this.#path}: input/output error`, { path: this.#path })
      throw this.#broken
    }
    this.#write(chunks)
    return offset
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#disk.soon(this.#user, this.#disk.accessTime(), () => {
      if (!this.#open) throw this.#closed()
      const { bytes, size } = this.#inode
      if (offset < 0 || length < 0 || offset + length > size) {
        const data = { path: this.#path, offset, length, size }
        throw new DiskError('DISK_SHORT_READ', `${this.#path} has ${size} bytes, wanted ${length} at ${offset}`, data)
      }
      return bytes.slice(offset, offset + length)
    })
  }

  truncate(size: number): Promise<void> {
    return this.#disk.soon(this.#user, this.#disk.accessTime(), () => {
      this.#check()
      const inode = this.#inode
      if (size >= inode.size) return
      if (size < inode.durable) {
        inode.before ??= inode.bytes.slice(0, inode.durable)
        inode.durable = size
      }
      inode.size = size
      inode.sealed = Math.min(inode.sealed, size)
      inode.truncations++
      for (const sync of inode.syncs) sync.size = Math.min(sync.size, size)
      while (inode.appends.length > 0 && inode.appends.at(-1)!.end > size) inode.appends.pop()
    })
  }

  datasync(): Promise<void> {
    const disk = this.#disk
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    if (!this.#open) return Promise.reject(this.#closed())
    const inode = this.#inode
    const { now } = disk.scheduler
    const sync = { size: inode.size, truncations: inode.truncations }
    inode.syncs.add(sync)
    disk.counts.syncs++
    this.#lastSync = Math.max(this.#lastSync, now + disk.syncTime())
    if (inode.size > inode.durable) disk.onDirtySync?.('file')
    this.#syncing = disk.soon(this.#user, this.#lastSync - now, () => {
      inode.syncs.delete(sync)
      if (disk.strikes('failSync')) {
        // As Linux does: the pages count as clean from now on, and a second sync would succeed.
        inode.lost = true
        throw new DiskError('DISK_FAILED', `sync ${this.#path}: input/output error`, { path: this.#path })
      }
      if (!inode.lost) cover(inode, sync)
    })
    return this.#syncing
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#syncing.catch(() => {})
  }

  #write(chunks: readonly Uint8Array[]): void {
    const inode = this.#inode
    let length = 0
    for (const chunk of chunks) length += chunk.length
    const end = inode.size + length
    if (end > inode.bytes.length) {
      const larger = new Uint8Array(Math.max(4096, 2 * end))
      larger.set(inode.bytes.subarray(0, inode.size))
      inode.bytes = larger
    }
    for (const chunk of chunks) {
      inode.bytes.set(chunk, inode.size)
      inode.size += chunk.length
    }
    inode.appends.push({ end: inode.size, durable: inode.durable })
  }

  #check(): void {
    if (this.#broken !== undefined) throw this.#broken
    if (!this.#open) throw this.#closed()
  }

  #closed(): DiskError {
    return new DiskError('DISK_CLOSED', `${this.#path} is closed`, { path: this.#path })
  }
}

/** What a sync reached is durable. */
function cover(inode: SimInode, sync: { readonly size: number; readonly truncations: number }): void {
  if (sync.size > inode.durable) inode.durable = sync.size
  if (sync.truncations === inode.truncations) inode.before = undefined
  let covered = 0
  while (covered < inode.appends.length && inode.appends[covered]!.end <= inode.durable)
    inode.sealed = Math.max(inode.sealed, inode.appends[covered++]!.durable)
  inode.appends.splice(0, covered)
}
