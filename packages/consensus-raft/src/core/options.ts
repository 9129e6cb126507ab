import { RaftOptionsError } from './errors.ts'
import type { RaftOptions } from './types.ts'

/** Options with every default filled in. */
export type ResolvedOptions = Required<RaftOptions>

const MEBIBYTE = 1024 * 1024

/** Reasons stand beside each option in `types.ts`. */
const DEFAULTS = {
  electionTimeout: 600,
  heartbeat: 100,
  maxInflight: 256,
  maxInflightBytes: 64 * MEBIBYTE,
  maxMessageBytes: MEBIBYTE,
  maxUncommittedBytes: 64 * MEBIBYTE,
  preVote: true,
  checkQuorum: true,
} as const

/** Reads that may wait for confirmation on one leader. */
export const MAX_PENDING_READS = 10_000

/** Checks and completes options. @throws RaftOptionsError */
export const resolveOptions = (options: RaftOptions): ResolvedOptions => {
  const all = { ...DEFAULTS, ...options }
  for (const name of ['id', 'incarnation', 'maxInflight', 'maxInflightBytes', 'maxMessageBytes', 'maxUncommittedBytes'] as const)
    if (!Number.isSafeInteger(all[name]) || all[name] < 1)
      throw new RaftOptionsError(`${name} must be a positive integer, not ${String(all[name])}`)
  for (const name of ['electionTimeout', 'heartbeat'] as const)
    if (!Number.isFinite(all[name]) || all[name] <= 0)
      throw new RaftOptionsError(`${name} must be a positive number of milliseconds, not ${String(all[name])}`)
  for (const name of ['preVote', 'checkQuorum'] as const)
    if (typeof all[name] !== 'boolean') throw new RaftOptionsError(`${name} must be true or false`)
  if (all.heartbeat >= all.electionTimeout)
    throw new RaftOptionsError(`heartbeat (${all.heartbeat}) must be below electionTimeout (${all.electionTimeout})`)
  if (all.maxInflightBytes < all.maxMessageBytes)
    throw new RaftOptionsError(`maxInflightBytes (${all.maxInflightBytes}) is below maxMessageBytes (${all.maxMessageBytes})`)
  return Object.freeze(all)
}
