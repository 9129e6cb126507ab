/**
 * Membership changes: joint consensus (section 6), in force from the moment of appending.
 *
 * Why joint consensus and not one member at a time: one config block may replace a consenter (one out, one in) and must be one entry; two
 * steps would leave a state between them that a new leader has to guess about. With joint consensus any change is one entry that carries
 * block and membership, and the entry that ends the joint configuration is made by the core alone, has no payload, and follows from the
 * log: whoever leads, and sees a committed joint configuration, appends it. Every change of voters goes through it, that of a single one too,
 * so that there is one argument for safety instead of two.
 *
 * Why in force when appended, not when applied: the membership is then a function of the log (the last entry that carries one, else the
 * snapshot's). It needs no storage, is right after a restart, and goes back by itself when an uncommitted change is truncated.
 *
 * Safety: of two configurations that follow each other in a log, each quorum of one meets each quorum of the other, since a joint
 * configuration needs both majorities. A change is refused while the one before is uncommitted or joint, and until the leader has
 * committed an entry of its own term: without that, two leaders could each build on a different uncommitted change, whose quorums need
 * not meet (the error found in the dissertation's single-server algorithm in 2015).
 *
 * The way back of a node that lost its disk is a membership change, too: the old id is replaced by one that was never used. The log of
 * the new id begins empty, so nothing that it could have promised is forgotten; the old id never speaks again, so nothing that it
 * promised is broken; and both majorities of the joint configuration count the old id as one that fails to answer. There is no special
 * recovery protocol whose safety would have to be shown. (Letting the old id return once a quorum of the others has told it their terms
 * and last indexes is *not* safe with five nodes or more: its vote may still be under way to a candidate that was not among those asked.)
 */

import type { MemberId, Membership, MembershipTarget } from './types.ts'

export const NO_MEMBERS: Membership = Object.freeze({
  voters: Object.freeze([]),
  outgoing: Object.freeze([]),
  learners: Object.freeze([]),
})

const isId = (id: unknown): boolean => Number.isSafeInteger(id) && (id as number) > 0

/** Whether a list ascends strictly and holds ids only. */
const isIdList = (list: unknown): list is readonly MemberId[] =>
  Array.isArray(list) && list.every((id, i) => isId(id) && (i === 0 || list[i - 1] < id))

/** Whether something received is a membership in its canonical form: sorted, no id twice, no learner among the voters. */
export const isMembership = (value: unknown): value is Membership => {
  if (typeof value !== 'object' || value === null) return false
  const { voters, outgoing, learners } = value as Membership
  if (!isIdList(voters) || !isIdList(outgoing) || !isIdList(learners)) return false
  return voters.length > 0 && !learners.some((id) => voters.includes(id))
}

const sorted = (ids: readonly MemberId[]): readonly MemberId[] => Object.freeze([...ids].sort((a, b) => a - b))

const sameIds = (a: readonly MemberId[], b: readonly MemberId[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])

export const sameMembership = (a: Membership, b: Membership): boolean =>
  sameIds(a.voters, b.voters) && sameIds(a.outgoing, b.outgoing) && sameIds(a.learners, b.learners)

export const isJoint = (membership: Membership): boolean => membership.outgoing.length > 0

export const isVoter = (membership: Membership, id: MemberId): boolean =>
  membership.voters.includes(id) || membership.outgoing.includes(id)

export const isMember = (membership: Membership, id: MemberId): boolean =>
  isVoter(membership, id) || membership.learners.includes(id)

/** Every id in the membership, once, ascending. */
export const allMembers = (membership: Membership): readonly MemberId[] =>
  sorted([...new Set([...membership.voters, ...membership.outgoing, ...membership.learners])])

/** A membership that is not joint, from lists in any order; undefined if they are no membership. */
export const settledMembership = (target: MembershipTarget): Membership | undefined => {
  const membership: Membership = { voters: sorted(target.voters), outgoing: [], learners: sorted(target.learners) }
  return isMembership(membership) ? Object.freeze(membership) : undefined
}

/**
 * The membership of the entry that begins a change, undefined if the target is none: joint where voters change, else (learners only) the
 * target at once, since learners are in no quorum.
 */
export const beginChange = (current: Membership, target: MembershipTarget): Membership | undefined => {
  const settled = settledMembership(target)
  if (settled === undefined || isJoint(current)) return undefined
  if (sameIds(current.voters, settled.voters)) return settled
  return Object.freeze({ voters: settled.voters, outgoing: current.voters, learners: settled.learners })
}

/** The membership of the entry that ends a joint one. */
export const endChange = (current: Membership): Membership =>
  Object.freeze({ voters: current.voters, outgoing: NO_MEMBERS.outgoing, learners: current.learners })
