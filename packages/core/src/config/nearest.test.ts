import fc from 'fast-check'
import { expect, it } from 'vitest'
import { distance, nearest } from './nearest.ts'

it('counts insertions, deletions, replacements and swaps of neighbours', () => {
  expect([
    distance('abc', 'abc'),
    distance('abc', 'abd'),
    distance('abc', 'ab'),
    distance('abc', 'acb'),
    distance('', 'abc'),
  ]).toEqual([0, 1, 1, 1, 3])
})

it('is symmetric, zero only for equal texts, and never more than the longer length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a))
      expect(distance(a, b) === 0).toBe(a === b)
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
    }),
  )
})

it('suggests nothing when nothing is close', () => {
  expect(nearest('zebra', ['ordering', 'storage'])).toBeUndefined()
  expect(nearest('ORDERNG', ['ordering', 'storage'])).toBe('ordering')
})
