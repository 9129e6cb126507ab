import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '../../channel/policy/policy.ts'
import type { Identity } from '../../ports/identity.ts'
import { type Candidate, planEndorsers } from './endorsement-plan.ts'

const candidate = (name: string): Candidate =>
  ({ endpoint: { node: name, mspId: name }, identity: { id: name, mspId: name } as Identity }) as Candidate
const names = (set: readonly Candidate[] | undefined) => set?.map(({ endpoint }) => endpoint.node)

/** Satisfied when one of the sets is present whole. */
const anyOf = (...sets: string[][]): Policy => ({
  evaluate: (identities) => sets.some((set) => set.every((name) => identities.some(({ id }) => id === name))),
  shape: { kind: 'reject', reason: 'not asked' },
})
const all = ['a', 'b', 'c', 'd'].map(candidate)

describe('planEndorsers', () => {
  it('takes the smallest set, earlier candidates preferred', () => {
    expect(names(planEndorsers([anyOf(['a', 'b'], ['d'])], all))).toEqual(['d'])
    expect(names(planEndorsers([anyOf(['c', 'd'], ['a', 'b'])], all))).toEqual(['a', 'b'])
  })

  it('asks nobody when those who endorsed already are enough, and only the rest when they are not', () => {
    const policies = [anyOf(['a', 'b']), anyOf(['c'])]
    expect(names(planEndorsers(policies, all.slice(2), [all[0]!.identity, all[1]!.identity]))).toEqual(['c'])
    expect(names(planEndorsers([anyOf(['a'])], all, [all[0]!.identity]))).toEqual([])
  })

  it('says when nobody can satisfy the policies', () => {
    expect(planEndorsers([anyOf(['x'])], all)).toBeUndefined()
  })

  it('finds a set from which nobody can be left out, however many candidates there are', () => {
    const many = Array.from({ length: 40 }, (_, i) => candidate(`p${i}`))
    const wanted = Array.from({ length: 20 }, (_, i) => `p${i * 2}`)
    expect(names(planEndorsers([anyOf(wanted)], many))).toEqual(wanted)
  })

  it('agrees with trying every subset', () => {
    const set = fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 })
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 4 }), (sets) => {
        const plan = planEndorsers([anyOf(...sets)], all)
        expect(plan?.length).toBe(Math.min(...sets.map(({ length }) => length)))
        expect(anyOf(...sets).evaluate(plan!.map(({ identity }) => identity))).toBe(true)
      }),
    )
  })
})
