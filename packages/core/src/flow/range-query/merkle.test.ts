import { describe, expect, it } from 'vitest'
import { type KVRead, QueryReads } from '../../model/messages/kv-rwset.ts'
import { sha256 } from '../../model/sha256.ts'
import { RangeMerkle } from './merkle.ts'

const reads = (count: number): KVRead[] =>
  Array.from({ length: count }, (_, i) => ({ key: `key${i}`, version: { blockNum: 1, txNum: i } }))
const leaf = (some: readonly KVRead[]): Uint8Array => sha256(QueryReads.encode({ kvReads: some }))
const summary = (degree: number, count: number) => {
  const merkle = new RangeMerkle(degree)
  for (const read of reads(count)) merkle.add(read)
  return merkle.done()
}

describe('a range of reads', () => {
  it('leaves nothing when it found nothing', () => {
    expect(summary(3, 0)).toEqual({})
  })

  it('is recorded read by read up to the degree', () => {
    expect(summary(3, 3)).toEqual({ rawReads: reads(3) })
  })

  it('is one node of level 1 for one more than the degree', () => {
    expect(summary(3, 4)).toEqual({ readsMerkleHashes: { maxDegree: 3, maxLevel: 1, maxLevelHashes: [leaf(reads(4))] } })
  })

  it('keeps a last node of fewer reads', () => {
    const all = reads(9)
    expect(summary(3, 9)).toEqual({
      readsMerkleHashes: {
        maxDegree: 3,
        maxLevel: 1,
        maxLevelHashes: [leaf(all.slice(0, 4)), leaf(all.slice(4, 8)), leaf(all.slice(8))],
      },
    })
  })

  it('moves to the next level when a level holds more nodes than the degree', () => {
    const all = reads(16)
    const nodes = [0, 4, 8, 12].map((start) => leaf(all.slice(start, start + 4)))
    expect(summary(3, 16)).toEqual({ readsMerkleHashes: { maxDegree: 3, maxLevel: 2, maxLevelHashes: [sha256(...nodes)] } })
  })

  it('takes a lone node of a lower level up unchanged, and several as one', () => {
    const all = reads(24)
    const node = (start: number) => leaf(all.slice(start, start + 4))
    const first = sha256(node(0), node(4), node(8), node(12))
    expect(summary(3, 20).readsMerkleHashes?.maxLevelHashes).toEqual([first, node(16)])
    expect(summary(3, 24).readsMerkleHashes?.maxLevelHashes).toEqual([first, sha256(node(16), node(20))])
  })

  it('refuses a degree with which no tree can be built', () => {
    expect(() => new RangeMerkle(1)).toThrow(RangeError)
  })
})
