import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../adapters/environment/clock.ts'
import { BatchPacer, type Pace } from './batch-pacer.ts'
import { settled } from './ordering.fixture.ts'

/** A clock that only tests move, but that shows load as a real one does. */
class SteppedClock extends ManualClock {
  override readonly manual = false as unknown as true
}

function rig(pace: Partial<Pace> = {}, batchTimeout = 1_000) {
  const clock = new SteppedClock()
  const load = { ingress: 0, inFlight: 0, blocks: 0 }
  const cuts: { at: number; size: number }[] = []
  let pending = 0
  const pacer = new BatchPacer({
    clock,
    load: () => load,
    batchTimeout: () => batchTimeout,
    pending: () => pending,
    cut: () => {
      cuts.push({ at: clock.monotonic(), size: pending })
      pending = 0
      load.blocks++
    },
    pace,
  })
  return {
    clock,
    cuts,
    pacer,
    load,
    arrive(count = 1) {
      for (let i = 0; i < count; i++) {
        pending++
        load.inFlight++
        pacer.arrived()
      }
    },
    durable() {
      load.inFlight = pending
      load.blocks = 0
      pacer.released()
    },
    async pass(milliseconds: number) {
      for (let i = 0; i < milliseconds; i++) {
        clock.advance(1)
        await settled()
      }
    },
  }
}

describe('batch pacer', () => {
  it('cuts a lone envelope at once', async () => {
    const { arrive, cuts } = rig()
    arrive()
    await settled()
    expect(cuts).toEqual([{ at: 0, size: 1 }])
  })

  it('cuts one after the other at once, however many come', async () => {
    const { arrive, cuts, durable } = rig()
    for (let i = 0; i < 50; i++) {
      arrive()
      await settled()
      durable()
    }
    expect(cuts).toEqual(Array.from({ length: 50 }, () => ({ at: 0, size: 1 })))
  })

  it('puts what comes while a block is on its way to the disk into the next', async () => {
    const { arrive, cuts, durable } = rig()
    arrive()
    await settled()
    arrive(3)
    await settled()
    expect(cuts).toHaveLength(1)
    durable()
    await settled()
    expect(cuts.map(({ size }) => size)).toEqual([1, 3])
  })

  it('under load waits for the end of a burst', async () => {
    const { arrive, cuts, pass } = rig({ crowd: 4, quiet: 3, longest: 50 })
    arrive(10)
    await pass(1)
    arrive(10)
    await pass(10)
    expect(cuts).toHaveLength(1)
    expect(cuts[0]!.size).toBe(20)
    expect(cuts[0]!.at).toBeLessThanOrEqual(6)
  })

  it('under steady load cuts every `longest`, whether the disk is free or not', async () => {
    const { arrive, cuts, pass } = rig({ crowd: 4, quiet: 3, longest: 20 })
    for (let i = 0; i < 100; i++) {
      arrive(2)
      await pass(1)
    }
    expect(cuts.length).toBeGreaterThanOrEqual(4)
    expect(cuts.length).toBeLessThanOrEqual(6)
  })

  it('never waits longer than the batch timeout', async () => {
    const { arrive, cuts, pass } = rig({ crowd: 0, quiet: 1_000, longest: 1_000 }, 7)
    arrive()
    await pass(10)
    expect(cuts).toEqual([{ at: 7, size: 1 }])
  })

  it('is free again when the load is over', async () => {
    const { arrive, cuts, durable, pass } = rig({ crowd: 4 })
    arrive(20)
    await pass(10)
    durable()
    await pass(150)
    arrive()
    await settled()
    expect(cuts.at(-1)).toEqual({ at: 160, size: 1 })
  })

  it('on a clock that stands still cuts without it', async () => {
    const clock = new ManualClock()
    let pending = 100
    const cut = (): void => {
      pending = 0
    }
    const load = { ingress: 0, inFlight: 100, blocks: 0 }
    const pacer = new BatchPacer({
      clock,
      load: () => load,
      batchTimeout: () => 1,
      pending: () => pending,
      cut,
      pace: { crowd: 0 },
    })
    for (let i = 0; i < 100; i++) pacer.arrived()
    await settled()
    expect(pending).toBe(0)
  })
})
