import { chooseSigners } from '../../channel/policy/choose-signers.ts'
import type { Policy } from '../../channel/policy/policy.ts'
import type { Identity } from '../../ports/identity.ts'
import type { EndorserEndpoint } from '../directory.ts'

/** A peer that may endorse, with its identity under the channel's configuration. */
export interface Candidate {
  readonly endpoint: EndorserEndpoint
  readonly identity: Identity
}

/** Sets of peers that are tried before the search gives way to leaving peers out one by one. */
const MAX_TRIES = 5_000

/**
 * The smallest set of candidates, earlier ones preferred, that satisfies all policies together with those who endorsed already.
 * Exact while few sets have to be tried; beyond that, a set from which nobody can be left out.
 *
 * @returns undefined when not even all of them satisfy the policies
 */
export function planEndorsers(
  policies: readonly Policy[],
  candidates: readonly Candidate[],
  endorsed: readonly Identity[] = [],
): readonly Candidate[] | undefined {
  const satisfies = (set: readonly Candidate[]): boolean => {
    const identities = [...endorsed, ...set.map(({ identity }) => identity)]
    return policies.every((policy) => policy.evaluate(identities))
  }
  if (satisfies([])) return []
  if (!satisfies(candidates)) return undefined
  let tries = 0
  for (let size = 1; size < candidates.length; size++) {
    for (const set of combinations(candidates, size)) {
      if (++tries > MAX_TRIES) return reduced(policies, candidates, endorsed)
      if (satisfies(set)) return set
    }
  }
  return candidates
}

function reduced(
  policies: readonly Policy[],
  candidates: readonly Candidate[],
  endorsed: readonly Identity[],
): readonly Candidate[] {
  const all = {
    evaluate: (identities: readonly Identity[]) => policies.every((policy) => policy.evaluate([...endorsed, ...identities])),
  }
  const chosen = new Set(
    chooseSigners(
      all,
      candidates.map(({ identity }) => identity),
    ),
  )
  return candidates.filter(({ identity }) => chosen.has(identity))
}

/** Subsets of one size, in the order of preference of their members. */
function* combinations<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  const indices = Array.from({ length: size }, (_, i) => i)
  for (;;) {
    yield indices.map((index) => items[index]!)
    let position = size - 1
    while (position >= 0 && indices[position] === items.length - size + position) position--
    if (position < 0) return
    indices[position]!++
    for (let next = position + 1; next < size; next++) indices[next] = indices[next - 1]! + 1
  }
}
