import { type Disk, seededRandom } from '@heddle/core/plugin'
import { faultyDisk } from '@heddle/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entries, hard, identityOf, openLog, storedIn } from './log.fixture.ts'
import { crashAndCompare, dyingDisk, type Step } from './log-model.fixture.ts'

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

  it('a torn mixture of what was never synced, good records behind bad ones among it, is the tail of a crash', async () => {
    for (let seed = 0; seed < 300; seed++) {
      const faulty = faultyDisk({ random: seededRandom(String(seed)) })
      const log = await openLog(faulty)
      await log.create(identityOf('a'))
      await log.append('a', { hardState: hard(1, 1, 0), entries: entries(1, 2, 1, 100 + seed) })
      // Written, with the mark of an idle moment, and not synced.
      await log.append('a', { hardState: hard(1, 1, 2) })
      faulty.syncGate = new Promise(() => {})
      const syncs = faulty.syncs
      void log.append('a', { entries: entries(3, 3, 1, 700) })
      void log.append('a', { entries: entries(4, 4, 1, 700) })
      while (faulty.syncs === syncs) await Promise.resolve()
      faulty.crash()
      faulty.syncGate = undefined
      const again = await openLog(faulty)
      expect(storedIn(again, 'a')?.entries.length).toBeGreaterThanOrEqual(2)
      await again.close()
    }
  })

  it('what a start found stays found when power fails next: it may have been in memory only', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const faulty = faultyDisk({ random: seededRandom(String(seed)) })
      // The process is killed, and the system lives on: no crash of the disk, and no lock.
      const shared: Disk = { ...dyingDisk(faulty, Number.MAX_SAFE_INTEGER).disk, lock: async () => ({ release: async () => {} }) }
      const log = await openLog(shared)
      await log.create(identityOf('a'))
      faulty.syncGate = new Promise(() => {})
      const syncs = faulty.syncs
      void log.append('a', { hardState: hard(1, 1, 0), entries: entries(1, 3, 1, 700) })
      while (faulty.syncs === syncs) await Promise.resolve()
      faulty.syncGate = undefined
      const found = storedIn(await openLog(shared), 'a')
      expect(found?.entries.length).toBe(3)
      faulty.crash()
      expect(storedIn(await openLog(faulty), 'a')).toEqual(found)
    }
  })

  it('what is acknowledged stays, though the process before was killed between naming a segment and syncing its folder', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const faulty = faultyDisk({ random: seededRandom(String(seed)) })
      const shared: Disk = { ...dyingDisk(faulty, Number.MAX_SAFE_INTEGER).disk, lock: async () => ({ release: async () => {} }) }
      faulty.failNext('syncFolder')
      await expect(openLog(shared)).rejects.toThrow()
      const log = await openLog(shared)
      await log.create(identityOf('a'))
      await log.append('a', { hardState: hard(1, 1, 0), entries: entries(1, 3, 1) })
      faulty.crash()
      const found = storedIn(await openLog(faulty), 'a')
      expect(found?.hardState).toEqual(hard(1, 1, 0))
      expect(found?.entries.length).toBe(3)
    }
  })
})
