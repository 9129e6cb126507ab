import { OrderError, type OrderingConfig } from '@heddle/core/plugin'
import type { Membership, MembershipTarget } from '../core/types.ts'
import type { ConsenterIds } from '../ordering/entry-payload.ts'
import { type ConsenterSet, certificateKey, metadataOf } from './consenters.ts'

/** What a config update does to the consenters. */
export interface MembershipChange {
  /** Ids from the config block on. */
  readonly ids: ConsenterIds
  readonly added: number
  readonly removed: number
  /** A consenter with a new certificate keeps its id, and its log. */
  readonly rotated: number
}

/**
 * The step from the consenters in force to those of the next configuration: one added, one removed, or one whose certificate changes. One
 * that left and comes back gets a new id.
 *
 * Source of the rules: ComputeMembershipChanges of Hyperledger Fabric (orderer/consensus/etcdraft/membership.go).
 *
 * @throws OrderError ORDER_CONFIG_REFUSED for more than one
 */
export function membershipChange(current: ConsenterSet, next: OrderingConfig): MembershipChange {
  const wanted = metadataOf(next).consenters.map(({ clientTlsCert }) => certificateKey(clientTlsCert))
  const known = new Map(current.consenters.map(({ certificate, id }) => [certificate, id]))
  const added = wanted.filter((certificate) => !known.has(certificate))
  const removed = current.consenters.filter(({ certificate }) => !wanted.includes(certificate))
  assertOneChange(added.length, removed.length)
  const isRotation = added.length === 1 && removed.length === 1
  const fresh = isRotation ? removed[0]!.id : current.ids.next
  return {
    ids: {
      ids: wanted.map((certificate) => known.get(certificate) ?? fresh),
      next: current.ids.next + (added.length === 1 && !isRotation ? 1 : 0),
    },
    added: added.length === 1 && !isRotation ? fresh : 0,
    removed: removed.length === 1 && !isRotation ? removed[0]!.id : 0,
    rotated: isRotation ? fresh : 0,
  }
}

/** @throws OrderError ORDER_CONFIG_REFUSED */
export function assertOneChange(added: number, removed: number): void {
  if (added <= 1 && removed <= 1) return
  throw new OrderError(
    'ORDER_CONFIG_REFUSED',
    `one consenter at a time may be added, removed or given a new certificate; the update adds ${added} and removes ${removed}`,
    { reason: 'RAFT_TOO_MANY_CHANGES', added, removed },
  )
}

/**
 * The core's membership that a change leads to: who is new learns first, and votes when it has caught up, so that an empty node is never
 * needed for a quorum.
 */
export function targetOf(membership: Membership, { added, removed }: MembershipChange): MembershipTarget | undefined {
  if (added === 0 && removed === 0) return undefined
  return {
    voters: membership.voters.filter((id) => id !== removed),
    learners: [...membership.learners.filter((id) => id !== removed), ...(added === 0 ? [] : [added])],
  }
}

/**
 * A removal that leaves too few living members would stop the channel for good: Fabric's UnacceptableQuorumLoss. Additions are safe, since
 * who is added learns first; a rotated node is restarted, so it counts as absent.
 *
 * @throws OrderError ORDER_CONFIG_REFUSED
 */
export function assertQuorumStays(membership: Membership, change: MembershipChange, isAlive: (member: number) => boolean): void {
  const gone = change.removed !== 0 ? change.removed : change.rotated
  if (gone === 0) return
  const voters = membership.voters.filter((id) => id !== change.removed)
  if (voters.length === 0) {
    throw new OrderError('ORDER_CONFIG_REFUSED', 'the last consenter that votes cannot be removed', { reason: 'RAFT_NO_QUORUM' })
  }
  // With one or two members a rotation always stops ordering until the node is back: there is no other way to do it.
  if (change.rotated !== 0 && voters.length <= 2) return
  const alive = voters.filter((id) => id !== gone && isAlive(id))
  if (alive.length >= Math.floor(voters.length / 2) + 1) return
  throw new OrderError(
    'ORDER_CONFIG_REFUSED',
    `of the ${voters.length} consenters that would remain, ${alive.length} are active: too few to order anything`,
    { reason: 'RAFT_NO_QUORUM', active: alive, consenter: gone },
  )
}
