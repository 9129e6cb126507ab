import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchmarkRow, row, runBenchmark } from '@heddle/testkit/benchmark'
import { ClassicLevel } from 'classic-level'
import { LevelStateDB } from '../src/adapters/state-level/level-state-db.ts'
import { MemoryStateDB } from '../src/adapters/state-memory/memory-state-db.ts'
import type { StateDB, StateWrite } from '../src/ports/state-db.ts'

/*
 * The StateDB adapters against bare classic-level: what versions, snapshots and one interface cost, and what the cache gives back.
 * Keys are read in an order that jumps about. "cold" reads keys that no cache of ours holds; "hot" reads a working set of 10,000.
 */

const KEYS = 200_000
const READS = 50_000
const HOT = 10_000
const BATCH = 200
const BATCHES = 200
const NAMESPACE = 'chaincode'
const VALUE_BYTES = 256

/** What is measured of each store. */
interface Subject {
  get(key: string): unknown
  getMany(keys: string[]): unknown
  write(keys: string[], round: number): Promise<void> | void
  range(start: string, count: number): Promise<void> | void
}

const keyOf = (i: number): string => `account-${String(i).padStart(7, '0')}`
const jump = (i: number): number => (i * 7919) % KEYS
const values = new Uint8Array(1 << 20).map((_, i) => i * 31)
const sampleValue = (i: number): Uint8Array =>
  values.subarray((i * 64) % (values.length - 1024), ((i * 64) % (values.length - 1024)) + VALUE_BYTES)

async function rate(count: number, work: () => Promise<void> | void): Promise<number> {
  const start = performance.now()
  await work()
  return (count / (performance.now() - start)) * 1000
}

async function measure(subject: Subject): Promise<Record<string, number>> {
  const figures: Record<string, number> = {}
  const reads = async (set: number, at: (i: number) => number): Promise<number> =>
    rate(set, async () => {
      for (let i = 0; i < set; i++) {
        const answer = subject.get(keyOf(at(i)))
        if (answer instanceof Promise) await answer
      }
    })
  figures['reads-cold'] = await reads(READS, jump)
  await reads(HOT, (i) => i % HOT)
  figures['reads-hot'] = await reads(READS, (i) => (i * 17) % HOT)
  figures['read-two'] = await rate(READS / 2, async () => {
    for (let i = 0; i < READS; i += 2) {
      const answer = subject.getMany([keyOf(jump(i + READS)), keyOf(jump(i + READS + 1))])
      if (answer instanceof Promise) await answer
    }
  })
  figures['batches-of-200'] = await rate(BATCHES, async () => {
    for (let round = 0; round < BATCHES; round++) {
      await subject.write(
        Array.from({ length: BATCH }, (_, i) => keyOf(jump(round * BATCH + i))),
        round,
      )
    }
  })
  figures['range-entries'] = await rate(100 * 100, async () => {
    for (let i = 0; i < 100; i++) await subject.range(keyOf(jump(i) % (KEYS - 200)), 100)
  })
  return figures
}

async function ofState(db: StateDB): Promise<Record<string, number>> {
  let block = 0
  const writes = (keys: string[]): StateWrite[] =>
    keys.map((key, i) => ({
      namespace: NAMESPACE,
      key,
      value: sampleValue(i + block),
      metadata: undefined,
      version: { blockNumber: block, txNumber: i },
    }))
  for (let i = 0; i < KEYS; i += 1000) {
    block++
    await db.commit(writes(Array.from({ length: 1000 }, (_, j) => keyOf(i + j))), { blockNumber: block, txNumber: 0 })
  }
  return measure({
    get: (key) => db.get(NAMESPACE, key),
    getMany: (keys) => db.getMany(NAMESPACE, keys),
    write: (keys) => {
      block++
      return db.commit(writes(keys), { blockNumber: block, txNumber: 0 })
    },
    range: async (start, count) => {
      const iterator = db.range(NAMESPACE, start, '')
      await iterator.next(count)
      await iterator.close()
    },
  })
}

async function ofBareLevel(folder: string): Promise<Record<string, number>> {
  const level = new ClassicLevel<string, Uint8Array>(folder, {
    valueEncoding: 'view',
    cacheSize: 16 << 20,
    writeBufferSize: 8 << 20,
    maxFileSize: 8 << 20,
  })
  await level.open()
  const write = async (keys: string[], round: number): Promise<void> => {
    const batch = level.batch()
    for (const [i, key] of keys.entries()) batch.put(`${NAMESPACE}\0${key}`, sampleValue(i + round))
    await batch.write()
  }
  for (let i = 0; i < KEYS; i += 1000)
    await write(
      Array.from({ length: 1000 }, (_, j) => keyOf(i + j)),
      i,
    )
  const figures = await measure({
    get: (key) => level.getSync(`${NAMESPACE}\0${key}`),
    getMany: (keys) => level.getMany(keys.map((key) => `${NAMESPACE}\0${key}`)),
    write,
    range: async (start, count) => {
      const iterator = level.iterator({ gte: `${NAMESPACE}\0${start}`, lt: `${NAMESPACE}\u0001`, highWaterMarkBytes: 256 << 10 })
      await iterator.nextv(count)
      await iterator.close()
    },
  })
  await level.close()
  return figures
}

/** Rates a second of each adapter beside those of bare classic-level. */
async function benchState(): Promise<BenchmarkRow[]> {
  const root = await mkdtemp(join(tmpdir(), 'heddle-bench-'))
  try {
    const bare = await ofBareLevel(join(root, 'bare'))
    const level = new LevelStateDB(join(root, 'level'))
    await level.open()
    const ofLevel = await ofState(level)
    await level.close()
    const uncached = new LevelStateDB(join(root, 'uncached'), { cacheBytes: 0 })
    await uncached.open()
    const ofUncached = await ofState(uncached)
    await uncached.close()
    const ofMemory = await ofState(new MemoryStateDB())
    const rows: BenchmarkRow[] = []
    for (const [suffix, figures] of [
      ['level', ofLevel],
      ['level-without-cache', ofUncached],
      ['memory', ofMemory],
    ] as const) {
      for (const [metric, value] of Object.entries(figures)) {
        rows.push(row(`${metric}-${suffix}`, '1/s', value, { name: 'bare classic-level', value: bare[metric]! }))
      }
    }
    return rows
  } finally {
    await rm(root, { recursive: true })
  }
}

await runBenchmark('state', () => benchState())
