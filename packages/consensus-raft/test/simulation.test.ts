import { concentrate, planOf, simulate } from '@heddle/testkit/simulator'
import { describe, expect, it } from 'vitest'
import subject from '../sim/subject.ts'

// A few seeds with every test run; `npm run sim -- --plugin raft --seeds 0..2000` runs thousands.
describe('Raft under simulation', () => {
  it.each(Array.from({ length: 14 }, (_, seed) => seed))('seed %i', async (seed) => {
    const { violations } = await simulate(subject, concentrate(planOf(subject, seed)))
    expect(violations).toEqual([])
  })

  // Blocks are taken from others while a node opens its log; a node leaves and comes back.
  it.each([2, 15])('seed %i, in full', async (seed) => {
    const { violations } = await simulate(subject, planOf(subject, seed))
    expect(violations).toEqual([])
  })

  it('a seed gives one history', async () => {
    const plan = { ...planOf(subject, 5), envelopes: 300 }
    expect((await simulate(subject, plan)).digest).toBe((await simulate(subject, plan)).digest)
  })
})
