import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { LevelHistory } from '../history/level-history.ts'
import { MemoryHistory } from '../history/memory-history.ts'
import { LevelStateDB } from '../state-level/level-state-db.ts'
import { decodeHeight, decodeValue, encodeHeight, encodeValue } from '../state-level/value-codec.ts'
import { nameEnd, nameKey, numberKey, parseNumberKey, splitName } from './keys.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-level-'))
})
afterEach(() => rm(folder, { recursive: true }))

const name = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\u0001', 'é', '\uFFFD', '\u{10000}'), maxLength: 5 })
const compare = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))

describe('keys', () => {
  it('sort by name, then by what follows, and split again', () => {
    fc.assert(
      fc.property(name, name, name, name, (a, x, b, y) => {
        assert.deepEqual(splitName(nameKey(a) + x), { name: a, rest: x })
        const expected = compare(a, b) || compare(x, y)
        assert.equal(compare(nameKey(a) + x, nameKey(b) + y), expected)
        assert.equal(compare(nameKey(a) + x, nameEnd(a)), -1)
        if (compare(a, b) < 0) assert.equal(compare(nameEnd(a), nameKey(b)), -1)
      }),
      { numRuns: 2000 },
    )
  })

  it('of numbers sort as the numbers do', () => {
    const number = fc.oneof(fc.nat(100), fc.maxSafeNat())
    fc.assert(
      fc.property(number, number, (a, b) => {
        assert.equal(compare(numberKey(a), numberKey(b)), Math.sign(a - b))
        assert.deepEqual(parseNumberKey(`x${numberKey(a)}rest`, 1), { value: a, end: 1 + numberKey(a).length })
      }),
    )
  })
})

describe('stored values', () => {
  const height = fc.record({ blockNumber: fc.maxSafeNat(), txNumber: fc.nat() }, { noNullPrototype: true })

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.option(fc.uint8Array(), { nil: undefined }), height, (value, metadata, version) => {
        const back = decodeValue(encodeValue(value, metadata, version))
        assert.deepEqual(back, { value, metadata, version })
        assert.deepEqual(decodeHeight(encodeHeight(version)), version)
      }),
    )
  })

  it('cut short, are refused or shorter, never a crash', () => {
    const bytes = encodeValue(new Uint8Array(3), new Uint8Array(300), { blockNumber: 2 ** 40, txNumber: 9 })
    for (let length = 0; length < bytes.length - 3; length++)
      assert.throws(() => decodeValue(bytes.subarray(0, length)), RangeError)
  })
})

describe('level state', () => {
  const write = {
    namespace: 'cc',
    key: 'k',
    value: Uint8Array.of(1),
    metadata: undefined,
    version: { blockNumber: 1, txNumber: 0 },
  }

  async function stored(): Promise<void> {
    const db = new LevelStateDB(folder)
    await db.open()
    await db.commit([write], { blockNumber: 1, txNumber: 0 })
    await db.close()
  }

  it('is open once', async () => {
    const db = new LevelStateDB(folder)
    await db.open()
    await assert.rejects(new LevelStateDB(folder).open(), { code: 'STATE_DB_LOCKED' })
    await db.close()
  })

  it('damaged, is refused with the hint that it can be rebuilt', async () => {
    await stored()
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-999999\n')
    await assert.rejects(new LevelStateDB(folder).open(), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'STATE_DB_CORRUPT')
      assert.match(error.message, /rebuilt from the blocks/)
      return true
    })
  })

  it('with its manifest cut, is refused', async () => {
    await stored()
    const manifest = (await readdir(folder)).find((file) => file.startsWith('MANIFEST'))!
    await truncate(join(folder, manifest), 5)
    await assert.rejects(new LevelStateDB(folder).open(), { code: 'STATE_DB_CORRUPT' })
  })

  it('that lost a batch in the middle is refused', async () => {
    const db = new LevelStateDB(folder)
    await db.open()
    for (let i = 1; i <= 5; i++) await db.commit([{ ...write, key: `k${i}` }], { blockNumber: i, txNumber: 0 })
    await db.close()
    // What LevelDB leaves when it reads over a hole in its log: later batches, and not this one.
    const level = new ClassicLevel(folder)
    await level.del('\0m3')
    await level.close()
    await assert.rejects(new LevelStateDB(folder).open(), { code: 'STATE_DB_CORRUPT' })
  })

  it('of an unknown format is refused', async () => {
    await stored()
    const level = new ClassicLevel(folder)
    await level.put('\0f', '99')
    await level.close()
    await assert.rejects(new LevelStateDB(folder).open(), { code: 'STATE_DB_FORMAT_UNKNOWN' })
  })

  it('closed, says so', async () => {
    await stored()
    const db = new LevelStateDB(folder)
    await db.open()
    await db.close()
    assert.throws(() => db.get('cc', 'k'), { code: 'STATE_DB_CLOSED' })
  })
})

describe('key history', () => {
  it('gives the writes of a key, newest first, in pages, on LevelDB as in memory', async () => {
    const level = await LevelHistory.open(folder)
    const memory = new MemoryHistory()
    for (let block = 0; block < 50; block++) {
      const writes = [
        { namespace: 'cc', key: 'k', txNumber: 0 },
        { namespace: 'cc', key: block % 2 === 0 ? 'k' : 'k\0', txNumber: 3 },
        { namespace: 'c', key: 'ck', txNumber: 1 },
      ]
      await level.commit(block, writes)
      memory.commit(block, writes)
    }
    for (const key of ['k', 'k\0', 'none']) {
      const all = await level.writes('cc', key, 1000)
      assert.deepEqual(all, memory.writes('cc', key, 1000))
      const paged = []
      for (let before = undefined as undefined | (typeof all)[number]; ; ) {
        const page = await level.writes('cc', key, 7, before)
        assert.deepEqual(page, memory.writes('cc', key, 7, before))
        if (page.length === 0) break
        paged.push(...page)
        before = page.at(-1)
      }
      assert.deepEqual(paged, all)
    }
    assert.deepEqual(await level.writes('cc', 'k', 2), [
      { blockNumber: 49, txNumber: 0 },
      { blockNumber: 48, txNumber: 3 },
    ])
    assert.equal(level.savePoint(), 49)
    await level.close()
    const again = await LevelHistory.open(folder)
    assert.equal(again.savePoint(), 49)
    assert.equal((await again.writes('c', 'ck', 100)).length, 50)
    await again.close()
  })
})
