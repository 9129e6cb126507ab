import { Inflights } from './inflights.ts'
import type { MemberId, ProgressState } from './types.ts'

/**
 * What a leader knows of one follower, and how it sends to it.
 *
 * - `probe`: the follower's log is unknown; one append at a time, the next one after an answer or a heartbeat's.
 * - `replicate`: the logs agree up to `match`; appends are sent ahead, bounded by the window.
 * - `snapshot`: the follower needs what was compacted; nothing is sent until it has installed a snapshot.
 *
 * Always match < next.
 */
export class Progress {
  readonly id: MemberId
  state: ProgressState = 'probe'
  /** Highest index known to be durable at the follower and equal to ours. */
  match = 0
  /** Index of the next entry to send. */
  next: number
  /** Highest commit index told, or being told. */
  sentCommit = 0
  /** Probe, or full window: nothing more until something is heard. */
  paused = false
  /** An append has to go out even if it is empty. */
  wanted = true
  /** Heard from since the last quorum check. */
  active: boolean
  /** Index of the snapshot under way, and when it was sent; meaningful in state `snapshot`. */
  pendingSnapshot = 0
  snapshotSentAt = 0
  /** Highest round of read confirmation that the follower has answered. */
  readRound = 0
  readonly inflights: Inflights

  constructor(id: MemberId, next: number, active: boolean, maxInflight: number, maxInflightBytes: number) {
    this.id = id
    this.next = next
    this.active = active
    this.inflights = new Inflights(maxInflight, maxInflightBytes)
  }

  becomeProbe(): void {
    // A snapshot that arrived is the new ground; one that did not is found out by the first probe.
    this.next = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1
    this.#enter('probe')
    this.sentCommit = Math.min(this.sentCommit, this.next - 1)
  }

  becomeReplicate(): void {
    this.#enter('replicate')
    this.next = this.match + 1
  }

  becomeSnapshot(index: number, now: number): void {
    this.#enter('snapshot')
    this.wanted = false
    this.pendingSnapshot = index
    this.snapshotSentAt = now
    this.next = index + 1
    this.sentCommit = index
  }

  /** An append with `count` entries up to `next + count - 1` was sent. */
  sent(count: number, bytes: number, commit: number): void {
    this.wanted = false
    this.sentCommit = commit
    if (this.state === 'probe') {
      this.paused = true
    } else if (count > 0) {
      this.next += count
      this.inflights.add(this.next - 1, bytes)
    }
  }

  /** The follower has everything up to `index`. False if that was known, or more. */
  advance(index: number): boolean {
    if (index <= this.match) return false
    this.match = index
    if (this.next <= index) this.next = index + 1
    return true
  }

  /** The follower refused an append anchored at `refused` and would take one at `hint`. False if the answer is an old one. */
  retreat(refused: number, hint: number): boolean {
    if (this.state === 'replicate') {
      // What it has acknowledged it cannot refuse: an answer from before.
      if (refused <= this.match || refused >= this.next) return false
      this.becomeProbe()
    } else {
      // Probes go one at a time, so an answer to another anchor is an old one.
      if (this.state === 'snapshot' || refused !== this.next - 1) return false
      this.next = Math.max(Math.min(refused, hint + 1), this.match + 1)
      this.sentCommit = Math.min(this.sentCommit, this.next - 1)
      this.paused = false
    }
    this.wanted = true
    return true
  }

  #enter(state: ProgressState): void {
    this.state = state
    this.paused = false
    this.wanted = true
    this.pendingSnapshot = 0
    this.inflights.clear()
  }
}
