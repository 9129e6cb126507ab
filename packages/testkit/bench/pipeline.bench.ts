// Transactions a second through the whole flow, against what the machine's cores can do in signatures alone.
import process from 'node:process'
import { measureCryptoCeiling, percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import { inFlight, settled, twoOrganizations } from './two-organizations.ts'

const SIGNATURES = 4
const VERIFICATIONS = 9
/** A peer that knows its own endorsement again verifies one signature fewer. */
const FEWEST_VERIFICATIONS = 7
const IN_FLIGHT = 1_000
const WARM_UP = 10_000
const TRANSACTIONS = Number(process.env.HEDDLE_BENCH_TRANSACTIONS ?? 20_000)

await runBenchmark('pipeline', async (say) => {
  const before = await measureCryptoCeiling(SIGNATURES, VERIFICATIONS)
  say(`crypto ceiling ${before.perSecond.toFixed(0)} transactions/s on ${before.cores} cores`)
  await using bench = await twoOrganizations()
  const { network } = bench
  say(`warming up with ${WARM_UP} transactions`)
  await inFlight(WARM_UP, IN_FLIGHT, (index) => bench.write(`warm${index}`))
  await settled(network)

  say(`measuring ${TRANSACTIONS} transactions, ${IN_FLIGHT} in flight`)
  const latencies = new Float64Array(TRANSACTIONS)
  let peakMemory = 0
  const sampler = setInterval(() => {
    peakMemory = Math.max(peakMemory, process.memoryUsage.rss())
  }, 100)
  const heights = network.peers[0]!.height('main')
  const work = network.signatureWork
  const written = bench.disk
  const started = performance.now()
  await inFlight(TRANSACTIONS, IN_FLIGHT, async (index) => {
    const from = performance.now()
    await bench.write(`key${index}`)
    latencies[index] = performance.now() - from
  })
  await settled(network)
  const seconds = (performance.now() - started) / 1000
  clearInterval(sampler)
  const done = network.signatureWork
  const stored = bench.disk
  const blocks = network.peers[0]!.height('main') - heights
  say('measuring the crypto ceiling again')
  const after = await measureCryptoCeiling(SIGNATURES, VERIFICATIONS)

  // A block is signed once and verified by each peer; the rest is the transactions' own.
  const signatures = (done.signatures - work.signatures - blocks) / TRANSACTIONS
  const verifications = (done.verifications - work.verifications - blocks * network.peers.length) / TRANSACTIONS
  if (signatures !== SIGNATURES || verifications < FEWEST_VERIFICATIONS || verifications > VERIFICATIONS) {
    throw new Error(
      `a transaction made ${signatures} signatures and ${verifications} verifications, not ${SIGNATURES} and ${FEWEST_VERIFICATIONS} to ${VERIFICATIONS}`,
    )
  }
  const fsyncs = (stored.syncs - written.syncs) / TRANSACTIONS
  const bytes = (stored.bytes - written.bytes) / TRANSACTIONS
  const perTransaction = { signatures, verifications, fsyncs, bytes }
  const ceiling = {
    name: 'crypto ceiling: 4 signatures and 9 verifications with OpenSSL on all cores',
    value: (before.perSecond + after.perSecond) / 2,
  }
  const busy = (done.busyNanoseconds - work.busyNanoseconds) / 1e9 / (before.cores * seconds)
  say(`${blocks} blocks of ${(TRANSACTIONS / blocks).toFixed(0)} transactions on average`)
  return [
    row('throughput', 'transactions/s', TRANSACTIONS / seconds, ceiling, perTransaction),
    row('busy', 'share of all cores', busy, { name: 'all cores, all the time', value: 1 }, perTransaction),
    row('p50', 'ms', percentile(latencies, 0.5)),
    row('p99', 'ms', percentile(latencies, 0.99)),
    row('peak-memory', 'MiB', peakMemory / 2 ** 20),
  ]
})
