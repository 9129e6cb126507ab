import { HeddleError } from '../../model/errors.ts'
import type { Identity, IdentityProvider, Membership, SignedData } from '../../ports/identity.ts'
import { distinctIdentities, type Policy } from './policy.ts'

/**
 * The identities of a set of signatures whose members are known to the channel and whose signatures verify, in order and without
 * duplicates. Everything else in the set is passed over, as Fabric does.
 */
export async function verifiedIdentities(
  membership: Membership,
  provider: IdentityProvider,
  signed: readonly SignedData[],
): Promise<readonly Identity[]> {
  const known: { readonly identity: Identity; readonly item: SignedData }[] = []
  for (const item of signed) {
    const identity = memberOf(membership, item.identity)
    if (identity !== undefined) known.push({ identity, item })
  }
  const verdicts = await provider.verifyAll(
    known.map(({ identity, item }) => ({ key: identity.publicKey, data: item.data, signature: item.signature })),
  )
  return distinctIdentities(known.filter((_, i) => verdicts[i] === true).map(({ identity }) => identity))
}

function memberOf(membership: Membership, serialized: Uint8Array): Identity | undefined {
  try {
    return membership.identity(serialized)
  } catch (error) {
    if (error instanceof HeddleError) return undefined
    throw error
  }
}

/** Verifies a set of signatures and evaluates a policy over their identities. */
export async function evaluateSigned(
  policy: Policy,
  membership: Membership,
  provider: IdentityProvider,
  signed: readonly SignedData[],
): Promise<boolean> {
  return policy.evaluate(await verifiedIdentities(membership, provider, signed))
}
