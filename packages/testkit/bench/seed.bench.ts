// Everything but cryptography: two endorsers, one orderer, three transactions a block, memory state, 500,000 keys, an identity plugin
// that checks nothing. Reference: the same steps on bare Maps.
import process from 'node:process'
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import { bareMaps } from './bare-maps.ts'
import { trustingIdentity } from './trusting-identity.ts'
import { inFlight, settled, twoOrganizations } from './two-organizations.ts'

const KEYS = Number(process.env.HEDDLE_BENCH_KEYS ?? 500_000)
const TRANSACTIONS = Number(process.env.HEDDLE_BENCH_TRANSACTIONS ?? 60_000)
const KEYS_A_TRANSACTION = 500
const IN_FLIGHT = 300
const BLOCK = 3

await runBenchmark('seed', async (say) => {
  await using bench = await twoOrganizations({
    storage: 'memory',
    stateDb: 'memory',
    identity: trustingIdentity,
    channels: { main: { batch: { maxMessages: BLOCK } } },
  })
  const { network } = bench
  say(`filling the state with ${KEYS} keys`)
  await inFlight(KEYS / KEYS_A_TRANSACTION, 20, async (index) => {
    await bench.fill(index * KEYS_A_TRANSACTION, KEYS_A_TRANSACTION)
  })
  await settled(network)
  const spread = (index: number): string => `key${(index * 7919) % KEYS}`
  await inFlight(3_000, IN_FLIGHT, (index) => bench.write(spread(index)))
  await settled(network)

  say(`measuring ${TRANSACTIONS} transactions, ${IN_FLIGHT} in flight`)
  const heights = network.peers[0]!.height('main')
  const latencies = new Float64Array(TRANSACTIONS)
  const started = performance.now()
  await inFlight(TRANSACTIONS, IN_FLIGHT, async (index) => {
    const from = performance.now()
    await bench.write(spread(index + 3_000))
    latencies[index] = performance.now() - from
  })
  await settled(network)
  const rate = TRANSACTIONS / ((performance.now() - started) / 1000)
  say(`${(TRANSACTIONS / (network.peers[0]!.height('main') - heights)).toFixed(1)} transactions a block`)
  say('the same steps on bare Maps')
  const bare = bareMaps(KEYS, TRANSACTIONS, BLOCK)
  return [
    row('throughput', 'transactions/s', rate, { name: 'the same steps on bare Maps, no formats, no hashes', value: bare }),
    row('p50', 'ms', percentile(latencies, 0.5)),
    row('p99', 'ms', percentile(latencies, 0.99)),
    row('peak-memory', 'MiB', process.resourceUsage().maxRSS / 1024),
  ]
})
