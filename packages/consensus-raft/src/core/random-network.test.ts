import { describe, expect, it } from 'vitest'
import { draw, Scenario } from './testing/sim-scenario.fixture.ts'
import { type Coverage, noCoverage, seeded } from './testing/sim-world.fixture.ts'

const SEEDS = 400

/** What the seeds have to reach together; without it, that nothing was found says nothing. */
const MINIMUM: Partial<Coverage> = {
  elections: 3000,
  leaders: 1500,
  truncations: 100,
  installs: 400,
  changes: 800,
  joint: 700,
  crashes: 3000,
  unsyncedLost: 150,
  wipes: 200,
  partitions: 3000,
  reads: 2000,
  transfers: 600,
  blocks: 100_000,
  disowned: 50,
}

describe('a random network', () => {
  it('keeps every promise under loss, crashes, partitions, lost disks and changing members, and comes to rest when healed', () => {
    const coverage = noCoverage()
    for (let seed = 0; seed < SEEDS; seed++) {
      const drawn = draw(seed, seeded(seed ^ 0x5eed))
      const told = JSON.stringify(drawn)
      try {
        new Scenario(drawn, coverage).run()
      } catch (error) {
        throw new Error(`seed ${seed} failed: ${(error as Error).message}\n${told}`, { cause: error })
      }
    }
    for (const [name, least] of Object.entries(MINIMUM))
      expect(coverage[name as keyof Coverage], name).toBeGreaterThanOrEqual(least)
    // A founder that loses its disk while the cluster is being founded may spoil the founding, but rarely does.
    expect(coverage.stillborn).toBeLessThan(SEEDS / 50)
  }, 120_000)

  it('repeats itself exactly for the same seed', () => {
    const first = noCoverage()
    const second = noCoverage()
    for (const coverage of [first, second]) new Scenario(draw(7, seeded(7)), coverage).run()
    expect(first).toEqual(second)
    expect(first.messages).toBeGreaterThan(100)
  })
})
