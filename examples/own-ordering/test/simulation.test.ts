import { planOf, simulate } from '@heddle/testkit/simulator'
import { describe, expect, it } from 'vitest'
import subject from '../sim/subject.ts'

describe('the file log under simulation', () => {
  it.each([
    [0, 'power failures'],
    [21, 'a sync fails, and those after it would prove nothing'],
    [24, 'the log fails for good, and the node with it'],
  ])('seed %i: %s', async (seed) => {
    const { violations } = await simulate(subject, planOf(subject, seed))
    expect(violations).toEqual([])
  })
})
