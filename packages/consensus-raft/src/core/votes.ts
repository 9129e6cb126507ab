import type { MemberId } from './types.ts'

/** What a voter knows when a candidate asks. */
export interface Ballot {
  readonly term: number
  readonly vote: MemberId
  readonly leader: MemberId
}

/**
 * Whether a voter may grant (5.2, 9.6): it repeats a vote it gave; it gave none in this term and knows no leader of it; or it is asked for
 * a pre-vote in a later term, which binds it to nothing.
 */
export const mayVote = (ballot: Ballot, candidate: MemberId, term: number, preVote: boolean): boolean => {
  if (preVote && term > ballot.term) return true
  if (term !== ballot.term) return false
  return ballot.vote === candidate || (ballot.vote === 0 && ballot.leader === 0)
}

/**
 * Whether a voter must not even look at a candidate of a later term: it hears from a leader (6, 9.6, check-quorum). Except when the
 * leader itself wants to hand over (3.10).
 */
export const isLeased = (
  checkQuorum: boolean,
  leader: MemberId,
  sinceContact: number,
  electionTimeout: number,
  handover: boolean,
): boolean => checkQuorum && !handover && leader !== 0 && sinceContact < electionTimeout

/** An election timeout from [timeout, 2 × timeout) (5.2), of a random number from [0, 1). */
export const drawTimeout = (timeout: number, random: number): number =>
  timeout + Math.min(Math.max(random, 0), 0.999999) * timeout
