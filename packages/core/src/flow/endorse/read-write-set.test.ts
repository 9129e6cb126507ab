import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HashedRWSet, KVRWSet, type RangeQueryInfo } from '../../model/messages/kv-rwset.ts'
import { TxReadWriteSet } from '../../model/messages/rwset.ts'
import { sha256 } from '../../model/sha256.ts'
import { compareUtf8, utf8Bytes } from '../../model/utf8.ts'
import type { Height } from '../../ports/state-db.ts'
import { ReadWriteSetBuilder } from './read-write-set.ts'

const NONE = new Uint8Array(0)
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 })
const value = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined })
const number = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat())
const height: fc.Arbitrary<Height | undefined> = fc.option(fc.record({ blockNumber: number, txNumber: number }), {
  nil: undefined,
})
const read = fc.tuple(key, height)
const write = fc.tuple(key, value)
const namespace = fc.record({
  name: fc.string({ maxLength: 8 }),
  reads: fc.array(read, { maxLength: 4 }),
  writes: fc.array(write, { maxLength: 4 }),
  metadata: fc.array(fc.tuple(key, fc.array(fc.record({ name: fc.string(), value: fc.uint8Array() }))), { maxLength: 2 }),
  ranges: fc.array(fc.tuple(key, key), { maxLength: 2 }),
  hashed: fc.array(fc.record({ collection: key, reads: fc.array(read), writes: fc.array(write) }), { maxLength: 2 }),
})

function rangeOf(startKey: string, endKey: string): RangeQueryInfo {
  return { startKey, endKey, itrExhausted: true, rawReads: { kvReads: [] }, readsMerkleHashes: undefined }
}

/** In byte order, of each key the last. */
function inOrder<V>(entries: readonly (readonly [string, V])[]): [string, V][] {
  return [...new Map(entries)].sort((a, b) => compareUtf8(a[0], b[0]))
}

const version = (at: Height | undefined) => at && { blockNum: at.blockNumber, txNum: at.txNumber }
const kvWrites = (writes: readonly (readonly [string, Uint8Array | undefined])[]) =>
  inOrder(writes).map(([name, bytes]) => ({
    key: name,
    isDelete: bytes === undefined || bytes.length === 0,
    value: bytes ?? NONE,
  }))

describe('a read-write set', () => {
  it('is encoded as the declared messages are, in byte order of namespaces, collections and keys', () => {
    fc.assert(
      fc.property(fc.uniqueArray(namespace, { selector: ({ name }) => name, maxLength: 3 }), (namespaces) => {
        const set = new ReadWriteSetBuilder()
        for (const { name, reads, writes, metadata, ranges, hashed } of namespaces) {
          for (const [id, at] of reads) set.read(name, id, at)
          for (const [id, bytes] of writes) set.write(name, id, bytes)
          for (const [id, entries] of metadata) set.writeMetadata(name, id, entries)
          for (const [start, end] of ranges) set.range(name, rangeOf(start, end))
          for (const each of hashed) {
            for (const [id, at] of each.reads) set.readHashed(name, each.collection, id, at)
            for (const [id, bytes] of each.writes) set.writePrivate(name, each.collection, id, bytes)
          }
        }
        const touched = namespaces.filter(
          ({ reads, writes, metadata, ranges, hashed }) =>
            reads.length + writes.length + metadata.length + ranges.length > 0 ||
            hashed.some((each) => each.reads.length + each.writes.length > 0),
        )
        const expected = TxReadWriteSet.encode({
          nsRwset: touched
            .toSorted((a, b) => compareUtf8(a.name, b.name))
            .map(({ name, reads, writes, metadata, ranges, hashed }) => {
              const collections = new Map<
                string,
                { reads: [string, Height | undefined][]; writes: [string, Uint8Array | undefined][] }
              >()
              for (const each of hashed) {
                if (each.reads.length + each.writes.length === 0) continue
                const known = collections.get(each.collection) ?? { reads: [], writes: [] }
                known.reads.push(...each.reads)
                known.writes.push(...each.writes)
                collections.set(each.collection, known)
              }
              return {
                namespace: name,
                rwset: KVRWSet.encode({
                  reads: inOrder(reads).map(([id, at]) => ({ key: id, version: version(at) })),
                  rangeQueriesInfo: inOrder(ranges.map(([start, end]) => [`${start}\u0000${end}`, rangeOf(start, end)] as const))
                    .map(([, range]) => range)
                    .toSorted((a, b) => firstIndex(ranges, a) - firstIndex(ranges, b)),
                  writes: kvWrites(writes),
                  metadataWrites: inOrder(metadata).map(([id, entries]) => ({ key: id, entries })),
                }),
                collectionHashedRwset: inOrder([...collections]).map(([collectionName, each]) => ({
                  collectionName,
                  hashedRwset: HashedRWSet.encode({
                    hashedReads: inOrder(each.reads).map(([id, at]) => ({
                      keyHash: sha256(utf8Bytes(id)),
                      version: version(at),
                    })),
                    hashedWrites: kvWrites(each.writes).map((one) => ({
                      keyHash: sha256(utf8Bytes(one.key)),
                      isDelete: one.isDelete,
                      valueHash: one.isDelete ? NONE : sha256(one.value),
                    })),
                  }),
                  pvtRwsetHash: each.writes.length === 0 ? NONE : sha256(KVRWSet.encode({ writes: kvWrites(each.writes) })),
                })),
              }
            }),
        })
        expect(Buffer.from(set.encode()).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
      }),
    )
  })
})

function firstIndex(ranges: readonly (readonly [string, string])[], { startKey, endKey }: RangeQueryInfo): number {
  return ranges.findIndex(([start, end]) => start === startKey && end === endKey)
}
