import type { Signer } from '@heddle/core/plugin'
import { GossipError } from '../errors.ts'
import { LeaderClaim, Signed } from '../wire/messages.ts'

const DOMAIN = 'heddle/gossip/leader/1'
const PREFIX = Buffer.from(`${DOMAIN}\n`)
/** Milliseconds that clocks of peers may differ: what is older than that is a claim of long ago. */
const MAX_SKEW = 60_000

/** A claim as it travels, signed with the MSP key of the peer that makes it: who that is the identity tells. */
export interface ClaimStatement {
  /** SerializedIdentity. */
  readonly identity: Uint8Array
  /** Name of the node, for people. */
  readonly node: string
  readonly madeAt: number
  readonly resigns: boolean
}

export async function makeClaim(
  signer: Signer,
  channel: string,
  about: { readonly node: string; readonly madeAt: number; readonly resigns: boolean },
): Promise<Signed> {
  const statement = LeaderClaim.encode({ domain: DOMAIN, channel, identity: signer.identity, ...about })
  return { statement, signature: await signer.sign(signedBytes(statement)) }
}

/**
 * Whether the signature is good, and whether the identity belongs to the organisation, is for the caller to check.
 *
 * @throws GossipError GOSSIP_BAD_MESSAGE
 */
export function readClaim(signed: Signed, channel: string, now: number): ClaimStatement {
  let read: LeaderClaim
  try {
    read = LeaderClaim.decode(signed.statement)
  } catch (cause) {
    throw new GossipError('GOSSIP_BAD_MESSAGE', 'a claim cannot be read', {}, { cause })
  }
  const { domain, identity, node, madeAt, resigns } = read
  if (
    domain !== DOMAIN ||
    read.channel !== channel ||
    node.length > 256 ||
    identity.length > 16 * 1024 ||
    typeof madeAt !== 'number'
  )
    throw new GossipError('GOSSIP_BAD_MESSAGE', 'a claim of another purpose', { domain })
  if (read.channel !== channel) throw new GossipError('GOSSIP_REFUSED', 'a claim of another channel')
  if (Math.abs(now - madeAt) > MAX_SKEW)
    throw new GossipError('GOSSIP_REFUSED', 'a claim of long ago, or the clocks of the peers differ', { madeAt, now })
  return { identity, node, madeAt, resigns }
}

/** What the signature of a claim covers. */
export function signedBytes(statement: Uint8Array): Uint8Array {
  return Buffer.concat([PREFIX, statement])
}
