import { concentrate, planOf, simulate } from '@heddle/testkit/simulator'
import { describe, expect, it } from 'vitest'
import subject from '../sim/subject.ts'

// A few seeds with every test run; `npm run sim -- --plugin solo --seeds 0..2000` runs thousands.
describe('solo under simulation', () => {
  it.each([...Array(16).keys(), 47, 382])('seed %i', async (seed) => {
    const { violations } = await simulate(subject, concentrate(planOf(subject, seed)))
    expect(violations).toEqual([])
  })

  it('a seed gives one history', async () => {
    const plan = planOf(subject, 4)
    expect((await simulate(subject, plan)).digest).toBe((await simulate(subject, plan)).digest)
  })
})
