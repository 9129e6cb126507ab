import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crashAndCompare, type Step } from './log-model.fixture.ts'

const channel = fc.constantFrom('a', 'b', 'c')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      channel,
      back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4)),
      count: fc.nat(3),
      bytes: fc.oneof(fc.nat(40), fc.nat(1500)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('vote' as const, 'commit' as const), channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('compact' as const), channel, by: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('install' as const), channel, by: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), channel }) },
)

describe('after a crash at any moment', () => {
  it('the log holds what it held after some step, none before the last that it acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.nat(150),
        fc.nat(),
        fc.constantFrom(200, 900, 4000),
        fc.integer({ min: 1, max: 7 }),
        async (steps, operations, seed, segmentBytes, together) => {
          await crashAndCompare(steps, { seed: String(seed), operations, segmentBytes, together })
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('at every step of beginning segments, carrying entries on and deleting segments', async () => {
    const idle: Step[] = [{ do: 'append', channel: 'idle', back: 0, count: 2, bytes: 60 }]
    const busy = (count: number): Step[] =>
      Array.from({ length: count }, (_, i) =>
        i % 5 === 4
          ? { do: 'compact', channel: 'a', by: 6 }
          : { do: 'append', channel: 'a', back: i % 7 === 3 ? 1 : 0, count: 1, bytes: 150 },
      )
    const steps = [...idle, ...idle, ...busy(25), ...idle, ...busy(15)]
    const settings = { segmentBytes: 500, together: 2 }
    const all = await crashAndCompare(steps, { ...settings, seed: 'all', operations: Number.MAX_SAFE_INTEGER })
    expect(all).toBeGreaterThan(100)
    for (let operations = 0; operations <= all; operations++)
      for (const seed of ['1', '2', '3', '4']) await crashAndCompare(steps, { ...settings, seed, operations })
  })
})
