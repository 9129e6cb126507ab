import { RaftInvariantError } from './errors.ts'
import { isVoter, NO_MEMBERS } from './membership.ts'
import type { Entry, MemberId, Membership, Snapshot } from './types.ts'

/** What an entry counts in windows and limits beside its payload, so that tiny payloads do not make huge messages. */
export const ENTRY_OVERHEAD = 32

export const entryBytes = (entry: Entry): number => entry.payload.length + ENTRY_OVERHEAD

/** Where a membership came into force. */
export interface MembershipAt {
  readonly index: number
  readonly membership: Membership
}

const NOTHING: readonly Entry[] = Object.freeze([])

/**
 * The log since the last compaction, in memory, with its cursors:
 *
 *     base < first ... handed ≤ commit ... last      handed: given out to be applied; applied ≤ handed
 *                      stable ... unsaved-1          stable: durable here; from `unsaved` on not even given out to be written
 *
 * The membership in force is that of the last entry that carries one (or the snapshot's), so it follows every append and truncation.
 */
export class RaftLog {
  readonly #owner: MemberId
  #entries: Entry[] = []
  #base: number
  #baseTerm: number
  #memberships: MembershipAt[]
  #commit: number
  #stable: number
  snapshot: Snapshot | undefined
  handed: number
  applied: number
  unsaved: number

  constructor(owner: MemberId, snapshot: Snapshot | undefined, entries: readonly Entry[]) {
    this.#owner = owner
    this.#base = snapshot?.index ?? 0
    this.#baseTerm = snapshot?.term ?? 0
    this.#memberships = [{ index: this.#base, membership: snapshot?.membership ?? NO_MEMBERS }]
    this.snapshot = snapshot !== undefined && snapshot.index > 0 ? snapshot : undefined
    this.#commit = this.#base
    this.handed = this.#base
    this.applied = this.#base
    this.#stable = this.#base
    this.unsaved = this.#base + 1
    for (const entry of entries) this.append(entry)
    this.#stable = this.last
    this.unsaved = this.last + 1
  }

  get first(): number {
    return this.#base + 1
  }

  get last(): number {
    return this.#base + this.#entries.length
  }

  get lastTerm(): number {
    const length = this.#entries.length
    return length === 0 ? this.#baseTerm : this.#entries[length - 1]!.term
  }

  get commit(): number {
    return this.#commit
  }

  get stable(): number {
    return this.#stable
  }

  /** The membership in force, and the index that brought it. */
  get membershipAt(): MembershipAt {
    return this.#memberships[this.#memberships.length - 1]!
  }

  get membership(): Membership {
    return this.membershipAt.membership
  }

  /** Membership as of an index that is not compacted. */
  membershipAsOf(index: number): Membership {
    for (let i = this.#memberships.length - 1; i >= 0; i--) {
      const { index: from, membership } = this.#memberships[i]!
      if (from <= index) return membership
    }
    throw new RaftInvariantError('MEMBERSHIP_LOST', this.#owner, `no membership is known as of ${index}`)
  }

  /**
   * Whether an id votes by the membership in force, or by an earlier one that is not known to have ended yet: the last one committed and
   * those after it.
   */
  mayVote(id: MemberId): boolean {
    for (let i = this.#memberships.length - 1; i >= 0; i--) {
      const { index, membership } = this.#memberships[i]!
      if (isVoter(membership, id)) return true
      if (index <= this.#commit) return false
    }
    return false
  }

  /** Term of the entry at an index, -1 where the log has none: compacted, or not there yet. */
  termAt(index: number): number {
    const at = index - this.#base - 1
    if (at >= 0) return at < this.#entries.length ? this.#entries[at]!.term : -1
    return at === -1 ? this.#baseTerm : -1
  }

  entryAt(index: number): Entry | undefined {
    return this.#entries[index - this.#base - 1]
  }

  /** Whether a log that ends so holds at least what this one holds, as far as an election can tell (5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ours = this.lastTerm
    return lastTerm > ours || (lastTerm === ours && lastIndex >= this.last)
  }

  /** Appends at the end. */
  append(entry: Entry): void {
    if (entry.index !== this.last + 1 || entry.term < this.lastTerm)
      throw new RaftInvariantError(
        'LOG_GAP',
        this.#owner,
        `entry ${entry.index} of term ${entry.term} cannot follow ${this.last} of term ${this.lastTerm}`,
      )
    this.#entries.push(entry)
    if (entry.membership !== undefined) this.#memberships.push({ index: entry.index, membership: entry.membership })
  }

  /**
   * Takes entries of a leader that follow an entry which matches (5.3): skips those that are there, replaces from the first that differs.
   * Returns the index at which it truncated, 0 if it did not.
   */
  merge(entries: readonly Entry[]): number {
    let truncated = 0
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.index <= this.last) {
        if (this.termAt(entry.index) === entry.term) continue
        this.#truncate(entry.index)
        truncated = entry.index
      }
      for (let j = i; j < entries.length; j++) this.append(entries[j]!)
      break
    }
    return truncated
  }

  #truncate(from: number): void {
    if (from <= this.#commit)
      throw new RaftInvariantError('TRUNCATES_COMMITTED', this.#owner, `index ${from} is committed (up to ${this.#commit})`)
    this.#entries.length = from - this.#base - 1
    while (this.#memberships.length > 1 && this.membershipAt.index >= from) this.#memberships.pop()
    if (this.#stable >= from) this.#stable = from - 1
    if (this.unsaved > from) this.unsaved = from
  }

  commitTo(index: number): void {
    if (index <= this.#commit) return
    if (index > this.last)
      throw new RaftInvariantError('COMMIT_BEYOND_LOG', this.#owner, `commit ${index}, but the log ends at ${this.last}`)
    this.#commit = index
  }

  /** Durable up to `index`; the caller knows that no truncation came between. */
  stableTo(index: number): void {
    if (index > this.#stable) this.#stable = index
  }

  /** Entries that were not given out to be written yet; from here on they count as given out. */
  takeUnsaved(): readonly Entry[] {
    if (this.unsaved > this.last) return NOTHING
    const entries = this.#entries.slice(this.unsaved - this.#base - 1)
    this.unsaved = this.last + 1
    return entries
  }

  /** Committed entries that are durable here and were not given out to be applied yet. */
  takeCommitted(): readonly Entry[] {
    const to = Math.min(this.#commit, this.#stable)
    if (to <= this.handed) return NOTHING
    const entries = this.#entries.slice(this.handed - this.#base, to - this.#base)
    this.handed = to
    return entries
  }

  /** Entries from an index on, as many as fit the limit, but at least one if there is one. */
  slice(from: number, maxBytes: number): readonly Entry[] {
    let at = from - this.#base - 1
    const start = at
    const end = this.#entries.length
    if (at < 0 || at >= end) return NOTHING
    let bytes = 0
    while (at < end) {
      bytes += entryBytes(this.#entries[at]!)
      if (bytes > maxBytes && at > start) break
      at++
    }
    return this.#entries.slice(start, at)
  }

  /**
   * Where a log may agree with one that has `term` at `index`: the highest index at or below it whose term here is not above `term`. All
   * between are of later terms and cannot match (5.3, the optimisation by terms).
   */
  lastNotAbove(index: number, term: number): number {
    let at = Math.min(index, this.last)
    while (at > this.#base && this.termAt(at) > term) at--
    return at
  }

  /** Forgets entries up to `retain` before the snapshot, which is the last one from now on. */
  compact(snapshot: Snapshot, retain: number): void {
    this.snapshot = snapshot
    const base = Math.max(this.#base, snapshot.index - retain)
    if (base === this.#base) return
    this.#baseTerm = this.termAt(base)
    this.#entries.splice(0, base - this.#base)
    this.#base = base
    while (this.#memberships.length > 1 && this.#memberships[1]!.index <= base) this.#memberships.shift()
  }

  /** Replaces everything by a snapshot (section 7). It is not durable yet: `stable` falls to 0 until it is. */
  reset(snapshot: Snapshot): void {
    this.#entries = []
    this.#base = snapshot.index
    this.#baseTerm = snapshot.term
    this.#memberships = [{ index: snapshot.index, membership: snapshot.membership }]
    this.snapshot = snapshot
    this.#commit = snapshot.index
    this.handed = snapshot.index
    this.applied = snapshot.index
    this.#stable = 0
    this.unsaved = snapshot.index + 1
  }
}
