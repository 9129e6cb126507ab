import type { Entry, HardState, Snapshot } from '../core/types.ts'
import { RaftLogError } from '../errors.ts'
import type { ChannelIdentity, LogState } from './record.ts'
import type { FramePlace, ReplayedChannel } from './replay.ts'

/** What the log remembers of an entry: its bytes are on the disk only. */
export interface KnownEntry {
  readonly index: number
  readonly term: number
  /** About what it takes in a segment. */
  readonly bytes: number
  place: FramePlace
}

/** What an entry takes in a segment beside its payload. */
const ENTRY_OVERHEAD = 48

/**
 * A channel as it will be when everything that was accepted is written. Refuses what does not follow: the log would rather stop a node
 * than store a second vote of a term, or a gap.
 */
export class ChannelLog implements LogState {
  readonly id: number
  readonly identity: ChannelIdentity
  hardState: HardState | undefined
  snapshot: Snapshot | undefined
  lastIndex = 0
  lastTerm = 0
  /** Behind the snapshot, contiguous. */
  entries: KnownEntry[] = []
  /** About what the entries take on disk. */
  liveBytes = 0
  /** What the segments hold, see `LogState`: changes with each write, while the fields above are ahead of it. */
  written: LogState | undefined

  constructor(id: number, identity: ChannelIdentity) {
    this.id = id
    this.identity = identity
  }

  static restored(replayed: ReplayedChannel): ChannelLog {
    const log = new ChannelLog(replayed.id, replayed.identity)
    log.hardState = replayed.hardState
    log.snapshot = replayed.snapshot
    log.lastIndex = replayed.lastIndex
    log.lastTerm = replayed.lastTerm
    for (const [i, entry] of replayed.entries.entries()) log.#push(entry, replayed.places[i]!)
    log.written = log.state()
    return log
  }

  state(): LogState {
    const { hardState, snapshot, lastIndex, lastTerm } = this
    return { hardState, snapshot, lastIndex, lastTerm }
  }

  /** Takes a change; throws RAFT_LOG_OUT_OF_ORDER, and then has changed nothing. */
  append(hardState: HardState | undefined, snapshot: Snapshot | undefined, entries: readonly Entry[], place: FramePlace): void {
    this.#checkAppend(hardState, snapshot, entries)
    if (snapshot !== undefined) {
      this.entries = []
      this.liveBytes = 0
      this.snapshot = snapshot
      this.lastIndex = snapshot.index
      this.lastTerm = snapshot.term
    }
    const first = entries[0]
    if (first !== undefined) {
      this.#cut(first.index)
      for (const entry of entries) this.#push(entry, place)
      this.lastIndex = entries.at(-1)!.index
      this.lastTerm = entries.at(-1)!.term
    }
    if (hardState !== undefined) this.hardState = hardState
  }

  /** A snapshot takes the place of the entries up to its index; throws RAFT_LOG_OUT_OF_ORDER. */
  compact(snapshot: Snapshot): void {
    const { index, term } = snapshot
    const base = this.snapshot
    const known = index === (base?.index ?? 0) ? (base?.term ?? 0) : this.entries[index - (base?.index ?? 0) - 1]?.term
    if (known !== term)
      throw this.#outOfOrder(`a snapshot at entry ${index} of term ${term}, where the log has ${known ?? 'nothing'}`)
    const gone = this.entries.splice(0, index - (base?.index ?? 0))
    for (const { bytes } of gone) this.liveBytes -= bytes
    this.snapshot = snapshot
  }

  #checkAppend(hardState: HardState | undefined, snapshot: Snapshot | undefined, entries: readonly Entry[]): void {
    const base = snapshot ?? this.snapshot
    const baseIndex = base?.index ?? 0
    let last = snapshot === undefined ? this.lastIndex : snapshot.index
    if (
      snapshot !== undefined &&
      (snapshot.index < (this.snapshot?.index ?? 0) || snapshot.index < (this.hardState?.commit ?? 0))
    )
      throw this.#outOfOrder(`a snapshot at entry ${snapshot.index}, behind what is committed`)
    const first = entries[0]
    if (first !== undefined) {
      if (first.index > last + 1 || first.index <= baseIndex)
        throw this.#outOfOrder(`entry ${first.index} behind entry ${last} and a snapshot at ${baseIndex}`)
      if (snapshot === undefined && first.index <= Math.min(this.hardState?.commit ?? 0, this.lastIndex))
        throw this.#outOfOrder(`entry ${first.index} in place of a committed one`)
      let term = first.index - 1 === baseIndex ? (base?.term ?? 0) : this.entries[first.index - baseIndex - 2]!.term
      for (const [i, entry] of entries.entries()) {
        if (entry.index !== first.index + i || entry.term < term)
          throw this.#outOfOrder(`entry ${entry.index} of term ${entry.term} behind entry ${first.index + i - 1} of term ${term}`)
        term = entry.term
      }
      last = entries.at(-1)!.index
    }
    if (hardState === undefined) return
    const { term, vote, commit } = hardState
    const before = this.hardState
    if (before !== undefined && (term < before.term || (term === before.term && before.vote !== 0 && vote !== before.vote)))
      throw this.#outOfOrder(`vote ${vote} in term ${term} behind vote ${before.vote} in term ${before.term}`)
    if (commit > last) throw this.#outOfOrder(`${commit} committed, of ${last} entries`)
  }

  #push({ index, term, payload, membership }: Entry, place: FramePlace): void {
    let bytes = payload.length + ENTRY_OVERHEAD
    if (membership !== undefined)
      bytes += 8 * (membership.voters.length + membership.outgoing.length + membership.learners.length)
    this.entries.push({ index, term, bytes, place })
    this.liveBytes += bytes
  }

  #cut(index: number): void {
    const gone = this.entries.splice(index - (this.snapshot?.index ?? 0) - 1)
    for (const { bytes } of gone) this.liveBytes -= bytes
  }

  #outOfOrder(what: string): RaftLogError {
    const { channel } = this.identity
    return new RaftLogError('RAFT_LOG_OUT_OF_ORDER', `channel ${channel}: ${what}`, { channel, lastIndex: this.lastIndex })
  }
}
