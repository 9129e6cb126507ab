// What stays the same as the ledger grows: commit rate and memory with many keys and many blocks, and the time of a restart.
import process from 'node:process'
import { type BenchmarkRow, row, runBenchmark } from '@heddle/testkit/benchmark'
import { type Bench, inFlight, settled, twoOrganizations } from './two-organizations.ts'

const KEYS = [10_000, 100_000, 1_000_000]
const KEYS_A_TRANSACTION = 500
const TRANSACTIONS = 6_000
const IN_FLIGHT = 500
const BLOCKS = [1_000, 10_000]
const RESTARTS = 5

const memory = (): number => {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 2 ** 20
}

/** Commits updates of keys that exist, spread over all of them. */
async function commitRate(bench: Bench, keys: number): Promise<number> {
  const spread = (index: number): string => `key${(index * 7919) % keys}`
  await inFlight(1_000, IN_FLIGHT, (index) => bench.write(spread(index)))
  await settled(bench.network)
  const started = performance.now()
  await inFlight(TRANSACTIONS, IN_FLIGHT, (index) => bench.write(spread(index + 1_000)))
  await settled(bench.network)
  return TRANSACTIONS / ((performance.now() - started) / 1000)
}

async function withManyKeys(say: (line: string) => void): Promise<BenchmarkRow[]> {
  await using bench = await twoOrganizations()
  const rows: BenchmarkRow[] = []
  let filled = 0
  let near: { rate: number; memory: number } | undefined
  // The first thousands of transactions run unoptimised code.
  await commitRate(bench, 1_000)
  for (const keys of KEYS) {
    say(`filling up to ${keys} keys`)
    const from = filled / KEYS_A_TRANSACTION
    await inFlight((keys - filled) / KEYS_A_TRANSACTION, 8, (index) =>
      bench.fill((from + index) * KEYS_A_TRANSACTION, KEYS_A_TRANSACTION),
    )
    filled = keys
    await settled(bench.network)
    const rate = await commitRate(bench, keys)
    const resident = memory()
    near ??= { rate, memory: resident }
    rows.push(row(`throughput-${keys}-keys`, 'transactions/s', rate, { name: `with ${KEYS[0]} keys`, value: near.rate }))
    rows.push(row(`memory-${keys}-keys`, 'MiB', resident, { name: `with ${KEYS[0]} keys`, value: near.memory }))
  }
  return rows
}

async function withManyBlocks(say: (line: string) => void): Promise<BenchmarkRow[]> {
  await using bench = await twoOrganizations({ channels: { main: { batch: { maxMessages: 1 } } } })
  const rows: BenchmarkRow[] = []
  const height = (): number => bench.network.peers[0]!.height('main')
  const rateOfBlocks = async (count: number): Promise<number> => {
    const started = performance.now()
    await inFlight(count, 64, (index) => bench.write(`key${index % 1_000}-${height()}`))
    await settled(bench.network)
    return count / ((performance.now() - started) / 1000)
  }
  await rateOfBlocks(300)
  let near: { rate: number; memory: number; restart: number } | undefined
  for (const blocks of BLOCKS) {
    say(`growing to ${blocks} blocks`)
    if (blocks - height() > 300)
      await inFlight(blocks - height() - 300, 64, (index) => bench.write(`grow${index % 1_000}-${height()}`))
    await settled(bench.network)
    const rate = await rateOfBlocks(300)
    const resident = memory()
    const restarts: number[] = []
    for (let run = 0; run < RESTARTS; run++) restarts.push(await bench.restart())
    const restart = restarts.sort((a, b) => a - b)[RESTARTS >> 1]!
    near ??= { rate, memory: resident, restart }
    rows.push(row(`throughput-${blocks}-blocks`, 'blocks/s', rate, { name: `at ${BLOCKS[0]} blocks`, value: near.rate }))
    rows.push(row(`memory-${blocks}-blocks`, 'MiB', resident, { name: `at ${BLOCKS[0]} blocks`, value: near.memory }))
    rows.push(row(`restart-${blocks}-blocks`, 'ms', restart, { name: `at ${BLOCKS[0]} blocks`, value: near.restart }))
  }
  return rows
}

await runBenchmark('growth', async (say) => [...(await withManyKeys(say)), ...(await withManyBlocks(say))])
