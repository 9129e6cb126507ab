import { describe, expect, it } from 'vitest'
import type { RangeQueryInfo } from '../../model/messages/kv-rwset.ts'
import type { Input } from '../../model/protobuf/message.ts'
import { RangeMerkle } from '../range-query/merkle.ts'
import { type Plan, TestLedger, transaction } from './test-ledger.fixture.ts'

const MVCC = 'MVCC_READ_CONFLICT'
const PHANTOM = 'PHANTOM_READ_CONFLICT'
const put = (...keys: string[]): Plan => ({ cc: { writes: Object.fromEntries(keys.map((key) => [key, `value of ${key}`])) } })
const reads = (reads: Record<string, [number, number] | null>): Plan => ({ cc: { reads, writes: { result: 'r' } } })
const seeded = async (...keys: string[]) => {
  const ledger = new TestLedger()
  expect(await ledger.codes(transaction(put(...keys)))).toEqual(['VALID'])
  return ledger
}
const code = async (ledger: TestLedger, plan: Plan): Promise<string> => (await ledger.codes(transaction(plan)))[0]!

describe('reads (MVCC)', () => {
  it('hold when the version is the committed one, and fail when the key changed since', async () => {
    const ledger = await seeded('a')
    expect(await code(ledger, reads({ a: [1, 0] }))).toBe('VALID')
    expect(await code(ledger, put('a'))).toBe('VALID')
    expect(await code(ledger, reads({ a: [1, 0] }))).toBe(MVCC)
    expect(await code(ledger, reads({ a: [3, 0] }))).toBe('VALID')
  })

  it('of an absent key record no version: they fail when the key is there', async () => {
    const ledger = await seeded('a')
    expect(await code(ledger, reads({ absent: null }))).toBe('VALID')
    expect(await code(ledger, reads({ a: null }))).toBe(MVCC)
    expect(await code(ledger, reads({ absent: [1, 0] }))).toBe(MVCC)
  })

  it('fail against an earlier valid transaction of the same block, a deletion included', async () => {
    const ledger = await seeded('a', 'b')
    const codes = await ledger.codes(
      transaction(put('a')),
      transaction({ cc: { writes: { b: null } } }),
      transaction(reads({ a: [1, 0] })),
      transaction(reads({ b: [1, 0] })),
    )
    expect(codes).toEqual(['VALID', 'VALID', MVCC, MVCC])
  })

  it('do not fail against an earlier transaction of the block that is invalid itself', async () => {
    const ledger = await seeded('a')
    const codes = await ledger.codes(transaction(put('a'), { endorsers: [] }), transaction(reads({ a: [1, 0] })))
    expect(codes).toEqual(['ENDORSEMENT_POLICY_FAILURE', 'VALID'])
  })

  it('blind writes never conflict', async () => {
    const ledger = await seeded('a')
    expect(await ledger.codes(transaction(put('a')), transaction(put('a')))).toEqual(['VALID', 'VALID'])
    expect(ledger.value('cc', 'a')).toBe('value of a@2.1')
  })

  it('of the chaincode definition make what was endorsed before an upgrade a conflict', async () => {
    const ledger = new TestLedger()
    const sequence = 'namespaces/fields/cc/Sequence'
    const invoke: Plan = { _lifecycle: { reads: { [sequence]: [0, 0] } }, ...put('k') }
    expect(await code(ledger, invoke)).toBe('VALID')
    const upgrade = transaction({ _lifecycle: { writes: { [sequence]: '\b\u0002' } } }, { chaincode: '_lifecycle' })
    expect(await ledger.codes(upgrade, transaction(invoke))).toEqual(['VALID', MVCC])
    expect(await code(ledger, invoke)).toBe(MVCC)
  })

  it('of hashed keys are checked like public ones', async () => {
    const ledger = new TestLedger({ definitions: { cc: { collections: { col: null } } } })
    const write: Plan = { cc: { collections: { col: { writes: { k: 'v' } } } } }
    const read = (version: [number, number] | null): Plan => ({ cc: { collections: { col: { reads: { k: version } } } } })
    expect(await ledger.codes(transaction(write), transaction(read(null)))).toEqual(['VALID', MVCC])
    expect(await code(ledger, read(null))).toBe(MVCC)
    expect(await code(ledger, read([1, 0]))).toBe('VALID')
  })

  it("of a namespace with U+0000 find nothing, least of all a collection's hashes", async () => {
    const ledger = new TestLedger({ definitions: { cc: { collections: { col: null } } } })
    await ledger.add(transaction({ cc: { collections: { col: { writes: { k: 'v' } } } } }))
    expect(await code(ledger, { 'cc\u0000col': { reads: { k: null } }, ...put('x') })).toBe('VALID')
    expect(await code(ledger, { 'cc\u0000col': { reads: { k: [1, 0] } }, ...put('x') })).toBe(MVCC)
  })

  it('that lost are told: namespace, key, versions', async () => {
    const ledger = await seeded('a')
    const { conflicts } = await ledger.add(transaction(reads({ a: [7, 3] })))
    const current = { blockNumber: 1, txNumber: 0 }
    expect(conflicts.get(0)).toEqual({ code: 11, namespace: 'cc', key: 'a', read: { blockNumber: 7, txNumber: 3 }, current })
  })
})

describe('ranges (phantoms)', () => {
  const kvReads = (...keys: string[]) => keys.map((key) => ({ key, version: { blockNum: 1, txNum: 0 } }))
  const range = (startKey: string, endKey: string, itrExhausted: boolean, ...keys: string[]): Plan => {
    const query: Input<RangeQueryInfo> = { startKey, endKey, itrExhausted, rawReads: { kvReads: kvReads(...keys) } }
    return { cc: { ranges: [query], writes: { z: 'r' } } }
  }

  it('hold when they give the same again', async () => {
    const ledger = await seeded('a', 'b', 'c')
    expect(await code(ledger, range('a', 'c', true, 'a', 'b'))).toBe('VALID')
    expect(await code(ledger, range('x', 'y', true))).toBe('VALID')
  })

  it('fail for a key that came, went, or changed, in an earlier block', async () => {
    const ledger = await seeded('a', 'b', 'c')
    expect(await code(ledger, range('a', 'd', true, 'a', 'c'))).toBe(PHANTOM)
    expect(await code(ledger, range('a', 'd', true, 'a', 'b', 'bb', 'c'))).toBe(PHANTOM)
    expect(await code(ledger, put('b'))).toBe('VALID')
    expect(await code(ledger, range('a', 'd', true, 'a', 'b', 'c'))).toBe(PHANTOM)
  })

  it.each<[string, Plan]>([
    ['adds a key', { cc: { writes: { bb: 'v' } } }],
    ['deletes a key', { cc: { writes: { b: null } } }],
    ['changes a key', { cc: { writes: { b: 'v' } } }],
  ])('fail against an earlier transaction of the block that %s', async (_, change) => {
    const ledger = await seeded('a', 'b', 'c')
    const codes = await ledger.codes(transaction(change), transaction(range('a', 'd', true, 'a', 'b', 'c')))
    expect(codes).toEqual(['VALID', PHANTOM])
  })

  it('of an iterator that was not exhausted include the end key, which is the last one seen', async () => {
    const ledger = await seeded('a', 'b', 'c')
    expect(await code(ledger, range('a', 'b', false, 'a', 'b'))).toBe('VALID')
    expect(await code(ledger, range('a', 'b', false, 'a'))).toBe(PHANTOM)
    expect(await code(ledger, range('a', 'b', true, 'a', 'b'))).toBe(PHANTOM)
    expect(
      await ledger.codes(transaction({ cc: { writes: { b: null } } }), transaction(range('a', 'b', false, 'a', 'b'))),
    ).toEqual(['VALID', PHANTOM])
  })

  it('do not see a key that an earlier transaction of the block deleted', async () => {
    const ledger = await seeded('a', 'b', 'c')
    const codes = await ledger.codes(transaction({ cc: { writes: { b: null } } }), transaction(range('a', 'd', true, 'a', 'c')))
    expect(codes).toEqual(['VALID', 'VALID'])
  })

  it('without an end run to the end of the namespace', async () => {
    const ledger = await seeded('a', 'b')
    expect(await code(ledger, range('a', '', true, 'a', 'b'))).toBe('VALID')
    expect(await code(ledger, range('a', '', true, 'a', 'b'))).toBe(PHANTOM)
  })

  it('that are empty, or run backwards, give nothing', async () => {
    const ledger = await seeded('a', 'b', 'c')
    expect(await code(ledger, range('c', 'a', true))).toBe('VALID')
    expect(await code(ledger, range('b', 'b', true))).toBe('VALID')
    expect(await code(ledger, range('c', 'a', true, 'b'))).toBe(PHANTOM)
  })

  it('see keys in the order of their UTF-8 bytes', async () => {
    const ledger = await seeded('\uffee', '\u{1f600}')
    expect(await code(ledger, range('\u0001', '', true, '\uffee', '\u{1f600}'))).toBe('VALID')
  })

  it('with a read without a version are phantoms, and stop no peer', async () => {
    const ledger = await seeded('a')
    const query: Input<RangeQueryInfo> = { startKey: 'a', endKey: 'b', itrExhausted: true, rawReads: { kvReads: [{ key: 'a' }] } }
    expect(await code(ledger, { cc: { ranges: [query] } })).toBe(PHANTOM)
  })

  it('come after public reads and before hashed reads of the namespace', async () => {
    const ledger = await seeded('a')
    const query: Input<RangeQueryInfo> = { startKey: 'a', endKey: 'b', itrExhausted: true, rawReads: { kvReads: [] } }
    const stale = { a: [9, 9] as const }
    expect(await code(ledger, { cc: { ranges: [query], reads: { a: [9, 9] } } })).toBe(MVCC)
    expect(await code(ledger, { cc: { ranges: [query], collections: { col: { reads: stale } } } })).toBe(PHANTOM)
  })
})

describe('ranges of many reads (Merkle summaries)', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `key${String(i).padStart(4, '0')}`)
  const summary = (count: number, degree: number, changes: object = {}): Plan => {
    const merkle = new RangeMerkle(degree)
    for (const key of names(count)) merkle.add({ key, version: { blockNum: 1, txNum: 0 } })
    const { readsMerkleHashes } = merkle.done()
    const query = { startKey: 'key', endKey: 'kez', itrExhausted: true, readsMerkleHashes: { ...readsMerkleHashes, ...changes } }
    return { cc: { ranges: [query], writes: { z: 'r' } } }
  }

  it.each([
    [3, 2],
    [4, 2],
    [9, 2],
    [27, 2],
    [100, 2],
    [60, 50],
    [200, 7],
  ])('%i reads of degree %i hold, one more or fewer does not', async (count, degree) => {
    const ledger = await seeded(...names(count))
    expect(await code(ledger, summary(count, degree))).toBe('VALID')
    expect(await code(ledger, summary(count + 1, degree))).toBe(PHANTOM)
    if (count - 1 > degree) expect(await code(ledger, summary(count - 1, degree))).toBe(PHANTOM)
  })

  it('fail when one key changed', async () => {
    const ledger = await seeded(...names(30))
    expect(await ledger.codes(transaction(put('key0017')), transaction(summary(30, 2)))).toEqual(['VALID', PHANTOM])
  })

  it('that fit no tree are phantoms, and stop no peer', async () => {
    const ledger = await seeded(...names(30))
    expect(await code(ledger, summary(30, 2, { maxDegree: 1 }))).toBe(PHANTOM)
    expect(await code(ledger, summary(30, 2, { maxLevelHashes: [] }))).toBe(PHANTOM)
    expect(await code(ledger, summary(30, 2, { maxLevel: 1 }))).toBe(PHANTOM)
    expect(await code(ledger, summary(30, 2, { maxLevel: 99 }))).toBe(PHANTOM)
  })
})
