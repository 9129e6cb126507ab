import { RaftCore } from '../raft-core.ts'
import type { Entry, HardState, MemberId, Membership, Persist, RaftOptions, Restored, Snapshot } from '../types.ts'

/** A block of the modelled block store: what an entry with a payload became. */
export interface Block {
  readonly index: number
  readonly term: number
  readonly text: string
}

/** What survives a crash. */
export interface Disk {
  id: MemberId
  incarnation: number
  hardState: HardState | undefined
  snapshot: Snapshot | undefined
  entries: Entry[]
  blocks: Block[]
  founding: 'assured' | 'survey'
}

export const emptyDisk = (id: MemberId, incarnation: number, founders: Membership | undefined): Disk => ({
  id,
  incarnation,
  hardState: undefined,
  snapshot: founders === undefined ? undefined : { index: 0, term: 0, membership: founders, data: new Uint8Array(0) },
  entries: [],
  blocks: [],
  founding: 'assured',
})

export const lastIndexOf = (disk: Disk): number => disk.entries.at(-1)?.index ?? disk.snapshot?.index ?? 0

/** Term of a durable entry, -1 where the disk has none; entries that a snapshot replaced count as there, with any term. */
export const diskHas = (disk: Disk, index: number, term: number): boolean => {
  const base = disk.snapshot?.index ?? 0
  if (index <= base) return true
  return disk.entries[index - base - 1]?.term === term
}

/** Writes a batch, the way a write-ahead log would be read back. `upTo` cuts it short, as a crash does. */
export const writeBatch = (disk: Disk, batch: Persist, upTo: 'all' | 'entries' | 'half' = 'all'): void => {
  if (batch.snapshot !== undefined) {
    disk.snapshot = batch.snapshot
    disk.entries = []
  }
  const entries = upTo === 'half' ? batch.entries.slice(0, Math.ceil(batch.entries.length / 2)) : batch.entries
  if (entries.length > 0) {
    const base = disk.snapshot?.index ?? 0
    disk.entries.length = entries[0]!.index - base - 1
    disk.entries.push(...entries)
  }
  if (batch.hardState !== undefined && upTo === 'all') disk.hardState = batch.hardState
}

/** One machine: a disk, and while it is up a core over it. */
export class Machine {
  readonly number: number
  disk: Disk
  core: RaftCore | undefined
  /** Batches on their way to the disk. */
  writing: Persist[] = []
  /** Counts lives, so that events of an earlier one are ignored. */
  life = 0
  clockOffset = 0
  timerAt = Number.POSITIVE_INFINITY
  diskFreeAt = 0
  applyFreeAt = 0
  /** Highest term that this life has shown. */
  term = 0

  constructor(number: number, disk: Disk) {
    this.number = number
    this.disk = disk
  }

  boot(options: Partial<RaftOptions>, random: () => number, now: number): RaftCore {
    const { disk } = this
    const restored: Restored = {
      ...(disk.hardState === undefined ? {} : { hardState: disk.hardState }),
      ...(disk.snapshot === undefined ? {} : { snapshot: disk.snapshot }),
      entries: [...disk.entries],
      applied: disk.blocks.at(-1)?.index ?? 0,
      founding: disk.founding,
    }
    this.life++
    this.writing = []
    this.timerAt = Number.POSITIVE_INFINITY
    this.term = disk.hardState?.term ?? 0
    this.core = new RaftCore({ ...options, id: disk.id, incarnation: disk.incarnation }, restored, random, now + this.clockOffset)
    return this.core
  }
}
