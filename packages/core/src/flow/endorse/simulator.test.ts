import { describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../adapters/state-memory/memory-state-db.ts'
import { KVMetadataWrite, KVRWSet } from '../../model/messages/kv-rwset.ts'
import { TxReadWriteSet } from '../../model/messages/rwset.ts'
import type { StateSnapshot } from '../../ports/state-db.ts'
import { defaultSimulationLimits, type SimulationLimits } from './limits.ts'
import type { Scan } from './range-scan.ts'
import { TransactionSimulator } from './simulator.ts'

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

function stateOf(entries: Record<string, string>): MemoryStateDB {
  const state = new MemoryStateDB()
  const writes = Object.entries(entries).map(([key, value], txNumber) => {
    return { namespace: 'cc', key, value: text(value), metadata: undefined, version: { blockNumber: 1, txNumber } }
  })
  state.commit(writes, { blockNumber: 1, txNumber: writes.length })
  return state
}

function simulate(entries: Record<string, string> = {}, limits: Partial<SimulationLimits> = {}): TransactionSimulator {
  return new TransactionSimulator(stateOf(entries).snapshot(), { limits: { ...defaultSimulationLimits, ...limits } })
}

function rwset(simulator: TransactionSimulator): Record<string, KVRWSet> {
  const { nsRwset } = TxReadWriteSet.decode(simulator.results().bytes)
  return Object.fromEntries(nsRwset.map(({ namespace, rwset: bytes }) => [namespace, KVRWSet.decode(bytes)]))
}

async function keysOf(scan: Scan): Promise<string[]> {
  const { results } = await scan.next()
  return results.map(({ key }) => key)
}

const numbered = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${String(i).padStart(4, '0')}`, 'v']))

describe('reads', () => {
  it('a transaction never reads its own writes', async () => {
    const simulator = simulate({ a: 'old' })
    simulator.putState('cc', 'a', text('new'))
    expect(await simulator.getState('cc', 'a')).toEqual(text('old'))
    simulator.putState('cc', 'b', text('new'))
    expect(await simulator.getState('cc', 'b')).toBeUndefined()
  })

  it('reading a missing key records a read without a version', async () => {
    const simulator = simulate({ a: '1' })
    await simulator.getState('cc', 'a')
    await simulator.getState('cc', 'none')
    expect(rwset(simulator).cc?.reads).toEqual([
      { key: 'a', version: { blockNum: 1, txNum: 0 } },
      { key: 'none', version: undefined },
    ])
  })

  it('a blind write records no read', () => {
    const simulator = simulate({ a: '1' })
    simulator.putState('cc', 'a', text('2'))
    expect(rwset(simulator).cc).toMatchObject({ reads: [], writes: [{ key: 'a' }] })
  })

  it('sees one state, whatever is committed meanwhile', async () => {
    const state = stateOf({ a: 'before' })
    const simulator = new TransactionSimulator(state.snapshot())
    const version = { blockNumber: 2, txNumber: 0 }
    state.commit([{ namespace: 'cc', key: 'a', value: text('after'), metadata: undefined, version }], version)
    expect(await simulator.getState('cc', 'a')).toEqual(text('before'))
  })

  it('an error of the state database ends the simulation, even when the chaincode swallows it', async () => {
    const broken = { get: () => Promise.reject(new Error('disk')), release: () => {} } as unknown as StateSnapshot
    const simulator = new TransactionSimulator(broken)
    await expect(simulator.getState('cc', 'a')).rejects.toThrow('disk')
    expect(() => simulator.results()).toThrow('disk')
  })
})

describe('writes', () => {
  it('only the last write to a key survives', () => {
    const simulator = simulate()
    simulator.putState('cc', 'a', text('1'))
    simulator.deleteState('cc', 'a')
    simulator.putState('cc', 'a', text('2'))
    expect(rwset(simulator).cc?.writes).toEqual([{ key: 'a', isDelete: false, value: text('2') }])
  })

  it('putting an empty value is a delete', () => {
    const simulator = simulate()
    simulator.putState('cc', 'a', text(''))
    expect(rwset(simulator).cc?.writes).toEqual([{ key: 'a', isDelete: true, value: text('') }])
  })

  it('read-write sets are sorted by namespace, then key, in byte order', () => {
    const simulator = simulate()
    for (const namespace of ['z', 'a']) {
      // U+FF00 sorts before a character outside the basic plane in UTF-8, after it in UTF-16.
      for (const key of ['b', '\u{10000}', '\uff00', 'a']) simulator.putState(namespace, key, text('v'))
    }
    const set = rwset(simulator)
    expect(Object.keys(set)).toEqual(['a', 'z'])
    expect(set.a?.writes.map(({ key }) => key)).toEqual(['a', 'b', '\uff00', '\u{10000}'])
  })

  it('metadata replaces all that a key had, and reading it is a read of the key', async () => {
    const state = new MemoryStateDB()
    const version = { blockNumber: 1, txNumber: 0 }
    const metadata = KVMetadataWrite.encode({ entries: [{ name: 'p', value: text('x') }] })
    state.commit([{ namespace: 'cc', key: 'a', value: text('1'), metadata, version }], version)
    const simulator = new TransactionSimulator(state.snapshot())
    expect((await simulator.getStateMetadata('cc', 'a'))?.get('p')).toEqual(text('x'))
    simulator.putStateMetadata('cc', 'a', new Map([['q', text('y')]]))
    expect(rwset(simulator).cc).toMatchObject({
      reads: [{ key: 'a' }],
      metadataWrites: [{ key: 'a', entries: [{ name: 'q', value: text('y') }] }],
    })
  })

  it.each([
    ['an empty key', (s: TransactionSimulator) => s.putState('cc', '', text('v')), 'CHAINCODE_BAD_KEY'],
    ['half a surrogate pair', (s: TransactionSimulator) => s.putState('cc', '\ud800', text('v')), 'CHAINCODE_BAD_KEY'],
    ['a key over the limit', (s: TransactionSimulator) => s.putState('cc', 'x'.repeat(17), text('v')), 'CHAINCODE_BAD_KEY'],
    [
      'a value over the limit',
      (s: TransactionSimulator) => s.putState('cc', 'a', new Uint8Array(33)),
      'CHAINCODE_VALUE_TOO_LARGE',
    ],
  ])('%s is refused', (_name, act, code) => {
    const simulator = simulate({}, { maxKeyBytes: 16, maxValueBytes: 32 })
    expect(() => act(simulator)).toThrow(expect.objectContaining({ code }))
  })

  it('a transaction that reads and writes more than the limit is refused', () => {
    const simulator = simulate({}, { maxResultsBytes: 1_000 })
    const fill = () => {
      for (let i = 0; i < 100; i++) simulator.putState('cc', `k${i}`, text('value'))
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'CHAINCODE_RESULTS_TOO_LARGE' }))
  })
})

describe('ranges', () => {
  it('begin at the start and end before the end', async () => {
    const simulator = simulate({ a: '1', b: '2', c: '3' })
    expect(await keysOf(simulator.range('cc', 'a', 'c'))).toEqual(['a', 'b'])
  })

  it('that are exhausted record the end that was asked for', async () => {
    const simulator = simulate({ a: '1', b: '2' })
    await keysOf(simulator.range('cc', 'a', 'z'))
    expect(rwset(simulator).cc?.rangeQueriesInfo).toMatchObject([
      { startKey: 'a', endKey: 'z', itrExhausted: true, rawReads: { kvReads: [{ key: 'a' }, { key: 'b' }] } },
    ])
  })

  it('give results a hundred at a time, and count the one that is read ahead', async () => {
    const simulator = simulate(numbered(250))
    const scan = simulator.range('cc', 'k', 'l')
    const first = await scan.next()
    expect([first.results.length, first.more]).toEqual([100, true])
    expect(rwset(simulator).cc?.rangeQueriesInfo).toMatchObject([{ startKey: 'k', endKey: 'k0100', itrExhausted: false }])
  })

  it('continue where the batch before ended', async () => {
    const simulator = simulate(numbered(250))
    const scan = simulator.range('cc', 'k', 'l')
    const pages = [await scan.next(), await scan.next(), await scan.next()]
    expect(pages.map(({ results, more }) => [results[0]?.key, results.length, more])).toEqual([
      ['k0000', 100, true],
      ['k0100', 100, true],
      ['k0200', 50, false],
    ])
  })

  it('of more than fifty reads are recorded as a Merkle summary', async () => {
    const simulator = simulate(numbered(60))
    await keysOf(simulator.range('cc', 'k', 'l'))
    const [query] = rwset(simulator).cc?.rangeQueriesInfo ?? []
    expect(query?.rawReads).toBeUndefined()
    expect(query?.readsMerkleHashes).toMatchObject({ maxDegree: 50, maxLevel: 1 })
    expect(query?.readsMerkleHashes?.maxLevelHashes).toHaveLength(2)
  })

  it('that were asked twice are recorded once', async () => {
    const simulator = simulate({ a: '1' })
    await keysOf(simulator.range('cc', 'a', 'z'))
    await keysOf(simulator.range('cc', 'a', 'z'))
    expect(rwset(simulator).cc?.rangeQueriesInfo).toHaveLength(1)
  })

  it('with more results than the limit fail, where Fabric would cut silently', async () => {
    const simulator = simulate(numbered(20), { maxQueryResults: 10 })
    await expect((async () => simulator.range('cc', 'k', 'l').next())()).rejects.toMatchObject({
      code: 'CHAINCODE_QUERY_TOO_LARGE',
    })
  })

  it('of which too many are open are refused', async () => {
    const simulator = simulate(numbered(200), { maxOpenQueries: 2 })
    for (let i = 0; i < 2; i++) await simulator.range('cc', 'k', 'l').next()
    expect(() => simulator.range('cc', 'k', 'l')).toThrow(expect.objectContaining({ code: 'CHAINCODE_TOO_MANY_QUERIES' }))
  })

  it('rich queries are refused by a store that has none', () => {
    expect(() => simulate().query('cc', '{}')).toThrow(expect.objectContaining({ code: 'CHAINCODE_QUERY_NOT_SUPPORTED' }))
  })
})

describe('pages', () => {
  const page = (size: number, bookmark = '') => ({ size, bookmark })

  it('go on from the bookmark of the page before, which is empty at the end', async () => {
    const simulator = simulate(numbered(5))
    const first = await simulator.range('cc', 'k', 'l', page(3)).next()
    expect(first).toMatchObject({ more: false, bookmark: 'k0003' })
    const second = await simulator.range('cc', 'k', 'l', page(3, first.bookmark)).next()
    expect(second.results.map(({ key }) => key)).toEqual(['k0003', 'k0004'])
    expect(second.bookmark).toBe('')
  })

  it('record what was returned, and not the key of the bookmark', async () => {
    const simulator = simulate(numbered(5))
    await simulator.range('cc', 'k', 'l', page(2)).next()
    expect(rwset(simulator).cc?.rangeQueriesInfo).toMatchObject([
      { startKey: 'k', endKey: 'k0001', itrExhausted: false, rawReads: { kvReads: [{ key: 'k0000' }, { key: 'k0001' }] } },
    ])
  })

  it('a write after a paged query is an error', async () => {
    const simulator = simulate(numbered(5))
    await simulator.range('cc', 'k', 'l', page(2)).next()
    for (const write of [
      () => simulator.putState('cc', 'a', text('1')),
      () => simulator.deleteState('cc', 'a'),
      () => simulator.putStateMetadata('cc', 'a', new Map()),
    ]) {
      expect(write).toThrow(expect.objectContaining({ code: 'CHAINCODE_PAGED_QUERY_AND_WRITE' }))
    }
  })

  it('a paged query after a write is an error', () => {
    const simulator = simulate(numbered(5))
    simulator.putState('cc', 'a', text('1'))
    expect(() => simulator.range('cc', 'k', 'l', page(2))).toThrow(
      expect.objectContaining({ code: 'CHAINCODE_PAGED_QUERY_AND_WRITE' }),
    )
  })

  it('a page of no size and no bookmark is an ordinary query', async () => {
    const simulator = simulate(numbered(5))
    await simulator.range('cc', 'k', 'l', page(0)).next()
    simulator.putState('cc', 'a', text('1'))
    expect(rwset(simulator).cc?.writes).toHaveLength(1)
  })

  it('a bookmark outside the range, or a size that is none, is refused', () => {
    const simulator = simulate(numbered(5))
    expect(() => simulator.range('cc', 'k', 'l', page(2, 'a'))).toThrow(
      expect.objectContaining({ code: 'CHAINCODE_BAD_BOOKMARK' }),
    )
    expect(() => simulator.range('cc', 'k', 'l', page(2, 'l'))).toThrow(
      expect.objectContaining({ code: 'CHAINCODE_BAD_BOOKMARK' }),
    )
    for (const size of [-1, 0.5, Number.NaN]) {
      expect(() => simulator.range('cc', 'k', 'l', page(size))).toThrow(
        expect.objectContaining({ code: 'CHAINCODE_BAD_ARGUMENT' }),
      )
    }
  })
})
