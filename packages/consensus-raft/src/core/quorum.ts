import type { MemberId, Membership } from './types.ts'

/** Votes needed among `size` voters. */
export const majority = (size: number): number => Math.floor(size / 2) + 1

export type Tally = 'won' | 'lost' | 'pending'

const scratch: number[] = []

/** Highest value that a majority of `voters` has reached; Infinity if there are no voters (the absent half of a joint quorum binds nobody). */
const reachedByMajority = (voters: readonly MemberId[], valueFor: (id: MemberId) => number): number => {
  const size = voters.length
  if (size === 0) return Number.POSITIVE_INFINITY
  // Insertion into a scratch list, descending: clusters are small and this runs for every acknowledgement.
  for (let i = 0; i < size; i++) {
    const value = valueFor(voters[i]!)
    let at = i
    while (at > 0 && scratch[at - 1]! < value) {
      scratch[at] = scratch[at - 1]!
      at--
    }
    scratch[at] = value
  }
  return scratch[majority(size) - 1]!
}

/**
 * Highest value (log index, round of confirmation) that a quorum has reached: a majority of the voters and, in a joint configuration, of
 * the outgoing voters too (section 6). 0 if there are no voters at all, since nobody can decide anything then.
 */
export const reachedByQuorum = (membership: Membership, valueFor: (id: MemberId) => number): number => {
  const reached = Math.min(reachedByMajority(membership.voters, valueFor), reachedByMajority(membership.outgoing, valueFor))
  return reached === Number.POSITIVE_INFINITY ? 0 : reached
}

const tallyMajority = (voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): Tally => {
  if (voters.length === 0) return 'won'
  let granted = 0
  let open = 0
  for (const id of voters) {
    const vote = votes.get(id)
    if (vote === undefined) open++
    else if (vote) granted++
  }
  const needed = majority(voters.length)
  if (granted >= needed) return 'won'
  return granted + open >= needed ? 'pending' : 'lost'
}

/** Outcome of an election: both majorities of a joint configuration have to be won, and losing one loses it. */
export const tally = (membership: Membership, votes: ReadonlyMap<MemberId, boolean>): Tally => {
  if (membership.voters.length === 0) return 'lost'
  const incoming = tallyMajority(membership.voters, votes)
  const outgoing = tallyMajority(membership.outgoing, votes)
  if (incoming === 'lost' || outgoing === 'lost') return 'lost'
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending'
}

/** Whether the members for which `active` holds make a quorum. */
export const isQuorum = (membership: Membership, active: (id: MemberId) => boolean): boolean =>
  reachedByQuorum(membership, (id) => (active(id) ? 1 : 0)) === 1
