// From nothing to the first committed transaction: a network in memory, as a test creates it.
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'

const RUNS = 7

/** What a fresh process does: import, create, submit. Prints milliseconds since each began. */
const PROGRAM = `
const from = performance.now()
const { createNetwork } = await import('@heddle/core')
const { default: solo } = await import('@heddle/consensus-solo')
const imported = performance.now()
const network = await createNetwork({
  organizations: ['Org1', 'Org2'],
  ordering: { use: solo },
  chaincodes: { kv: { chaincode: { async invoke(stub) { await stub.putState('a', Buffer.from('1')) } }, endorsement: "AND('Org1MSP.peer', 'Org2MSP.peer')" } },
})
const created = performance.now()
await network.gateway('Org1').contract('kv').submit('put')
const first = performance.now()
await network.stop()
console.log(JSON.stringify({ imports: imported - from, created: created - imported, first: first - imported, whole: first - from }))
`

await runBenchmark('startup', async (say) => {
  const samples: { imports: number; created: number; first: number; whole: number }[] = []
  for (let run = 0; run < RUNS; run++) {
    say(`process ${run + 1} of ${RUNS}`)
    const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    samples.push(JSON.parse(stdout))
  }
  const bare = spawnSync(process.execPath, ['-e', 'console.log(performance.now())'], { encoding: 'utf8' })
  const node = { name: 'Node itself, until the first line of an empty program', value: Number(bare.stdout) }
  const median = (pick: (sample: (typeof samples)[number]) => number): number => percentile(samples.map(pick), 0.5)
  return [
    row(
      'first-commit',
      'ms',
      median(({ first }) => first),
      node,
    ),
    row(
      'created',
      'ms',
      median(({ created }) => created),
      node,
    ),
    row(
      'imports',
      'ms',
      median(({ imports }) => imports),
      node,
    ),
    row(
      'process',
      'ms',
      median(({ whole }) => whole),
      node,
    ),
  ]
})
