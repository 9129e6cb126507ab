import assert from 'node:assert/strict'
import type { Height, KeyedValue, StateDB, StateIterator, StateReader, StateWrite } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'

/** A store under test. */
export interface StateDbSubject {
  readonly db: StateDB
  /** Closes and opens the same data again, as a restart does; present when `capabilities.durable`. */
  reopen?(): Promise<StateDB>
  dispose(): Promise<void>
}

/** How the suite gets its stores. */
export interface StateDbSuite {
  readonly name: string
  /** A new, empty, opened store. */
  create(): Promise<StateDbSubject>
  readonly skips?: readonly Skip[]
}

const text = new TextEncoder()
const bytes = (value: string): Uint8Array => text.encode(value)
const height = (blockNumber: number, txNumber = 0): Height => ({ blockNumber, txNumber })

function write(
  namespace: string,
  key: string,
  value: string | undefined,
  blockNumber: number,
  txNumber = 0,
  metadata?: string,
): StateWrite {
  return {
    namespace,
    key,
    value: value === undefined ? undefined : bytes(value),
    metadata: metadata === undefined ? undefined : bytes(metadata),
    version: height(blockNumber, txNumber),
  }
}

async function value(reader: StateReader, namespace: string, key: string): Promise<string | undefined> {
  const found = await reader.get(namespace, key)
  return found && new TextDecoder().decode(found.value)
}

async function drain(iterator: StateIterator, page = 100): Promise<KeyedValue[]> {
  const all: KeyedValue[] = []
  for (let got = await iterator.next(page); got.length > 0; got = await iterator.next(page)) {
    assert.ok(got.length <= page, 'a page is never larger than asked for')
    all.push(...got)
  }
  await iterator.close()
  return all
}

const keysOf = (entries: readonly KeyedValue[]): string[] => entries.map(({ key }) => key)

const tests: Record<string, (subject: StateDbSubject) => Promise<void>> = {
  'a new store is empty and has no save point': async ({ db }) => {
    assert.equal(await db.savePoint(), undefined)
    assert.equal(await db.get('cc', 'k'), undefined)
    assert.deepEqual(await drain(db.range('cc', '', '')), [])
  },

  'what is committed is read back with its version and metadata': async ({ db }) => {
    await db.commit([write('cc', 'k', 'v', 3, 7, 'policy'), write('cc', 'plain', 'w', 3, 8)], height(3, 9))
    const found = await db.get('cc', 'k')
    assert.ok(found)
    assert.deepEqual(Buffer.from(found.value), Buffer.from('v'))
    assert.deepEqual(found.metadata && Buffer.from(found.metadata), Buffer.from('policy'))
    assert.deepEqual({ ...found.version }, height(3, 7))
    assert.equal((await db.get('cc', 'plain'))?.metadata, undefined)
    assert.deepEqual({ ...(await db.savePoint())! }, height(3, 9))
  },

  'empty values, empty metadata and absent metadata are told apart': async ({ db }) => {
    await db.commit([write('cc', 'empty', '', 1, 0, ''), write('cc', 'none', '', 1)], height(1))
    const empty = await db.get('cc', 'empty')
    assert.equal(empty?.value.length, 0)
    assert.equal(empty?.metadata?.length, 0)
    const none = await db.get('cc', 'none')
    assert.equal(none?.value.length, 0)
    assert.equal(none?.metadata, undefined)
  },

  'a value is not changed by what the caller does to its buffer later': async ({ db }) => {
    const buffer = new Uint8Array(64).fill(7)
    await db.commit(
      [{ namespace: 'cc', key: 'k', value: buffer.subarray(8, 16), metadata: buffer.subarray(16, 24), version: height(1) }],
      height(1),
    )
    buffer.fill(9)
    const found = await db.get('cc', 'k')
    assert.deepEqual([...found!.value], new Array(8).fill(7))
    assert.deepEqual([...found!.metadata!], new Array(8).fill(7))
  },

  'the last write to a key in a batch wins': async ({ db }) => {
    await db.commit([write('cc', 'k', 'a', 1, 0), write('cc', 'k', 'b', 1, 1)], height(1, 1))
    assert.equal(await value(db, 'cc', 'k'), 'b')
    await db.commit([write('cc', 'k', 'c', 2, 0), write('cc', 'k', undefined, 2, 1)], height(2, 1))
    assert.equal(await value(db, 'cc', 'k'), undefined)
    await db.commit([write('cc', 'k', undefined, 3, 0), write('cc', 'k', 'd', 3, 1)], height(3, 1))
    assert.equal(await value(db, 'cc', 'k'), 'd')
  },

  'a deletion removes key and metadata': async ({ db }) => {
    await db.commit([write('cc', 'k', 'v', 1, 0, 'policy')], height(1))
    await db.commit([write('cc', 'k', undefined, 2), write('cc', 'never', undefined, 2)], height(2))
    assert.equal(await db.get('cc', 'k'), undefined)
    assert.deepEqual(await drain(db.range('cc', '', '')), [])
    await db.commit([write('cc', 'k', 'again', 3)], height(3))
    assert.equal((await db.get('cc', 'k'))?.metadata, undefined)
  },

  'namespaces do not mix, whatever their names': async ({ db }) => {
    const names = ['a', 'a\u0000', 'a\u0000b', 'a\u0001', 'aa', 'a\u0000\u0000', '']
    await db.commit(
      names.map((namespace, i) => write(namespace, '\u0000k', `${i}`, 1, i)),
      height(1, names.length),
    )
    for (const [i, namespace] of names.entries()) {
      assert.equal(await value(db, namespace, '\u0000k'), `${i}`)
      assert.deepEqual(keysOf(await drain(db.range(namespace, '', ''))), ['\u0000k'])
    }
  },

  'getMany answers in the order of the keys': async ({ db }) => {
    await db.commit([write('cc', 'a', '1', 1), write('cc', 'b', '2', 1)], height(1))
    const found = await db.getMany('cc', ['b', 'missing', 'a', 'b'])
    assert.deepEqual(
      found.map((entry) => entry && new TextDecoder().decode(entry.value)),
      ['2', undefined, '1', '2'],
    )
    assert.deepEqual([...(await db.getMany('cc', []))], [])
  },

  'a range has its start and not its end, in UTF-8 byte order': async ({ db }) => {
    // U+10000 is above U+FFFD in UTF-8 and below it in UTF-16.
    const keys = ['a', 'a\u0000', 'ab', 'b', 'é', '\uFFFD', '\u{10000}', '\u{10FFFF}', '\u0000k\u0000']
    await db.commit(
      keys.map((key, i) => write('cc', key, key, 1, i)),
      height(1, keys.length),
    )
    const sorted = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
    assert.deepEqual(keysOf(await drain(db.range('cc', '', ''))), sorted)
    assert.deepEqual(keysOf(await drain(db.range('cc', 'a', 'b'))), ['a', 'a\u0000', 'ab'])
    assert.deepEqual(keysOf(await drain(db.range('cc', 'a\u0000', 'ab'))), ['a\u0000'])
    assert.deepEqual(keysOf(await drain(db.range('cc', '\uFFFD', ''))), ['\uFFFD', '\u{10000}', '\u{10FFFF}'])
    assert.deepEqual(keysOf(await drain(db.range('cc', 'b', 'b'))), [])
    assert.deepEqual(keysOf(await drain(db.range('cc', 'b', 'a'))), [])
  },

  'a range comes in pages of any size': async ({ db }) => {
    const keys = Array.from({ length: 1200 }, (_, i) => `k${String(i).padStart(5, '0')}`)
    await db.commit(
      keys.map((key, i) => write('cc', key, key, 1, i)),
      height(1, keys.length),
    )
    assert.deepEqual(keysOf(await drain(db.range('cc', '', ''), 1)), keys)
    assert.deepEqual(keysOf(await drain(db.range('cc', '', ''), 7)), keys)
    assert.deepEqual(keysOf(await drain(db.range('cc', '', ''), 5000)), keys)
    const iterator = db.range('cc', 'k00010', 'k00013')
    assert.deepEqual(keysOf(await iterator.next(2)), ['k00010', 'k00011'])
    assert.deepEqual(keysOf(await iterator.next(2)), ['k00012'])
    assert.deepEqual(await iterator.next(2), [])
    assert.deepEqual(await iterator.next(2), [], 'the end stays the end')
    await iterator.close()
    await iterator.close()
  },

  'entries of a range carry value, metadata and version': async ({ db }) => {
    await db.commit([write('cc', 'k', 'v', 4, 2, 'm')], height(4, 2))
    const [entry] = await drain(db.range('cc', '', ''))
    assert.deepEqual(Buffer.from(entry!.value), Buffer.from('v'))
    assert.deepEqual(Buffer.from(entry!.metadata!), Buffer.from('m'))
    assert.deepEqual({ ...entry!.version }, height(4, 2))
  },

  'a commit does not disturb a range that is being read': async ({ db }) => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    await db.commit(
      keys.map((key) => write('cc', key, 'old', 1)),
      height(1),
    )
    const iterator = db.range('cc', '', '')
    const first = await iterator.next(100)
    await db.commit(
      keys.map((key, i) => write('cc', key, i % 2 === 0 ? undefined : 'new', 2)).concat(write('cc', 'k0150a', 'added', 2)),
      height(2),
    )
    const rest = await drain(iterator)
    assert.deepEqual([...keysOf(first), ...keysOf(rest)], keys)
    assert.ok([...first, ...rest].every((entry) => Buffer.from(entry.value).toString() === 'old'))
  },

  'a snapshot does not see later commits': async (subject) => {
    const { db } = subject
    if (!db.capabilities.snapshot) return
    await db.commit([write('cc', 'a', '1', 1), write('cc', 'b', '1', 1)], height(1))
    const first = await db.snapshot()
    await db.commit([write('cc', 'a', '2', 2), write('cc', 'b', undefined, 2), write('cc', 'c', '2', 2)], height(2))
    const second = await db.snapshot()
    await db.commit([write('cc', 'a', undefined, 3), write('cc', 'b', '3', 3), write('cc', 'c', undefined, 3)], height(3))
    const third = await db.snapshot()

    assert.deepEqual({ ...first.height! }, height(1))
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((key) => value(first, 'cc', key))), ['1', '1', undefined])
    assert.deepEqual(keysOf(await drain(first.range('cc', '', ''))), ['a', 'b'])
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((key) => value(second, 'cc', key))), ['2', undefined, '2'])
    assert.deepEqual(keysOf(await drain(second.range('cc', '', ''))), ['a', 'c'])
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((key) => value(third, 'cc', key))), [undefined, '3', undefined])
    const many = await second.getMany('cc', ['c', 'b', 'a'])
    assert.deepEqual(
      many.map((entry) => entry?.version.blockNumber),
      [2, undefined, 2],
    )
    await first.release()
    assert.equal(await value(second, 'cc', 'c'), '2')
    await second.release()
    await third.release()
    assert.equal(await value(db, 'cc', 'b'), '3')
  },

  'a snapshot taken while a commit runs sees all of it or nothing': async ({ db }) => {
    if (!db.capabilities.snapshot) return
    const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
    await db.commit(
      keys.map((key) => write('cc', key, 'old', 1)),
      height(1),
    )
    const running = Promise.resolve(
      db.commit(
        keys.map((key) => write('cc', key, 'new', 2)),
        height(2),
      ),
    )
    const snapshot = await db.snapshot()
    const before = await snapshot.getMany('cc', keys)
    await running
    const after = await snapshot.getMany('cc', keys)
    const expected = snapshot.height?.blockNumber
    assert.ok(expected === 1 || expected === 2)
    for (const entry of [...before, ...after]) assert.equal(entry?.version.blockNumber, expected)
    await snapshot.release()
    assert.equal(await value(db, 'cc', 'k0'), 'new')
  },

  'a released snapshot refuses to answer': async ({ db }) => {
    if (!db.capabilities.snapshot) return
    const snapshot = await db.snapshot()
    await snapshot.release()
    await snapshot.release()
    await assert.rejects(
      async () => snapshot.get('cc', 'k'),
      (error: { code?: string }) => error.code === 'STATE_SNAPSHOT_RELEASED',
    )
  },

  'batches come in ascending height': async ({ db }) => {
    await db.commit([], height(2, 5))
    for (const wrong of [height(2, 5), height(2, 4), height(1, 9)]) {
      await assert.rejects(
        async () => db.commit([write('cc', 'k', 'v', 2)], wrong),
        (error: { code?: string }) => error.code === 'STATE_DB_NOT_ASCENDING',
      )
    }
    assert.equal(await db.get('cc', 'k'), undefined)
    assert.deepEqual({ ...(await db.savePoint())! }, height(2, 5))
  },

  'entries lists everything by namespace, then key, in UTF-8 byte order': async ({ db }) => {
    const names = ['b', 'a', 'a\u0000c', '\u{10000}', '\uFFFD']
    await db.commit(
      names.flatMap((namespace) => [write(namespace, 'y', namespace, 1, 0, 'm'), write(namespace, 'x', namespace, 1)]),
      height(1),
    )
    const seen: string[] = []
    for await (const entry of db.entries()) {
      seen.push(`${entry.namespace}/${entry.key}`)
      assert.equal(new TextDecoder().decode(entry.value), entry.namespace)
    }
    const sorted = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
    assert.deepEqual(
      seen,
      sorted.flatMap((name) => [`${name}/x`, `${name}/y`]),
    )
  },

  'large values and long keys are kept whole': async ({ db }) => {
    const large = new Uint8Array(1 << 20).map((_, i) => i * 31)
    const key = 'k'.repeat(20_000)
    await db.commit(
      [{ namespace: 'cc', key, value: large, metadata: undefined, version: height(2 ** 40, 2 ** 20) }],
      height(2 ** 40),
    )
    const found = await db.get('cc', key)
    assert.equal(Buffer.compare(found!.value, large), 0)
    assert.deepEqual({ ...found!.version }, height(2 ** 40, 2 ** 20))
  },

  'it behaves like a sorted map under random commits': async ({ db }) => {
    const model = new Map<string, { value: string; block: number }>()
    let seed = 12345
    const random = (limit: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * limit)
    }
    for (let block = 1; block <= 60; block++) {
      const writes: StateWrite[] = []
      for (let i = 0; i < 40; i++) {
        const key = `k${random(300)}`
        const deleted = random(3) === 0
        writes.push(write('cc', key, deleted ? undefined : `${block}.${i}`, block, i))
        if (deleted) model.delete(key)
        else model.set(key, { value: `${block}.${i}`, block })
      }
      const held = block % 3 === 0 && db.capabilities.snapshot ? await db.snapshot() : undefined
      await db.commit(writes, height(block))
      await held?.release()
      if (block % 10 !== 0) continue
      const all = await drain(db.range('cc', '', ''), 17)
      assert.deepEqual(keysOf(all), [...model.keys()].sort())
      for (const entry of all) {
        assert.equal(Buffer.from(entry.value).toString(), model.get(entry.key)!.value)
        assert.equal(entry.version.blockNumber, model.get(entry.key)!.block)
      }
    }
  },

  'state and save point survive a restart': async (subject) => {
    if (!subject.db.capabilities.durable) return
    await subject.db.commit([write('cc', 'k', 'v', 3, 1, 'm')], height(3, 4))
    assert.ok(subject.reopen, 'a durable store offers reopen to its suite')
    const db = await subject.reopen()
    assert.deepEqual({ ...(await db.savePoint())! }, height(3, 4))
    assert.equal(await value(db, 'cc', 'k'), 'v')
    await db.commit([write('cc', 'k', 'w', 4)], height(4))
    assert.equal(await value(db, 'cc', 'k'), 'w')
  },
}

/** The rules of the StateDB port. Run it against a store of your own: see the plugin authors' page. */
export function stateDbConformance(api: TestApi, suite: StateDbSuite): void {
  registerSuite(
    api,
    `StateDB: ${suite.name}`,
    () => suite.create(),
    (subject) => subject.dispose(),
    tests,
    suite.skips,
  )
}
