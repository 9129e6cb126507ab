import type { Disk, DiskFile } from '@heddle/core/plugin'
import { DiskError } from '@heddle/core/plugin'
import type { Draw } from './draw.ts'
import type { Scheduler } from './scheduler.ts'
import { newInode, SimFile, type SimInode } from './sim-file.ts'
import { type SectorFates, survivor } from './survivor.ts'

/** How the disk of a node behaves. Times in milliseconds. */
export interface DiskTraits {
  /** Typical time of a sync; single ones take up to ten times as long. */
  readonly syncTime: number
  /** Time of opening, listing, reading. */
  readonly accessTime: number
  /** What becomes of a sector that was not synced when the power fails: probabilities. What is left over is lost: zeros. */
  readonly fates: SectorFates
  /** Changes of folders that were not synced: an ordered first part survives (a journal), or any of them. */
  readonly journal: boolean
}

/** Whose disk it is: an incarnation of a node. */
export interface DiskUser {
  readonly alive: boolean
  readonly pausedUntil: number
  readonly id: number
}

/** What happened to a disk, for coverage. */
export interface DiskCounts {
  syncs: number
  /** Crashes that met bytes or folder entries that were not synced. */
  dirtyCrashes: number
  /** Files of which a crash left a torn end. */
  tornFiles: number
  /** Creations, renames and removals that a crash undid. */
  lostEntries: number
  failedSyncs: number
  failedWrites: number
  damagedFiles: number
}

interface EntryChange {
  readonly folder: string
  readonly name: string
  readonly inode: SimInode | undefined
}

/**
 * The disk of one node, in memory, across its crashes. What was not synced is lost at a crash in part or whole, by sectors of 512 bytes;
 * a new, renamed or removed file is so only after `syncFolder`. A sync that failed dropped what it should have written: later syncs
 * succeed and do not bring it back. Folders themselves are durable at once, as core's disk makes them.
 */
export class SimDisk {
  readonly counts: DiskCounts = {
    syncs: 0,
    dirtyCrashes: 0,
    tornFiles: 0,
    lostEntries: 0,
    failedSyncs: 0,
    failedWrites: 0,
    damagedFiles: 0,
  }
  /** Syncs take this many times as long. */
  slowness = 1
  /** No space is left: every append fails and writes nothing. */
  full = false
  /** The next sync fails. */
  failSync = false
  /** The next append fails after it wrote a part. */
  failAppend = false
  /** Called when a sync begins with bytes or folder entries under way, and may fail the power. */
  onDirtySync: ((what: 'file' | 'folder') => void) | undefined

  /** Hears of every fault that a user of the disk meets. */
  struck: ((what: string) => void) | undefined

  readonly scheduler: Scheduler
  readonly traits: DiskTraits
  readonly draw: Draw
  readonly #owner: string
  #entries = new Map<string, SimInode>()
  #durableEntries = new Map<string, SimInode>()
  #changes: EntryChange[] = []
  #folders = new Set<string>([''])
  #locks = new Map<string, DiskUser>()

  constructor(scheduler: Scheduler, traits: DiskTraits, draw: Draw, owner: string) {
    this.scheduler = scheduler
    this.traits = traits
    this.draw = draw
    this.#owner = owner
  }

  /** The disk as one incarnation sees it. When that is dead, nothing it asked for happens or comes back. */
  mount(user: DiskUser): Disk {
    const asking = <T>(action: () => T): Promise<T> => this.soon(user, this.accessTime(), action)
    return {
      open: (path, options = {}) =>
        asking((): DiskFile => {
          let inode = this.#entries.get(path)
          if (inode === undefined) {
            if (options.create !== true) throw new DiskError('DISK_NOT_FOUND', `no file ${path}`, { path })
            if (this.full) throw this.noSpace(path)
            inode = newInode()
            this.#addFolders(path)
            this.#setEntry(path, inode)
          }
          return new SimFile(this, user, path, inode)
        }),
      exists: (path) => asking(() => this.#entries.has(path) || this.#folders.has(path)),
      list: (folder) => asking(() => this.list(folder)),
      rename: (from, to) =>
        asking(() => {
          const inode = this.#entries.get(from)
          if (inode === undefined) throw new DiskError('DISK_NOT_FOUND', `no file ${from}`, { path: from })
          this.#addFolders(to)
          this.#setEntry(to, inode)
          this.#setEntry(from, undefined)
        }),
      remove: (path) =>
        asking(() => {
          for (const name of [...this.#entries.keys()])
            if (name === path || name.startsWith(`${path}/`)) this.#setEntry(name, undefined)
          for (const folder of [...this.#folders])
            if (folder !== '' && (folder === path || folder.startsWith(`${path}/`))) this.#folders.delete(folder)
        }),
      makeFolder: (path) => asking(() => this.#addFolders(`${path}/.`)),
      syncFolder: (path) => {
        if (this.#changes.some(({ folder }) => folder === path)) this.onDirtySync?.('folder')
        return this.soon(user, this.syncTime(), () => {
          if (this.strikes('failSync')) throw new DiskError('DISK_FAILED', `sync folder ${path}: input/output error`, { path })
          this.#changes = this.#changes.filter((change) => {
            if (change.folder !== path) return true
            this.#makeDurable(change)
            return false
          })
        })
      },
      lock: (folder) =>
        asking(() => {
          if (this.#locks.get(folder)?.alive === true)
            throw new DiskError('DISK_LOCKED', `the folder "${folder}" is in use`, { folder })
          this.#locks.set(folder, user)
          return { release: async () => void (this.#locks.get(folder) === user && this.#locks.delete(folder)) }
        }),
      realPath: () => undefined,
    }
  }

  list(folder: string): string[] {
    const prefix = folder === '' ? '' : `${folder}/`
    const names = new Set<string>()
    for (const path of [...this.#entries.keys(), ...this.#folders])
      if (path !== '' && path !== folder && path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/', 1)[0]!)
    return [...names].sort()
  }

  /** Bytes were written that a crash may take. */
  get isDirty(): boolean {
    if (this.#changes.length > 0) return true
    for (const inode of this.#entries.values()) if (inode.size !== inode.durable || inode.before !== undefined) return true
    return false
  }

  /** Power fails. Every open file and lock is gone with it. */
  crash(): void {
    if (this.isDirty) this.counts.dirtyCrashes++
    const changes = this.#changes
    this.#changes = []
    const kept = this.traits.journal ? this.draw.int(0, changes.length) : changes.length
    for (let i = 0; i < changes.length; i++) {
      if (i < kept && (this.traits.journal || this.draw.chance(0.5))) this.#makeDurable(changes[i]!)
      else this.counts.lostEntries++
    }
    this.#entries = new Map(this.#durableEntries)
    for (const inode of new Set(this.#entries.values())) this.#reset(inode)
    this.#locks.clear()
    this.slowness = 1
    this.failSync = false
    this.failAppend = false
    this.onDirtySync = undefined
  }

  /** The process is gone, the machine is not: what was written stays where it was, durable or not. */
  kill(): void {
    this.#locks.clear()
    this.failSync = false
    this.failAppend = false
    this.onDirtySync = undefined
    for (const inode of new Set(this.#entries.values())) {
      inode.syncs.clear()
      // What a failed sync dropped is read from the disk again some day.
      if (inode.lost) this.#reset(inode)
    }
  }

  /** A new disk is put in place of the old one. */
  wipe(): void {
    this.#entries = new Map()
    this.#durableEntries = new Map()
    this.#changes = []
    this.#folders = new Set([''])
    this.#locks.clear()
  }

  /** Files by path, with the number of bytes behind which damage cannot be told from the torn end of a crash. */
  files(): { readonly path: string; readonly size: number; readonly sealed: number }[] {
    return [...this.#durableEntries]
      .map(([path, { size, sealed }]) => ({ path, size, sealed: Math.min(sealed, size) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Changes stored bytes behind the back of who wrote them. */
  damage(path: string, offset: number, change: (bytes: Uint8Array) => void, length = 1): void {
    const inode = this.#durableEntries.get(path)
    if (inode === undefined || offset + length > inode.size) throw new RangeError(`${path} has no byte ${offset}`)
    change(inode.bytes.subarray(offset, offset + length))
    this.counts.damagedFiles++
  }

  /** Bytes of a file as a process would read them now. */
  bytes(path: string): Uint8Array | undefined {
    const inode = this.#entries.get(path)
    return inode?.bytes.slice(0, inode.size)
  }

  /** @internal Runs `action` in a while and answers, unless the user is dead by then. */
  soon<T>(user: DiskUser, delay: number, action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.scheduler.after(delay, user, () => {
        try {
          resolve(action())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /** @internal */
  accessTime(): number {
    return this.traits.accessTime * this.slowness * this.draw.between(0.5, 1.5)
  }

  /** @internal */
  syncTime(): number {
    const { syncTime } = this.traits
    const slow = this.draw.chance(0.02) ? 10 : 1
    return syncTime * slow * this.slowness * this.draw.between(0.5, 1.5)
  }

  /** @internal Whether an armed fault strikes now. */
  strikes(fault: 'failSync' | 'failAppend'): boolean {
    if (!this[fault]) return false
    this[fault] = false
    if (fault === 'failSync') this.counts.failedSyncs++
    else this.counts.failedWrites++
    const what = fault === 'failSync' ? 'a sync fails' : 'a write fails'
    this.scheduler.trace.tell(this.#owner, `disk: ${what}`)
    this.struck?.(what)
    return true
  }

  /** @internal */
  noSpace(path: string): DiskError {
    this.struck?.('disk full')
    return new DiskError('DISK_FULL', `no space left for ${path}`, { path })
  }

  /** To what a crash leaves. */
  #reset(inode: SimInode): void {
    const { bytes, torn } = survivor(inode, this.traits.fates, this.draw)
    if (torn) this.counts.tornFiles++
    inode.bytes = bytes
    inode.size = bytes.length
    inode.durable = bytes.length
    inode.before = undefined
    inode.lost = false
    inode.sealed = Math.min(inode.sealed, bytes.length)
    inode.appends.length = 0
    inode.syncs.clear()
  }

  #setEntry(name: string, inode: SimInode | undefined): void {
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

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}
