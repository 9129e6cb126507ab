import type { MemberId } from './types.ts'

/** An option, or the state read back from disk, that the core cannot work with. The node must not start. */
export class RaftOptionsError extends Error {
  override readonly name: string = 'RaftOptionsError'
}

/** What was broken. */
export type Invariant =
  | 'TRUNCATES_COMMITTED'
  | 'COMMIT_BEYOND_LOG'
  | 'SECOND_LEADER_IN_TERM'
  | 'LOG_GAP'
  | 'TERM_WENT_BACK'
  | 'UNKNOWN_SEQUENCE'
  | 'MEMBERSHIP_LOST'

/**
 * A rule on which safety rests was broken: by a bug, by damaged storage, or by a driver that did not keep its side of {@link Effects}. The
 * node must end at once and write nothing more; its data is evidence.
 */
export class RaftInvariantError extends Error {
  override readonly name: string = 'RaftInvariantError'
  readonly invariant: Invariant
  readonly member: MemberId

  constructor(invariant: Invariant, member: MemberId, message: string) {
    super(`${invariant}: ${message}`)
    this.invariant = invariant
    this.member = member
  }
}
