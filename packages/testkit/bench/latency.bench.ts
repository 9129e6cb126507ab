// One transaction at a time with the default configuration: how long until it is committed.
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import { settled, twoOrganizations } from './two-organizations.ts'

const WARM_UP = 500
const TRANSACTIONS = 2_000

await runBenchmark('latency', async (say) => {
  await using bench = await twoOrganizations()
  say(`warming up with ${WARM_UP} transactions`)
  for (let index = 0; index < WARM_UP; index++) await bench.write(`warm${index}`)
  say(`measuring ${TRANSACTIONS} transactions, one at a time`)
  const written = bench.disk
  const work = bench.network.signatureWork
  const latencies = new Float64Array(TRANSACTIONS)
  for (let index = 0; index < TRANSACTIONS; index++) {
    const from = performance.now()
    await bench.write(`key${index}`)
    latencies[index] = performance.now() - from
  }
  await settled(bench.network)
  const done = bench.network.signatureWork
  const stored = bench.disk
  const perTransaction = {
    // Those of the blocks included: each transaction has one of its own.
    signatures: (done.signatures - work.signatures) / TRANSACTIONS,
    verifications: (done.verifications - work.verifications) / TRANSACTIONS,
    fsyncs: (stored.syncs - written.syncs) / TRANSACTIONS,
    bytes: (stored.bytes - written.bytes) / TRANSACTIONS,
  }
  const fabric = { name: 'Hyperledger Fabric, default configuration (measured elsewhere)', value: 2_017 }
  return [
    row('p50', 'ms', percentile(latencies, 0.5), fabric, perTransaction),
    row('p99', 'ms', percentile(latencies, 0.99)),
    row('throughput', 'transactions/s', 1000 / (latencies.reduce((sum, each) => sum + each, 0) / TRANSACTIONS)),
  ]
})
