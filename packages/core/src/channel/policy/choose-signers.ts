import type { Identity } from '../../ports/identity.ts'
import type { Policy } from './policy.ts'

/**
 * A smallest-by-removal set of identities that satisfies a policy: no one in it can be left out. Undefined when not even all of them
 * together do. Later candidates are given up first, so put the preferred ones first.
 */
export function chooseSigners<T extends Identity>(policy: Policy, candidates: readonly T[]): readonly T[] | undefined {
  if (!policy.evaluate(candidates)) return undefined
  let chosen = candidates
  for (let i = candidates.length - 1; i >= 0; i--) {
    const fewer = chosen.filter((_, at) => at !== i)
    if (policy.evaluate(fewer)) chosen = fewer
  }
  return chosen
}
