import type { Identity } from '../../ports/identity.ts'
import type { Policy } from './policy.ts'

/**
 * Few identities that satisfy a policy: all candidates, less each one that can be left out, tried from the last to the
 * first. Undefined
 * when all together, in this order, do not satisfy it. Put the preferred ones first.
 */
export function chooseSigners<T extends Identity>(
  policy: Pick<Policy, 'evaluate'>,
  candidates: readonly T[],
): readonly T[] | undefined {
  if (!policy.evaluate(candidates)) return undefined
  let chosen = candidates
  for (let i = candidates.length - 1; i >= 0; i--) {
    const fewer = chosen.filter((_, at) => at !== i)
    if (policy.evaluate(fewer)) chosen = fewer
  }
  return chosen
}
