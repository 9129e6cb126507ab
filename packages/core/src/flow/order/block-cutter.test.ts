import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchCutter } from './block-cutter.ts'

const limits = { maxMessageCount: 3, absoluteMaxBytes: 1_000, preferredMaxBytes: 100 }

/** The rules over a whole sequence at once: where batches begin and end. */
function model(sizes: readonly number[], { maxMessageCount, preferredMaxBytes }: typeof limits): number[][] {
  const batches: number[][] = []
  let open: number[] = []
  const close = (): void => {
    if (open.length > 0) batches.push(open)
    open = []
  }
  sizes.forEach((size, index) => {
    const bytes = open.reduce((sum, each) => sum + sizes[each]!, 0)
    if (bytes + size > preferredMaxBytes) close()
    open.push(index)
    if (open.length === maxMessageCount || size > preferredMaxBytes) close()
  })
  return open.length > 0 ? [...batches, open] : batches
}

describe('block cutter', () => {
  it('cuts the batch that reaches MaxMessageCount', () => {
    const cutter = new BatchCutter<string>(() => limits)
    expect(cutter.ordered('a', 1)).toEqual([])
    expect(cutter.ordered('b', 1)).toEqual([])
    expect(cutter.ordered('c', 1)).toEqual([['a', 'b', 'c']])
    expect(cutter.pending).toBe(0)
  })

  it('cuts what waits before a message that would take it over PreferredMaxBytes', () => {
    const cutter = new BatchCutter<string>(() => limits)
    cutter.ordered('a', 60)
    expect(cutter.ordered('b', 41)).toEqual([['a']])
    expect([cutter.pending, cutter.pendingBytes, cutter.oldest]).toEqual([1, 41, 'b'])
  })

  it('lets a batch of exactly PreferredMaxBytes stand', () => {
    const cutter = new BatchCutter<string>(() => limits)
    cutter.ordered('a', 60)
    expect(cutter.ordered('b', 40)).toEqual([])
    expect(cutter.cut()).toEqual(['a', 'b'])
  })

  it('isolates a message over PreferredMaxBytes, after what waits', () => {
    const cutter = new BatchCutter<string>(() => limits)
    cutter.ordered('a', 1)
    expect(cutter.ordered('big', 101)).toEqual([['a'], ['big']])
    expect(cutter.ordered('huge', 999)).toEqual([['huge']])
    expect(cutter.pending).toBe(0)
  })

  it('cuts overflow and count in one step', () => {
    const cutter = new BatchCutter<string>(() => ({ ...limits, maxMessageCount: 1 }))
    expect(cutter.ordered('a', 50)).toEqual([['a']])
    const two = new BatchCutter<string>(() => limits)
    two.ordered('a', 90)
    expect(two.ordered('b', 90)).toEqual([['a']])
  })

  it('follows the limits of the configuration in force', () => {
    let current = limits
    const cutter = new BatchCutter<string>(() => current)
    cutter.ordered('a', 1)
    current = { ...limits, maxMessageCount: 2 }
    expect(cutter.ordered('b', 1)).toEqual([['a', 'b']])
  })

  it('cuts any sequence as the rules say, loses nothing and keeps the order', () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(150)), { maxLength: 60 })
    const count = fc.integer({ min: 1, max: 8 })
    fc.assert(
      fc.property(sizes, count, (sequence, maxMessageCount) => {
        const given = { ...limits, maxMessageCount }
        const cutter = new BatchCutter<number>(() => given)
        const batches = sequence.flatMap((size, index) => cutter.ordered(index, size))
        const rest = cutter.cut()
        expect(rest.length > 0 ? [...batches, rest] : batches).toEqual(model(sequence, given))
      }),
    )
  })
})
