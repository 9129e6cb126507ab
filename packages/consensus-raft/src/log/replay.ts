import type { Disk, Logger } from '@heddle/core/plugin'
import type { Entry, HardState, Snapshot } from '../core/types.ts'
import { RaftLogError } from '../errors.ts'
import { Kind } from './frame.ts'
import { type ChannelIdentity, type Checkpoint, decodeCarried, decodeChange, decodeCheckpoint, type LogState } from './record.ts'
import { corrupt, type Frame, listSegments, openSegment, type Segment, scanSegment, wasDurable } from './segment.ts'

/** Where a frame stands; filled in when it is written. */
export interface FramePlace {
  segment: number
  offset: number
  /** Of the body. */
  length: number
}

/** A channel's log as it was read back. */
export class ReplayedChannel implements LogState {
  readonly id: number
  readonly identity: ChannelIdentity
  hardState: HardState | undefined
  snapshot: Snapshot | undefined
  lastIndex: number
  lastTerm: number
  /**
   * Contiguous, up to `lastIndex`. While segments are read the first may be further on than behind the snapshot: what is missing stood in
   * segments that were deleted, so a later snapshot must cover it.
   */
  entries: Entry[] = []
  /** Where each of the entries stands. */
  places: FramePlace[] = []

  constructor(id: number, { identity, hardState, snapshot, lastIndex, lastTerm }: Checkpoint) {
    this.id = id
    this.identity = identity
    this.hardState = hardState
    this.snapshot = snapshot
    this.lastIndex = lastIndex
    this.lastTerm = lastTerm
  }

  /** Returns what is wrong with a change, or undefined. */
  change(body: Uint8Array, place: FramePlace): string | undefined {
    const { hardState, snapshot, resets, entries } = decodeChange(body)
    if (snapshot !== undefined) {
      this.snapshot = snapshot
      if (resets) {
        this.entries = []
        this.places = []
        this.lastIndex = snapshot.index
        this.lastTerm = snapshot.term
      } else this.#dropUpTo(snapshot.index)
    }
    const first = entries[0]
    if (first !== undefined) {
      if (first.index > this.lastIndex + 1 || first.index <= (this.snapshot?.index ?? 0))
        return `holds entry ${first.index} behind entry ${this.lastIndex}`
      const keep = Math.max(0, first.index - (this.entries[0]?.index ?? first.index))
      this.entries.length = Math.min(keep, this.entries.length)
      this.places.length = this.entries.length
      for (const entry of entries) {
        this.entries.push(entry)
        this.places.push(place)
      }
      const last = entries.at(-1)!
      this.lastIndex = last.index
      this.lastTerm = last.term
    }
    if (hardState !== undefined) this.hardState = hardState
    return undefined
  }

  /** All live entries were written again. */
  carried(entries: Entry[], places: FramePlace[]): string | undefined {
    const last = entries.at(-1)
    if (last?.index !== this.lastIndex || last.term !== this.lastTerm || entries[0]!.index !== (this.snapshot?.index ?? 0) + 1)
      return `repeats entries other than those before it`
    this.entries = entries
    this.places = places
    return undefined
  }

  sameAs(other: Checkpoint): boolean {
    return (
      this.lastIndex === other.lastIndex &&
      this.lastTerm === other.lastTerm &&
      this.snapshot?.index === other.snapshot?.index &&
      this.snapshot?.term === other.snapshot?.term &&
      this.hardState?.term === other.hardState?.term &&
      this.hardState?.vote === other.hardState?.vote &&
      this.hardState?.commit === other.hardState?.commit &&
      this.identity.incarnation === other.identity.incarnation
    )
  }

  /** Whether every entry behind the snapshot is there. */
  isWhole(): boolean {
    const base = this.snapshot?.index ?? 0
    return this.entries.length === 0 ? this.lastIndex <= base : this.entries[0]!.index <= base + 1
  }

  #dropUpTo(index: number): void {
    const first = this.entries[0]?.index
    if (first === undefined || first > index) return
    this.entries.splice(0, index - first + 1)
    this.places.splice(0, index - first + 1)
  }
}

/** A segment that takes no more records. */
export interface ClosedSegment {
  readonly sequence: number
  readonly size: number
  /** Where its checkpoint ends. */
  readonly start: number
}

export interface Replayed {
  readonly channels: ReadonlyMap<number, ReplayedChannel>
  /** Oldest first. */
  readonly older: readonly ClosedSegment[]
  /** The open one that takes the next records; undefined in an empty folder. */
  readonly last: Segment | undefined
}

class Replay {
  readonly channels = new Map<number, ReplayedChannel>()
  readonly #segment = { current: undefined as Segment | undefined, seen: new Set<number>() }
  #carrying: { channel: number; entries: Entry[]; places: FramePlace[] } | undefined

  begin(segment: Segment): void {
    this.#segment.current = segment
    this.#segment.seen.clear()
    this.#carrying = undefined
  }

  /** The checkpoint has been read: no channel may be missing in it. */
  checked(): void {
    const segment = this.#segment.current!
    for (const [id, { identity }] of this.channels)
      if (!this.#segment.seen.has(id)) throw corrupt(segment, segment.start, `leaves out channel ${identity.channel}`)
  }

  take(frame: Frame): void {
    const segment = this.#segment.current!
    let wrong: string | undefined
    try {
      wrong = this.#apply(frame, segment)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      wrong = `cannot be read: ${error.message}`
    }
    if (wrong !== undefined) throw corrupt(segment, frame.offset, wrong)
  }

  #apply({ kind, channel, body, offset, length }: Frame, segment: Segment): string | undefined {
    const place: FramePlace = { segment: segment.sequence, offset, length }
    if (kind === Kind.mark) return undefined
    if (kind === Kind.carried) return this.#carried(channel, body, place)
    this.#carrying = undefined
    const known = this.channels.get(channel)
    if (kind === Kind.checkpoint) {
      const checkpoint = decodeCheckpoint(body)
      this.#segment.seen.add(channel)
      if (known === undefined) this.channels.set(channel, new ReplayedChannel(channel, checkpoint))
      else if (!known.sameAs(checkpoint)) return `does not follow from the segment before`
      return undefined
    }
    if (known === undefined) return `is of channel number ${channel}, which the log does not know`
    if (kind === Kind.change) return known.change(body, place)
    if (kind !== Kind.removed) return `is of unknown kind ${kind}`
    this.channels.delete(channel)
    return undefined
  }

  #carried(channel: number, body: Uint8Array, place: FramePlace): string | undefined {
    const { isFirst, isLast, entries } = decodeCarried(body)
    if (isFirst) this.#carrying = { channel, entries: [], places: [] }
    const carrying = this.#carrying
    if (carrying?.channel !== channel) return 'continues what was not begun'
    for (const entry of entries) {
      carrying.entries.push(entry)
      carrying.places.push(place)
    }
    if (!isLast) return undefined
    this.#carrying = undefined
    const known = this.channels.get(channel)
    if (known === undefined) return `is of channel number ${channel}, which the log does not know`
    return known.carried(carrying.entries, carrying.places)
  }
}

/**
 * Reads all segments. A bad end of the last one, which a crash left and nobody was told of, is cut off; anything else that is bad throws
 * RaftLogError. What it gives is durable.
 */
export async function replay(disk: Disk, folder: string, owner: string, logger: Logger): Promise<Replayed> {
  const state = new Replay()
  const older: ClosedSegment[] = []
  const sequences = await listSegments(disk, folder)
  for (const [i, sequence] of sequences.entries()) {
    const segment = await openSegment(disk, folder, sequence)
    try {
      check(segment, owner, older.at(-1)?.size)
      const end = await read(segment, state)
      const isLast = i === sequences.length - 1
      if (end < segment.file.size) {
        if (end < segment.start || !isLast || (await wasDurable(segment, end))) throw corrupt(segment, end, 'is damaged')
        logger.warn({ file: segment.path, from: end, size: segment.file.size }, 'cut off records that a crash left unfinished')
        await segment.file.truncate(end)
      }
      if (!isLast) {
        older.push({ sequence, size: segment.file.size, start: segment.start })
        await segment.file.close()
        continue
      }
      // A killed process may have left what the system has in memory only, and a cut must not come undone under new records.
      await segment.file.datasync()
      // So may it be with the segment's name, and what is appended from now on must not vanish with it.
      await disk.syncFolder(folder)
      whole(state.channels, folder)
      return { channels: state.channels, older, last: segment }
    } catch (error) {
      await segment.file.close()
      throw error
    }
  }
  return { channels: state.channels, older, last: undefined }
}

function check(segment: Segment, owner: string, sizeBefore: number | undefined): void {
  const { path } = segment
  if (segment.owner !== owner) {
    const message = `${path} is of the log of ${segment.owner}, and this is ${owner}`
    throw new RaftLogError('RAFT_LOG_FOREIGN', message, { path, owner: segment.owner, expected: owner })
  }
  if (sizeBefore !== undefined && sizeBefore !== segment.previousSize) {
    const message = `the segment before ${path} has ${sizeBefore} bytes, and had ${segment.previousSize}`
    throw new RaftLogError('RAFT_LOG_LOST', message, { path, size: sizeBefore, expected: segment.previousSize })
  }
}

async function read(segment: Segment, state: Replay): Promise<number> {
  state.begin(segment)
  let inCheckpoint = true
  const frames = scanSegment(segment, segment.headerBytes)
  for (;;) {
    const { value, done } = await frames.next()
    const at = done === true ? value : value.offset
    if (inCheckpoint && at >= segment.start) {
      state.checked()
      inCheckpoint = false
    }
    if (done === true) return value
    state.take(value)
  }
}

function whole(channels: ReadonlyMap<number, ReplayedChannel>, folder: string): void {
  for (const channel of channels.values()) {
    if (channel.isWhole()) continue
    const { channel: name } = channel.identity
    const data = { folder, channel: name, snapshot: channel.snapshot?.index ?? 0, first: channel.entries[0]?.index ?? null }
    throw new RaftLogError(
      'RAFT_LOG_LOST',
      `${folder} lacks the first entries of channel ${name}: segment files are missing`,
      data,
    )
  }
}
