import type { ChannelMember, Signer } from '@heddle/core/plugin'
import { GossipError } from '../errors.ts'
import { BindingStatement, Signed } from '../wire/messages.ts'

/** Stands in every statement and before what is signed, so that a signature made here is worth nothing elsewhere, nor the other way round. */
const DOMAIN = 'heddle/gossip/binding/1'
const PREFIX = Buffer.from(`${DOMAIN}\n`)

const MAX_ADDRESSES = 8
const MAX_ADDRESS_LENGTH = 256
const MAX_IDENTITY_BYTES = 16 * 1024

/** Whose libp2p identity a peer is, as its MSP key signed it. */
export interface Binding {
  readonly mspId: string
  /** SerializedIdentity. */
  readonly identity: Uint8Array
  readonly peer: string
  readonly node: string
  readonly addresses: readonly string[]
  /** Milliseconds since 1970. */
  readonly notAfter: number
  /** The signed bytes, to be passed on to others. */
  readonly signed: Signed
}

/** Signs that a libp2p identity is this node's own. */
export async function makeBinding(
  signer: Signer,
  about: { readonly peer: string; readonly node: string; readonly addresses: readonly string[]; readonly notAfter: number },
): Promise<Signed> {
  const statement = BindingStatement.encode({
    domain: DOMAIN,
    mspId: signer.mspId,
    identity: signer.identity,
    ...about,
    addresses: about.addresses.slice(0, MAX_ADDRESSES),
  })
  return { statement, signature: await signer.sign(signedBytes(statement)) }
}

/**
 * Reads a statement; whether its signature and its identity are good is for `proveBinding`.
 *
 * @throws GossipError GOSSIP_BAD_BINDING
 */
export function readBinding(signed: Signed): Binding {
  let statement: BindingStatement
  try {
    statement = BindingStatement.decode(signed.statement)
  } catch (cause) {
    throw new GossipError('GOSSIP_BAD_BINDING', 'the statement cannot be read', {}, { cause })
  }
  const { domain, mspId, identity, peer, node, addresses, notAfter } = statement
  const isBounded =
    identity.length <= MAX_IDENTITY_BYTES &&
    mspId.length <= 256 &&
    node.length <= 256 &&
    peer.length <= 128 &&
    addresses.length <= MAX_ADDRESSES &&
    addresses.every(({ length }) => length <= MAX_ADDRESS_LENGTH)
  if (!isBounded || typeof notAfter !== 'number') throw bad('a field is out of bounds', {})
  if (domain !== DOMAIN) throw bad('it was signed for another purpose', { domain })
  return { mspId, identity, peer, node, addresses, notAfter, signed }
}

/** What a proof is checked with. */
export interface BindingChecks {
  readonly now: number
  /** Milliseconds that a statement may be valid for at most. */
  readonly longest: number
  verify(identity: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** By channel; throws for who is no member. */
  readonly channels: ReadonlyMap<string, { member(identity: Uint8Array): ChannelMember }>
}

/** Who a peer is. */
export interface Proven {
  readonly binding: Binding
  /** Equal for two certificates encoded alike. */
  readonly id: string
  readonly mspId: string
  /** The channels of this node that it is a member of. */
  readonly channels: ReadonlySet<string>
  /** Milliseconds since 1970: when the statement or the certificate expires. */
  readonly expiresAt: number
}

/**
 * Checks a statement: made for this peer, in force, signed by the identity that it names, which is a member of a channel of this node.
 *
 * @param peer the identity that the connection proved; undefined for a statement that somebody passed on
 * @throws GossipError GOSSIP_BAD_BINDING, GOSSIP_NOT_A_MEMBER
 */
export async function proveBinding(binding: Binding, peer: string | undefined, checks: BindingChecks): Promise<Proven> {
  const { now, longest } = checks
  if (peer !== undefined && binding.peer !== peer)
    throw bad('it is about another peer than the one that showed it', { said: binding.peer, peer })
  if (binding.notAfter <= now) throw bad('it has expired', { notAfter: binding.notAfter })
  if (binding.notAfter > now + longest) throw bad('it claims to be valid for too long', { notAfter: binding.notAfter })
  // Membership costs nothing that a stranger could make us pay again: verdicts are kept by certificate.
  const member = membershipOf(binding, checks.channels)
  const { statement, signature } = binding.signed
  if (!(await checks.verify(binding.identity, signedBytes(statement), signature))) throw bad('its signature is wrong', {})
  const expiresAt = Math.min(member.expiresAt, binding.notAfter)
  return { binding, id: member.id, mspId: member.mspId, channels: member.channels, expiresAt }
}

/** @throws GossipError GOSSIP_NOT_A_MEMBER */
export function membershipOf(
  { identity, mspId }: Pick<Binding, 'identity' | 'mspId'>,
  channels: BindingChecks['channels'],
): { readonly id: string; readonly mspId: string; readonly expiresAt: number; readonly channels: ReadonlySet<string> } {
  const memberOf = new Set<string>()
  let id = ''
  let expiresAt = Number.POSITIVE_INFINITY
  const reasons: string[] = []
  for (const [channel, host] of channels) {
    try {
      const member = host.member(identity)
      if (member.mspId !== mspId) throw bad('it names another organisation than its certificate does', { mspId })
      memberOf.add(channel)
      id = member.id
      expiresAt = Math.min(expiresAt, member.expiresAt)
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  if (memberOf.size === 0)
    throw new GossipError('GOSSIP_NOT_A_MEMBER', `a peer that says it is of ${mspId}: ${reasons.join('; ')}`, { mspId })
  return { id, mspId, expiresAt, channels: memberOf }
}

function signedBytes(statement: Uint8Array): Uint8Array {
  return Buffer.concat([PREFIX, statement])
}

function bad(why: string, data: Readonly<Record<string, unknown>>): GossipError {
  return new GossipError('GOSSIP_BAD_BINDING', `the proof of a peer's identity is refused: ${why}`, data)
}
