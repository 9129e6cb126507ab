import { type Disk, DiskError, type DiskFile, type Random } from '@heddle/core/plugin'

/** Unit in which a disk writes or loses data. */
const SECTOR = 512

/** What a crash takes from the disk, and how much it holds. */
export interface FaultyDiskOptions {
  /** Decides what a crash takes. */
  readonly random: Random
  /** Syncs are acknowledged and do nothing: the mutation that a crash test has to notice. */
  readonly ignoreSync?: boolean
  /** Bytes that fit on the disk; then DISK_FULL. */
  readonly capacity?: number
}

/** An operation of a disk that can be made to fail. */
export type FaultyOperation = 'append' | 'datasync' | 'read' | 'truncate' | 'open' | 'syncFolder'

/** Content of a file: what is surely on the disk, and what a process sees. */
interface Inode {
  durable: Uint8Array
  current: Uint8Array
  size: number
}

/** An entry of a folder that was made or removed and whose folder was not synced since. */
interface EntryChange {
  readonly folder: string
  readonly name: string
  readonly inode: Inode | undefined
}

/**
 * A disk in memory that remembers what was synced. `crash` takes what was not: any sectors of it, torn ones included, and creations,
 * renames and removals whose folder was not synced, from the newest back. It fails on demand, and rots where it is told to.
 */
export class FaultyDisk implements Disk {
  readonly #options: FaultyDiskOptions
  #entries = new Map<string, Inode>()
  #durableEntries = new Map<string, Inode>()
  #changes: EntryChange[] = []
  readonly #folders = new Set([''])
  readonly #locks = new Set<string>()
  readonly #failures: { operation: FaultyOperation; path: string | undefined; code: 'DISK_FULL' | 'DISK_FAILED' }[] = []
  /** Files opened before a crash are of no use after it. */
  #generation = 0
  /** Syncs that were asked for, ignored ones included. */
  syncs = 0
  /** While set, syncs wait for it: to crash with syncs under way. */
  syncGate: Promise<void> | undefined

  constructor(options: FaultyDiskOptions) {
    this.#options = options
  }

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile> {
    this.fail('open', path)
    let inode = this.#entries.get(path)
    if (inode === undefined) {
      if (options.create !== true) throw new DiskError('DISK_NOT_FOUND', `no file ${path}`, { path })
      inode = { durable: new Uint8Array(0), current: new Uint8Array(0), size: 0 }
      this.#addFolders(path)
      this.#setEntry(path, inode)
    }
    return new FaultyFile(this, path, inode, this.#generation)
  }

  async exists(path: string): Promise<boolean> {
    return this.#entries.has(path) || this.#folders.has(path)
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const names = new Set<string>()
    for (const path of [...this.#entries.keys(), ...this.#folders]) {
      if (path !== '' && path !== folder && path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/', 1)[0]!)
    }
    return [...names].sort()
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#entries.get(from)
    if (inode === undefined) throw new DiskError('DISK_NOT_FOUND', `no file ${from}`, { path: from })
    this.#addFolders(to)
    this.#setEntry(to, inode)
    this.#setEntry(from, undefined)
  }

  async remove(path: string): Promise<void> {
    for (const name of [...this.#entries.keys()])
      if (name === path || name.startsWith(`${path}/`)) this.#setEntry(name, undefined)
    for (const folder of [...this.#folders]) if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder)
    this.#folders.add('')
  }

  async makeFolder(path: string): Promise<void> {
    this.#addFolders(`${path}/.`)
  }

  async syncFolder(path: string): Promise<void> {
    this.fail('syncFolder', path)
    if (this.#options.ignoreSync === true) return
    this.#changes = this.#changes.filter((change) => {
      if (change.folder !== path) return true
      this.#makeDurable(change)
      return false
    })
  }

  async lock(folder: string): Promise<{ release(): Promise<void> }> {
    if (this.#locks.has(folder)) throw new DiskError('DISK_LOCKED', `${folder} is in use`, { folder })
    this.#locks.add(folder)
    const generation = this.#generation
    return { release: async () => void (generation === this.#generation && this.#locks.delete(folder)) }
  }

  realPath(): undefined {
    return undefined
  }

  /** The next such operation (on this path, when given) fails. */
  failNext(operation: FaultyOperation, code: 'DISK_FULL' | 'DISK_FAILED' = 'DISK_FAILED', path?: string): void {
    this.#failures.push({ operation, path, code })
  }

  /** Flips one bit of a stored byte, as a disk that rots does. */
  flipBit(path: string, offset: number, bit = 0): void {
    const inode = this.#entries.get(path)
    if (inode === undefined || offset >= inode.size) throw new RangeError(`${path} has no byte ${offset}`)
    inode.current[offset]! ^= 1 << bit
    if (offset < inode.durable.length) inode.durable[offset]! ^= 1 << bit
  }

  /** Bytes of a file as a process sees them. */
  bytes(path: string): Uint8Array {
    const inode = this.#entries.get(path)
    if (inode === undefined) throw new RangeError(`no file ${path}`)
    return inode.current.slice(0, inode.size)
  }

  /** Puts a file in place of another, durable at once: to cut and damage at will. */
  replace(path: string, bytes: Uint8Array): void {
    const inode = { durable: bytes.slice(), current: bytes.slice(), size: bytes.length }
    this.#addFolders(path)
    this.#entries.set(path, inode)
    this.#durableEntries.set(path, inode)
  }

  /** Power fails: what was not synced is lost in part or whole, and every open file and lock with it. The disk can be used again. */
  crash(): void {
    const { random } = this.#options
    this.#generation++
    this.#locks.clear()
    this.#failures.length = 0
    // A journal keeps the order of such changes: a first part of them survives.
    const kept = Math.floor(random.float() * (this.#changes.length + 1))
    for (const change of this.#changes.slice(0, kept)) this.#makeDurable(change)
    this.#changes = []
    this.#entries = new Map(this.#durableEntries)
    for (const inode of new Set(this.#entries.values())) {
      inode.current = survivor(inode, random)
      inode.size = inode.current.length
      inode.durable = inode.current.slice()
    }
  }

  /** @internal */
  fail(operation: FaultyOperation, path: string): void {
    const index = this.#failures.findIndex((failure) => failure.operation === operation && (failure.path ?? path) === path)
    if (index < 0) return
    const [failure] = this.#failures.splice(index, 1)
    throw new DiskError(failure!.code, `injected: ${operation} ${path}`, { path, operation })
  }

  /** @internal */
  reserve(bytes: number, path: string): void {
    if (this.#options.capacity === undefined) return
    let used = 0
    for (const inode of this.#entries.values()) used += inode.size
    if (used + bytes > this.#options.capacity) throw new DiskError('DISK_FULL', `no space left for ${path}`, { path })
  }

  /** @internal */
  isStale(generation: number): boolean {
    return generation !== this.#generation
  }

  /** @internal */
  get ignoresSync(): boolean {
    return this.#options.ignoreSync === true
  }

  #setEntry(name: string, inode: Inode | undefined): void {
    if (inode === undefined) this.#entries.delete(name)
    else this.#entries.set(name, inode)
    this.#changes.push({ folder: folderOf(name), name, inode })
  }

  #makeDurable({ name, inode }: EntryChange): void {
    if (inode === undefined) this.#durableEntries.delete(name)
    else this.#durableEntries.set(name, inode)
  }

  #addFolders(path: string): void {
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) this.#folders.add(folder)
  }
}

class FaultyFile implements DiskFile {
  readonly #disk: FaultyDisk
  readonly #path: string
  readonly #inode: Inode
  readonly #generation: number
  #open = true
  #broken: unknown

  constructor(disk: FaultyDisk, path: string, inode: Inode, generation: number) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
    this.#generation = generation
  }

  get size(): number {
    return this.#inode.size
  }

  append(chunks: readonly Uint8Array[]): number {
    this.#check()
    this.#disk.fail('append', this.#path)
    const inode = this.#inode
    const offset = inode.size
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#disk.reserve(length, this.#path)
    if (offset + length > inode.current.length) {
      const larger = new Uint8Array(Math.max(1024, 2 * (offset + length)))
      larger.set(inode.current.subarray(0, offset))
      inode.current = larger
    }
    for (const chunk of chunks) {
      inode.current.set(chunk, inode.size)
      inode.size += chunk.length
    }
    return offset
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#check()
    this.#disk.fail('read', this.#path)
    const { size } = this.#inode
    if (offset < 0 || length < 0 || offset + length > size) {
      throw new DiskError('DISK_SHORT_READ', `${this.#path} has ${size} bytes, wanted ${length} at ${offset}`, {
        path: this.#path,
      })
    }
    return this.#inode.current.slice(offset, offset + length)
  }

  async truncate(size: number): Promise<void> {
    this.#check()
    this.#disk.fail('truncate', this.#path)
    if (size < this.#inode.size) {
      this.#inode.current.fill(0, size, this.#inode.size)
      this.#inode.size = size
    }
  }

  async datasync(): Promise<void> {
    this.#check()
    if (this.#broken !== undefined) throw this.#broken
    const { size } = this.#inode
    this.#disk.syncs++
    if (this.#disk.syncGate !== undefined) await this.#disk.syncGate
    this.#check()
    try {
      this.#disk.fail('datasync', this.#path)
    } catch (error) {
      this.#broken = error
      throw error
    }
    if (!this.#disk.ignoresSync) this.#inode.durable = this.#inode.current.slice(0, Math.min(size, this.#inode.size))
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #check(): void {
    if (this.#disk.isStale(this.#generation)) throw new DiskError('DISK_FAILED', 'the machine crashed', { path: this.#path })
    if (!this.#open) throw new DiskError('DISK_CLOSED', `${this.#path} is closed`, { path: this.#path })
  }
}

/** What a crash leaves of a file: the synced part, and of each later sector all, a part, zeros or nothing. */
function survivor({ durable, current, size }: Inode, random: Random): Uint8Array {
  if (size <= durable.length) {
    // A truncation that was not synced happened or did not.
    return random.float() < 0.5 ? durable.slice() : current.slice(0, size)
  }
  const length = durable.length + Math.floor(random.float() * (size - durable.length + 1))
  const left = new Uint8Array(length)
  left.set(durable)
  for (let at = durable.length; at < length; ) {
    const end = Math.min(length, at - (at % SECTOR) + SECTOR)
    const fate = random.float()
    if (fate < 0.6) left.set(current.subarray(at, end), at)
    else if (fate < 0.8) left.set(current.subarray(at, at + Math.floor(random.float() * (end - at))), at)
    at = end
  }
  return left
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** A disk in memory that loses what was not synced when it is told to crash. */
export function faultyDisk(options: FaultyDiskOptions): FaultyDisk {
  return new FaultyDisk(options)
}
