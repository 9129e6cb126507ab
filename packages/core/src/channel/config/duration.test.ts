import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

describe('durations in Go notation', () => {
  it.each([
    ['0', 0],
    ['2s', 2000],
    ['300ms', 300],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1.s', 1000],
    ['1h2m3.5s', 3_723_500],
    ['100us', 0.1],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['5ns', 0.000005],
    ['-2s', -2000],
    ['+2s', 2000],
    ['1m1m', 120_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 9)
  })

  it.each(['', 's', '2', '2 s', '2sec', '.s', 'two seconds', '1h 2m', '2S', '99999999h'])('%j is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it.each([
    [2000, '2s'],
    [300, '300ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [60_000, '1m0s'],
    [3_600_000, '1h0m0s'],
    [0.0015, '1.5µs'],
    [0.000005, '5ns'],
    [0, '0s'],
  ])('%d ms prints as Go does: %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })

  it('what is printed reads the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000_000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBeCloseTo(milliseconds, 3)
      }),
    )
  })
})
