import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BytesCache } from './bytes-cache.ts'

describe('the cache by bytes', () => {
  it('never gives the value of another key', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 60 }), (keys) => {
        const cache = new BytesCache<string>(32)
        for (const key of keys) {
          const text = Buffer.from(key).toString('hex')
          expect(cache.get(key) ?? text).toBe(text)
          cache.set(key, text)
          expect(cache.get(Uint8Array.from(key))).toBe(text)
        }
      }),
    )
  })

  it('holds at least half its capacity of what was used last, and forgets what was not', () => {
    const key = (i: number): Uint8Array => createHash('sha256').update(`key ${i}`).digest()
    const cache = new BytesCache<number>(100)
    for (let i = 0; i < 1000; i++) {
      cache.set(key(i), i)
      expect(cache.get(key(0))).toBe(0)
    }
    for (let i = 975; i < 1000; i++) expect(cache.get(key(i))).toBe(i)
    const held = Array.from({ length: 1000 }, (_, i) => cache.get(key(i))).filter((value) => value !== undefined)
    expect(held.length).toBeLessThanOrEqual(200)
  })

  it('keys that were made to share a hash push each other out, never grow', () => {
    const cache = new BytesCache<number>(1000)
    // Only bytes that the hash does not look at differ.
    const key = (i: number): Uint8Array => {
      const bytes = new Uint8Array(800)
      bytes[1] = i & 0xff
      bytes[2] = i >> 8
      return bytes
    }
    for (let i = 0; i < 400; i++) cache.set(key(i), i)
    expect(
      Array.from({ length: 400 }, (_, i) => cache.get(key(i))).filter((value) => value !== undefined).length,
    ).toBeLessThanOrEqual(4)
    expect(cache.get(key(399))).toBe(399)
  })
})
