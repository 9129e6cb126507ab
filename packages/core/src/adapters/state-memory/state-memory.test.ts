import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { StateWrite } from '../../ports/state-db.ts'
import { MemoryStateDB } from './memory-state-db.ts'
import { SortedKeys } from './sorted-keys.ts'
import { ValuePool } from './value-pool.ts'

const write = (key: string, value: number | undefined, blockNumber: number): StateWrite => ({
  namespace: 'cc',
  key,
  value: value === undefined ? undefined : Uint8Array.of(value),
  metadata: undefined,
  version: { blockNumber, txNumber: 0 },
})
const at = (blockNumber: number) => ({ blockNumber, txNumber: 0 })

describe('sorted keys', () => {
  it('are those of a sorted array under any insertions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3000 })), { maxLength: 4000 }), (steps) => {
        const keys = new SortedKeys()
        const model = new Set<string>()
        for (const [remove, n] of steps) {
          const key = `k${String(n).padStart(4, '0')}`
          if (remove) {
            keys.remove(key)
            model.delete(key)
          } else {
            keys.add(key)
            model.add(key)
          }
        }
        const sorted = [...model].sort()
        assert.deepEqual([...keys.from('', false)], sorted)
        const start = 'k1500'
        assert.deepEqual(
          [...keys.from(start, true)],
          sorted.filter((key) => key > start),
        )
        assert.deepEqual(
          [...keys.from(start, false)],
          sorted.filter((key) => key >= start),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('keep ascending insertions in full chunks', () => {
    const keys = new SortedKeys()
    const expected = Array.from({ length: 5000 }, (_, i) => `k${String(i).padStart(6, '0')}`)
    for (const key of expected) keys.add(key)
    assert.deepEqual([...keys.from('', false)], expected)
  })
})

describe('value pool', () => {
  it('gives equal bytes that share nothing with their source', () => {
    const pool = new ValuePool()
    const source = new Uint8Array(10_000).map((_, i) => i)
    for (const length of [0, 1, 64, 65, 300, 512, 513, 5000]) {
      for (let i = 0; i < 20; i++) {
        const part = source.subarray(i, i + length)
        const copy = pool.copy(part)
        assert.equal(Buffer.compare(copy, part), 0)
        assert.notEqual(copy.buffer, source.buffer)
      }
    }
  })
})

describe('memory state', () => {
  it('goes back to a snapshot, again and again', () => {
    const db = new MemoryStateDB()
    db.commit([write('a', 1, 1), write('b', 1, 1)], at(1))
    const start = db.snapshot()
    for (let round = 0; round < 3; round++) {
      db.commit([write('a', 2, 2), write('c', 2, 2)], at(2))
      db.commit([write('b', undefined, 3), write('c', undefined, 3), write('d', 3, 3)], at(3))
      assert.equal(db.get('cc', 'b'), undefined)
      db.revert(start)
      assert.deepEqual(db.savePoint(), at(1))
      assert.deepEqual(
        ['a', 'b', 'c', 'd'].map((key) => db.get('cc', key)?.value[0]),
        [1, 1, undefined, undefined],
      )
      const range = db.range('cc', '', '')
      const keys = range.next(10) as readonly { key: string }[]
      assert.deepEqual(range.next(10), [])
      assert.deepEqual(
        keys.map(({ key }) => key),
        ['a', 'b'],
      )
    }
    db.commit([write('a', 9, 2)], at(2))
    assert.equal(start.get('cc', 'a')?.value[0], 1)
    start.release()
    assert.equal(db.get('cc', 'a')?.value[0], 9)
  })

  it('goes back only to its own snapshot, with no newer one open', () => {
    const db = new MemoryStateDB()
    db.commit([write('a', 1, 1)], at(1))
    const first = db.snapshot()
    db.commit([write('a', 2, 2)], at(2))
    const second = db.snapshot()
    assert.throws(() => db.revert(first), { code: 'STATE_SNAPSHOT_RELEASED' })
    second.release()
    db.revert(first)
    assert.equal(db.get('cc', 'a')?.value[0], 1)
  })

  it('bounds the snapshots that are open', () => {
    const db = new MemoryStateDB()
    const open: { release(): unknown }[] = []
    assert.throws(
      () => {
        for (let i = 1; i < 10_000; i++) {
          db.commit([], at(i))
          open.push(db.snapshot())
        }
      },
      { code: 'STATE_TOO_MANY_SNAPSHOTS' },
    )
    for (const snapshot of open) snapshot.release()
    db.snapshot().release()
  })

  it('is seen rightly through any number of snapshots', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('commit' as const),
        writes: fc.array(fc.tuple(fc.nat(5), fc.option(fc.nat(255))), { maxLength: 5 }),
      }),
      fc.record({ kind: fc.constant('open' as const) }),
      fc.record({ kind: fc.constant('release' as const), index: fc.nat(10) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const db = new MemoryStateDB()
        let model = new Map<string, number>()
        const open: { snapshot: ReturnType<MemoryStateDB['snapshot']>; model: Map<string, number> }[] = []
        let block = 0
        for (const action of steps) {
          if (action.kind === 'open') open.push({ snapshot: db.snapshot(), model })
          else if (action.kind === 'release') {
            for (const { snapshot } of open.splice(action.index, 1)) snapshot.release()
          } else {
            block++
            model = new Map(model)
            const writes = action.writes.map(([key, value]) => write(`k${key}`, value ?? undefined, block))
            for (const [key, value] of action.writes) {
              if (value === null) model.delete(`k${key}`)
              else model.set(`k${key}`, value)
            }
            db.commit(writes, at(block))
          }
          for (const view of [...open, { snapshot: db, model }]) {
            const range = view.snapshot.range('cc', '', '')
            const page = range.next(100) as readonly { key: string; value: Uint8Array }[]
            void range.close()
            assert.deepEqual(
              page.map(({ key, value }) => [key, value[0]]),
              [...view.model].sort(([a], [b]) => (a < b ? -1 : 1)),
            )
            for (let key = 0; key <= 5; key++)
              assert.equal(view.snapshot.get('cc', `k${key}`)?.value[0], view.model.get(`k${key}`))
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
