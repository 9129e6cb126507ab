import { describe, expect, it } from 'vitest'
import { manualClock } from '../adapters/environment/clock.ts'
import { Deadlines, within } from './deadlines.ts'

describe('deadlines of one length', () => {
  it('pass one by one on one timer, unless they are cancelled', () => {
    const clock = manualClock()
    const deadlines = new Deadlines(clock, 100)
    const passed: string[] = []
    const set = (name: string) => deadlines.set({ expire: () => void passed.push(name) })
    set('a')
    clock.advance(40)
    const b = set('b')
    clock.advance(40)
    set('c')
    deadlines.cancel(b)
    clock.advance(20)
    expect(passed).toEqual(['a'])
    clock.advance(79)
    expect(passed).toEqual(['a'])
    clock.advance(1)
    expect(passed).toEqual(['a', 'c'])
    expect(clock.untilNext).toBeUndefined()
  })

  it('hold no more than what is pending, however many come and go', () => {
    const clock = manualClock()
    const deadlines = new Deadlines(clock, 100)
    let passed = 0
    const count = { expire: () => void passed++ }
    for (let i = 0; i < 5_000; i++) deadlines.cancel(deadlines.set(count))
    for (let i = 0; i < 5_000; i++) {
      const deadline = deadlines.set(count)
      if (i % 5 > 0) deadlines.cancel(deadline)
    }
    clock.advance(100)
    expect(passed).toBe(1_000)
  })

  it('give work its outcome, or the error of who came too late', async () => {
    const clock = manualClock()
    const deadlines = new Deadlines(clock, 100)
    const late = (cause: unknown) => new Error('late', { cause })
    expect(await within(deadlines, undefined, async () => 1, late)).toBe(1)
    await expect(within(deadlines, undefined, () => Promise.reject(new Error('broken')), late)).rejects.toThrow('broken')
    const forever = within(deadlines, undefined, () => new Promise(() => {}), late)
    clock.advance(100)
    await expect(forever).rejects.toThrow('late')
    const abort = new AbortController()
    const aborted = within(deadlines, abort.signal, () => new Promise(() => {}), late)
    abort.abort('enough')
    await expect(aborted).rejects.toMatchObject({ message: 'late', cause: 'enough' })
    let begun = false
    const refused = within(
      deadlines,
      abort.signal,
      async () => {
        begun = true
      },
      late,
    )
    await expect(refused).rejects.toThrow('late')
    expect(begun).toBe(false)
  })
})
