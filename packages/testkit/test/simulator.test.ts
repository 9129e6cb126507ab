import { describe, expect, it } from 'vitest'
import { type OrderingSubject, type Outcome, type Plan, planOf, shrink, simulate } from '../src/simulator.ts'
import { type Carelessness, careless } from './careless-ordering.fixture.ts'

/** With fewer envelopes: cheaper, and as good for what is tested here. */
const planFor = (subject: OrderingSubject, seed: number): Plan => ({ ...planOf(subject, seed), envelopes: 250 })

/** Seeds until one shows a violation. */
async function firstViolation(wrong: Carelessness, seeds = 30): Promise<Outcome | undefined> {
  const subject = careless(wrong)
  for (let seed = 0; seed < seeds; seed++) {
    const outcome = await simulate(subject, planFor(subject, seed))
    if (outcome.violations.length > 0) return outcome
  }
  return undefined
}

describe('checkers', () => {
  it('find nothing where nothing is wrong', async () => {
    expect((await firstViolation('nothing', 4))?.violations).toBeUndefined()
  })

  it.each<[Carelessness, string]>([
    ['acknowledges before the block is durable', 'acknowledged before durable'],
    ['acknowledges what it never orders', 'acknowledged is ordered'],
    ['says that nothing happened, and orders', 'refused is not ordered'],
    ['orders what nobody sent', 'validity'],
    ['fills blocks beyond the limit', 'batch limits'],
    ['ignores the configuration', 'stale configuration'],
    ['halts for no reason', 'halts'],
    ['refuses what is good', 'duties'],
    ['each node orders for itself', 'agreement'],
    ['forgets a promise that it does not handle', 'unhandled rejection'],
  ])('a plugin that %s breaks "%s"', async (wrong, checker) => {
    const outcome = await firstViolation(wrong)
    expect(outcome?.violations[0]?.checker).toBe(checker)
  })

  it('a plugin that never answers again is found after healing, with what is still open', async () => {
    // Clients send again elsewhere, to the one node there is, until it answers: only the last ones show.
    const outcome = await firstViolation('never answers again', 5)
    expect(outcome === undefined || outcome.violations[0]?.checker === 'liveness').toBe(true)
  })

  it('what a plugin throws of its own reaches clients as an OrderError', async () => {
    expect((await firstViolation('refuses with an error of its own', 3))?.violations).toBeUndefined()
  })
})

describe('determinism', () => {
  it('a seed gives one history, told or not', async () => {
    const subject = careless('nothing')
    const plan = planFor(subject, 3)
    expect(planFor(subject, 3)).toEqual(plan)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    const [a, b] = [await simulate(subject, plan), await simulate(subject, plan)]
    const lines: string[] = []
    const c = await simulate(subject, plan, (time, who, what) => lines.push(`${time} ${who} ${what}`))
    expect([b.digest, c.digest]).toEqual([a.digest, a.digest])
    expect(b.events).toBe(a.events)
    expect(lines.length).toBeGreaterThan(100)
    expect((await simulate(subject, planFor(subject, 4))).digest).not.toBe(a.digest)
  })

  it('what is not deterministic shows in the digest', async () => {
    const subject = careless('takes real randomness')
    const plan = planFor(subject, 3)
    const digests = new Set<string>()
    for (let i = 0; i < 4; i++) digests.add((await simulate(subject, plan)).digest)
    expect(digests.size).toBeGreaterThan(1)
  })
})

describe('shrinking', () => {
  it('finds a small plan that breaks the same rule', async () => {
    const subject = careless('ignores the configuration')
    const failing = (await firstViolation('ignores the configuration'))!
    const { plan, outcome } = (await shrink(subject, failing.plan))!
    expect(outcome.violations[0]?.checker).toBe('stale configuration')
    expect(plan.faults.every(({ kind }) => kind === 'config-update')).toBe(true)
    expect(plan.faults.length).toBeLessThanOrEqual(2)
    expect(plan.envelopes).toBeLessThan(failing.plan.envelopes)
    expect((await simulate(subject, JSON.parse(JSON.stringify(plan)))).digest).toBe(outcome.digest)
  }, 120_000)

  it('leaves a plan that does not fail alone', async () => {
    const subject = careless('nothing')
    expect(await shrink(subject, planFor(subject, 1))).toBeUndefined()
  })
})

describe('coverage', () => {
  it('every fault strikes within a few seeds', async () => {
    const subject = careless('nothing')
    const counts: Record<string, number> = {}
    for (let seed = 100; seed < 112; seed++) {
      const outcome = await simulate(subject, planFor(subject, seed))
      expect(outcome.violations).toEqual([])
      for (const [what, number] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + number
    }
    const expected = [
      'acknowledged',
      'blocks',
      'clock jumps',
      'config changes',
      'crashes',
      'crashes with unsynced data',
      'damage found at start',
      'disk faults',
      'envelopes ordered twice',
      'files damaged',
      'full disks',
      'orderly restarts',
      'outcomes unknown',
      'pauses',
      'torn writes',
    ]
    expect(expected.filter((what) => (counts[what] ?? 0) === 0)).toEqual([])
  })
})
