import type { Environment, Histogram } from '@heddle/core/plugin'
import type { Entry, HardState, Snapshot } from '../core/types.ts'
import { RaftLogError } from '../errors.ts'
import { type CarryPlan, neededFrom, planCarry, readAgain } from './carry.ts'
import { ChannelLog } from './channel-log.ts'
import { encodeSegmentHeader, headerLength, Kind, MAX_BODY, MAX_HEADER, pushFrame } from './frame.ts'
import { type ChannelIdentity, type Checkpoint, encodeCarried, encodeChange, encodeCheckpoint, type LogState } from './record.ts'
import { type ClosedSegment, type FramePlace, type Replayed, replay } from './replay.ts'
import { createSegment, type Segment, segmentPath } from './segment.ts'

export interface RaftLogOptions {
  /** A segment that has reached this many bytes is followed by a new one. Default 16 MiB: what a node reads at a start, at least. */
  readonly segmentBytes?: number
  /** Largest payload of an entry, and largest data of a snapshot. Default 128 MiB: above any block that Fabric's limits allow in practice. */
  readonly maxEntryBytes?: number
}

export interface RaftLogPlace {
  readonly environment: Pick<Environment, 'disk' | 'random' | 'clock' | 'logger' | 'metrics'>
  /** Folder of the node's disk; nothing else is kept in it. */
  readonly folder: string
  /** Whose log this is, at most 200 characters: a folder with the log of another is refused. The name stays when certificates change. */
  readonly owner: string
}

/** A channel's log as a start finds it. */
export interface StoredLog {
  readonly identity: ChannelIdentity
  readonly hardState: HardState | undefined
  readonly snapshot: Snapshot | undefined
  /** Behind the snapshot, contiguous. */
  readonly entries: readonly Entry[]
}

/** Written together, as one record: a crash leaves all of it or nothing. */
export interface LogChange {
  readonly hardState?: HardState | undefined
  /** Replaces the whole log: every entry goes, and `entries` begin behind `snapshot.index`. */
  readonly snapshot?: Snapshot | undefined
  /** Contiguous. What the log holds at the index of the first and beyond is replaced. */
  readonly entries?: readonly Entry[]
}

/** For operators and metrics. */
export interface RaftLogStatus {
  readonly segments: number
  readonly bytes: number
  /** About what the entries that are still needed take. */
  readonly liveBytes: number
  /** Bytes accepted and not yet handed to the disk. */
  readonly pendingBytes: number
  readonly syncs: number
  readonly failed: RaftLogError | undefined
}

interface Pending {
  readonly log: ChannelLog
  readonly kind: number
  readonly body: readonly Uint8Array[]
  readonly place: FramePlace
  /** Of the channel when this is written; undefined when it was removed. */
  readonly after: LogState | undefined
  /** Needs to be durable; otherwise being written is enough. */
  readonly sync: boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const DEFAULTS: Required<RaftLogOptions> = { segmentBytes: 16 << 20, maxEntryBytes: 128 << 20 }
/** Payload bytes of one carried record. */
const CARRY_BYTES = 4 << 20
const MAX_OWNER = 200

/**
 * The write-ahead log of a node: one for all its channels, so that one sync serves them all.
 *
 * Calls are written in their order. What is called while a sync is under way goes out with the next write, and one sync makes all of it
 * durable. A failed write or sync is final. What waits is bounded by whoever calls: a core lets only so many bytes be under way.
 *
 * Growth: a segment is deleted when every entry in it is superseded (each segment begins with the state of all channels, so only entries
 * hold one back). Entries of channels that stand still are written again when the log is more than twice what is needed, so that they
 * hold nothing back for ever.
 */
export class RaftLog {
  readonly #place: RaftLogPlace
  readonly #options: Required<RaftLogOptions>
  readonly #lock: { release(): Promise<void> }
  readonly #byName = new Map<string, ChannelLog>()
  /** As the segments have them: what a new segment begins with. */
  readonly #written = new Map<number, ChannelLog>()
  /** Read back at the start and not asked for yet. */
  readonly #unclaimed = new Map<string, StoredLog>()
  readonly #syncTime: Histogram
  #nextId: number
  #older: ClosedSegment[]
  #segment: Segment
  /** Bytes of the open segment that are on stable storage. */
  #durable: number
  /** What the last mark says of it. */
  #marked: number
  #pending: Pending[] = []
  #pendingBytes = 0
  #running: Promise<void> | undefined
  /** A segment was begun since somebody last looked whether the log is too long. */
  #mayShrink = false
  #syncs = 0
  #failed: RaftLogError | undefined
  #closed = false

  private constructor(
    place: RaftLogPlace,
    options: Required<RaftLogOptions>,
    lock: { release(): Promise<void> },
    { channels, older }: Replayed,
    segment: Segment,
  ) {
    this.#place = place
    this.#options = options
    this.#lock = lock
    this.#older = [...older]
    this.#segment = segment
    this.#durable = segment.file.size
    this.#marked = this.#durable
    this.#nextId = Math.max(0, ...channels.keys()) + 1
    this.#syncTime = place.environment.metrics.histogram('raft_log_sync_seconds', 'Time that a sync of the Raft log takes')
    for (const replayed of channels.values()) {
      const { identity, hardState, snapshot, entries } = replayed
      const log = ChannelLog.restored(replayed)
      this.#byName.set(identity.channel, log)
      this.#written.set(log.id, log)
      this.#unclaimed.set(identity.channel, { identity, hardState, snapshot, entries })
    }
  }

  /**
   * Opens or creates a log; cuts off what a crash left unfinished. Throws RaftLogError when the log is damaged, incomplete, of another
   * owner or of an unknown format, and DiskError, DISK_LOCKED among them, when somebody has it open.
   */
  static async open(place: RaftLogPlace, given: RaftLogOptions = {}): Promise<RaftLog> {
    const options = { ...DEFAULTS, ...given }
    const { folder, owner } = place
    const { disk, logger } = place.environment
    if (owner.length > MAX_OWNER || headerLength(owner) > MAX_HEADER)
      throw new RangeError(`the owner of a log has at most ${MAX_OWNER} characters`)
    await disk.makeFolder(folder)
    const lock = await disk.lock(folder)
    try {
      const found = await replay(disk, folder, owner, logger)
      const segment = found.last ?? (await begin(place, 1, 0, []))
      return new RaftLog(place, options, lock, found, segment)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Names of the channels that have a log here. */
  get channels(): readonly string[] {
    return [...this.#byName.keys()]
  }

  /**
   * What the start found of a channel; undefined when there was nothing. Hands each log out once: it does not keep the entries.
   * Throws RAFT_LOG_FOREIGN when the log is of another channel of that name.
   */
  stored(channel: string, genesis: Uint8Array): StoredLog | undefined {
    const known = this.#byName.get(channel)
    if (known === undefined) return undefined
    if (Buffer.compare(known.identity.genesis, genesis) !== 0) {
      const [stored, expected] = [known.identity.genesis, genesis].map((hash) => Buffer.from(hash).toString('hex'))
      const message = `the Raft log of channel ${channel} is of the channel with genesis ${stored}, not ${expected}`
      throw new RaftLogError('RAFT_LOG_FOREIGN', message, { channel, stored, expected })
    }
    const found = this.#unclaimed.get(channel)
    if (found === undefined) throw new RaftLogError('RAFT_LOG_CLOSED', `the log of ${channel} was handed out before`, { channel })
    this.#unclaimed.delete(channel)
    return found
  }

  /** Begins the log of a channel. Resolves when it is durable. */
  create(identity: ChannelIdentity, state: { readonly snapshot?: Snapshot; readonly hardState?: HardState } = {}): Promise<void> {
    return this.#accept((place) => {
      const { channel } = identity
      if (this.#byName.has(channel)) throw outOfOrder(channel, 'has a log already')
      const log = new ChannelLog(this.#nextId, { ...identity, genesis: identity.genesis.slice() })
      log.append(state.hardState, state.snapshot, [], place)
      const body = encodeCheckpoint({ identity, ...log.state() })
      this.#checkSize(channel, body, [state.snapshot?.data])
      this.#nextId++
      this.#byName.set(channel, log)
      return { log, kind: Kind.checkpoint, body, sync: true, after: log.state() }
    })
  }

  /**
   * Writes a change of a channel. Resolves when it, and all that was called before, is durable; a change of only the commit index, which
   * a node can do without, as soon as it is written.
   *
   * Payloads must not change afterwards. Rejects with RAFT_LOG_TOO_LARGE or RAFT_LOG_OUT_OF_ORDER when nothing was done, with
   * RAFT_LOG_FAILED when the node must end.
   */
  append(channel: string, { hardState, snapshot, entries = [] }: LogChange): Promise<void> {
    return this.#accept((place) => {
      const log = this.#known(channel)
      const before = log.hardState
      const body = encodeChange({ hardState, snapshot, resets: snapshot !== undefined, entries })
      this.#checkSize(channel, body, [snapshot?.data, ...entries.map(({ payload }) => payload)])
      log.append(hardState, snapshot, entries, place)
      const isVote = hardState !== undefined && (hardState.term !== before?.term || hardState.vote !== before.vote)
      const sync = isVote || snapshot !== undefined || entries.length > 0
      return { log, kind: Kind.change, body, sync, after: log.state() }
    })
  }

  /** Puts a snapshot in the place of all entries up to its index; those behind it stay. Segments go when nothing in them is needed. */
  compact(channel: string, snapshot: Snapshot): Promise<void> {
    return this.#accept(() => {
      const log = this.#known(channel)
      const body = encodeChange({ snapshot, resets: false, entries: [] })
      this.#checkSize(channel, body, [snapshot.data])
      log.compact(snapshot)
      return { log, kind: Kind.change, body, sync: true, after: log.state() }
    })
  }

  /** Ends the log of a channel; its name may be used again. */
  remove(channel: string): Promise<void> {
    return this.#accept(() => {
      const log = this.#known(channel)
      this.#byName.delete(channel)
      this.#unclaimed.delete(channel)
      return { log, kind: Kind.removed, body: [], sync: true, after: undefined }
    })
  }

  status(): RaftLogStatus {
    let liveBytes = 0
    for (const log of this.#byName.values()) liveBytes += log.liveBytes
    let bytes = this.#segment.file.size
    for (const { size } of this.#older) bytes += size
    return {
      segments: this.#older.length + 1,
      bytes,
      liveBytes,
      pendingBytes: this.#pendingBytes,
      syncs: this.#syncs,
      failed: this.#failed,
    }
  }

  /** Waits for what was called, then closes the files. Rejects with RAFT_LOG_FAILED when what was not promised yet cannot be synced. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running
    try {
      if (this.#failed === undefined) await this.#segment.file.datasync()
    } catch (error) {
      throw this.#fail(error)
    } finally {
      await this.#segment.file.close()
      await this.#lock.release()
    }
  }

  #known(channel: string): ChannelLog {
    const log = this.#byName.get(channel)
    if (log === undefined) throw outOfOrder(channel, 'has no log')
    return log
  }

  #checkSize(channel: string, body: readonly Uint8Array[], parts: readonly (Uint8Array | undefined)[]): void {
    const { maxEntryBytes } = this.#options
    let total = 0
    for (const chunk of body) total += chunk.length
    for (const part of parts)
      if (part !== undefined && part.length > maxEntryBytes) throw tooLarge(channel, part.length, maxEntryBytes)
    if (total > MAX_BODY) throw tooLarge(channel, total, MAX_BODY)
  }

  /** Runs what checks and prepares a record, and queues the record. */
  #accept(prepare: (place: FramePlace) => Omit<Pending, 'place' | 'resolve' | 'reject'>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) throw this.#failed
      if (this.#closed) throw new RaftLogError('RAFT_LOG_CLOSED', 'the Raft log is closed')
      const place: FramePlace = { segment: 0, offset: 0, length: 0 }
      const record = prepare(place)
      for (const chunk of record.body) place.length += chunk.length
      this.#pending.push({ ...record, place, resolve, reject })
      this.#pendingBytes += place.length
      // Not at once: what else this turn has to write goes along.
      this.#running ??= Promise.resolve().then(() => this.#run())
    })
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0 || this.#mayShrink || this.#durable > this.#marked) {
        if (this.#pending.length > 0 || this.#mayShrink) await this.#turn()
        else await this.#mark()
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = undefined
    }
  }

  async #turn(): Promise<void> {
    if (this.#pending.length > 0 && this.#isFull()) await this.#roll()
    // From here until the bytes are handed over nothing is awaited: what was accepted and what is written are the same then.
    const batch = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    try {
      const chunks: Uint8Array[] = []
      let size = this.#segment.file.size
      for (const record of batch) size = this.#encode(record, chunks, size)
      const current = this.#segment.sequence
      const needed = neededFrom(this.#written.values(), current)
      const plan = this.#isTooLong(needed) ? planCarry(this.#written.values(), needed, current) : undefined
      this.#mayShrink = plan !== undefined
      if (chunks.length > 0) await this.#segment.file.append(chunks)
      if (batch.some(({ sync }) => sync)) await this.#sync()
      for (const { resolve } of batch) resolve()
      if (plan !== undefined) await this.#carry(plan)
      // Durable by now is what took their place.
      await this.#removeBefore(plan?.needed ?? needed)
    } catch (error) {
      const failed = this.#fail(error)
      for (const { reject } of batch) reject(failed)
    }
  }

  #encode(record: Pending, chunks: Uint8Array[], offset: number): number {
    const { log, kind, body, place, after } = record
    place.segment = this.#segment.sequence
    place.offset = offset
    log.written = after
    if (after === undefined) this.#written.delete(log.id)
    else this.#written.set(log.id, log)
    return offset + pushFrame(chunks, body, { kind, channel: log.id, durable: this.#durable, salt: this.#segment.salt })
  }

  async #sync(): Promise<void> {
    const { file } = this.#segment
    const { size } = file
    const { clock } = this.#place.environment
    const started = clock.monotonic()
    await file.datasync()
    this.#syncTime.observe((clock.monotonic() - started) / 1000)
    this.#syncs++
    this.#durable = size
  }

  /**
   * Says on disk what is durable, when there is nothing else to write: damage to the last records is then told from the tail of a crash.
   * Goes to stable storage with the next sync, or when the system sees fit.
   */
  async #mark(): Promise<void> {
    const { file, salt } = this.#segment
    const chunks: Uint8Array[] = []
    pushFrame(chunks, [], { kind: Kind.mark, channel: 0, durable: this.#durable, salt })
    this.#marked = this.#durable
    await file.append(chunks)
  }

  #isFull(): boolean {
    return this.#segment.file.size - this.#segment.start >= this.#options.segmentBytes
  }

  /** A new segment, with the state of all channels at its beginning. The one before is complete and durable first. */
  async #roll(): Promise<void> {
    const { sequence, file, start } = this.#segment
    await this.#sync()
    const { size } = file
    const states = [...this.#written.values()].map((log) => ({ id: log.id, identity: log.identity, ...log.written! }))
    const next = await begin(this.#place, sequence + 1, size, states)
    await file.close()
    this.#older.push({ sequence, size, start })
    this.#segment = next
    this.#durable = next.file.size
    this.#marked = this.#durable
    this.#mayShrink = true
  }

  /** More than twice what is needed, and some segments. */
  #isTooLong(needed: number): boolean {
    if (!this.#mayShrink || needed === this.#segment.sequence) return false
    let held = this.#segment.file.size - this.#segment.start
    for (const { sequence, size, start } of this.#older) if (sequence >= needed) held += size - start
    let live = 0
    for (const { liveBytes } of this.#written.values()) live += liveBytes
    return held > 2 * live + 3 * this.#options.segmentBytes
  }

  async #carry({ carried }: CarryPlan): Promise<void> {
    const { folder, environment } = this.#place
    const segment = this.#segment
    for (const { id, entries } of carried) {
      let done = 0
      for await (const part of readAgain(environment.disk, folder, segment, entries, CARRY_BYTES)) {
        const body = encodeCarried({ isFirst: done === 0, isLast: done + part.length === entries.length, entries: part })
        const place: FramePlace = { segment: segment.sequence, offset: segment.file.size, length: 0 }
        for (const chunk of body) place.length += chunk.length
        const chunks: Uint8Array[] = []
        pushFrame(chunks, body, { kind: Kind.carried, channel: id, durable: this.#durable, salt: segment.salt })
        await segment.file.append(chunks)
        for (const entry of entries.slice(done, done + part.length)) entry.place = place
        done += part.length
      }
    }
    await this.#sync()
  }

  /** Oldest first, each durably gone before the next: what is left has no gaps. */
  async #removeBefore(needed: number): Promise<void> {
    const { folder, environment } = this.#place
    while (this.#older.length > 0 && this.#older[0]!.sequence < needed) {
      await environment.disk.remove(segmentPath(folder, this.#older[0]!.sequence))
      await environment.disk.syncFolder(folder)
      this.#older.shift()
    }
  }

  /** Nothing is written any more: after a failed write or sync nobody knows what is on the disk. */
  #fail(error: unknown): RaftLogError {
    this.#failed ??= new RaftLogError(
      'RAFT_LOG_FAILED',
      `the Raft log could not be written: ${(error as Error).message}`,
      { folder: this.#place.folder },
      { cause: error },
    )
    for (const { reject } of this.#pending) reject(this.#failed)
    this.#pending = []
    this.#pendingBytes = 0
    this.#mayShrink = false
    this.#marked = this.#durable
    return this.#failed
  }
}

/** A new segment of a log. */
async function begin(
  { environment, folder, owner }: RaftLogPlace,
  sequence: number,
  previousSize: number,
  states: readonly (Checkpoint & { readonly id: number })[],
): Promise<Segment> {
  const salt = Buffer.from(environment.random.bytes(4)).readUInt32BE()
  const headerBytes = headerLength(owner)
  const chunks: Uint8Array[] = []
  let start = headerBytes
  for (const state of states)
    start += pushFrame(chunks, encodeCheckpoint(state), { kind: Kind.checkpoint, channel: state.id, durable: 0, salt })
  const header = { headerBytes, sequence, salt, start, previousSize, owner }
  return createSegment(environment.disk, folder, header, [encodeSegmentHeader(header), ...chunks])
}

const outOfOrder = (channel: string, why: string): RaftLogError =>
  new RaftLogError('RAFT_LOG_OUT_OF_ORDER', `channel ${channel} ${why}`, { channel })

const tooLarge = (channel: string, size: number, limit: number): RaftLogError =>
  new RaftLogError('RAFT_LOG_TOO_LARGE', `a record of channel ${channel} has ${size} bytes; the limit is ${limit}`, {
    channel,
    size,
    limit,
  })
