import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ContentHasher, isContentNamespace } from './content-hash.ts'

const text = (value: string) => new TextEncoder().encode(value)
const hashOf = (...entries: [string, string, string, string?][]) => {
  const hasher = new ContentHasher()
  for (const [namespace, key, value, metadata] of entries)
    hasher.add(namespace, key, text(value), metadata === undefined ? undefined : text(metadata))
  return hasher.digest()
}

describe('content hash', () => {
  it('is SHA-256 over each part after its length in four bytes, big-endian', () => {
    const expected = createHash('sha256').update('\0\0\0\x02cc\0\0\0\x01k\0\0\0\x05value\0\0\0\0', 'latin1').digest('hex')
    expect(hashOf(['cc', 'k', 'value'])).toBe(expected)
  })

  it('tells apart how bytes are divided between namespace, key, value and metadata', () => {
    const hashes = [hashOf(['ab', 'c', 'd']), hashOf(['a', 'bc', 'd']), hashOf(['a', 'b', 'cd']), hashOf(['a', 'b', 'c', 'd'])]
    expect(new Set(hashes).size).toBe(4)
  })

  it('has no difference between no metadata and empty metadata', () => {
    expect(hashOf(['a', 'b', 'c', ''])).toBe(hashOf(['a', 'b', 'c']))
  })

  it('refuses entries out of byte order, by namespace and then key, and repetitions', () => {
    expect(() => hashOf(['a', 'k', ''], ['a', 'k', ''])).toThrow(RangeError)
    expect(() => hashOf(['b', 'a', ''], ['a', 'b', ''])).toThrow(RangeError)
    expect(() => hashOf(['a', '\u{1f600}', ''], ['a', '\uffff', ''])).toThrow(RangeError)
    expect(hashOf(['a', '\uffff', ''], ['a', '\u{1f600}', ''], ['b', 'a', ''])).toMatch(/^[0-9a-f]{64}$/)
  })

  it('covers chaincode namespaces only', () => {
    expect(['kv', '_lifecycle', '', 'kv\u0000collection'].map(isContentNamespace)).toEqual([true, false, false, false])
  })
})
