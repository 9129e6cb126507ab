import { HeddleError } from '../../model/errors.ts'
import type { Identity, IdentityProvider, Membership, SignedData } from '../../ports/identity.ts'
import type { Policy } from './policy.ts'

/** Signatures of one identity that are looked at, when the first ones are wrong. Fabric looks at all; only an attack has more. */
const MAX_TRIES = 8

interface Signer {
  readonly identity: Identity
  /** Its signatures, and where they stand in the set. */
  readonly tries: { readonly item: SignedData; readonly at: number }[]
}

/**
 * The identities of a set of signatures whose members are known to the channel and whose signatures verify, in order and without
 * duplicates. Everything else in the set is passed over, as Fabric does. An identity's further signatures cost nothing once one is
 * good, so that nobody can have the same one verified thousands of times.
 */
export async function verifiedIdentities(
  membership: Membership,
  provider: IdentityProvider,
  signed: readonly SignedData[],
): Promise<readonly Identity[]> {
  const signers = new Map<string, Signer>()
  for (const [at, item] of signed.entries()) {
    const identity = memberOf(membership, item.identity)
    if (identity === undefined) continue
    const key = `${identity.mspId}\0${identity.id}`
    const signer = signers.get(key)
    if (signer === undefined) signers.set(key, { identity, tries: [{ item, at }] })
    else if (signer.tries.length < MAX_TRIES) signer.tries.push({ item, at })
  }
  const good: { readonly identity: Identity; readonly at: number }[] = []
  let open = [...signers.values()]
  for (let round = 0; open.length > 0; round++) {
    const verdicts = await provider.verifyAll(
      open.map(({ identity, tries }) => {
        const { data, signature } = tries[round]!.item
        return { key: identity.publicKey, data, signature }
      }),
    )
    for (const [i, { identity, tries }] of open.entries()) if (verdicts[i] === true) good.push({ identity, at: tries[round]!.at })
    open = open.filter(({ tries }, i) => verdicts[i] !== true && tries.length > round + 1)
  }
  return good.sort((a, b) => a.at - b.at).map(({ identity }) => identity)
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
