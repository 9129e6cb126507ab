/** `npm run fuzz -- [--runs N] [--seed N] [--json]`: mutated inputs to every decoder; exit status 1 when a rule breaks. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'

const usage = 'usage: fuzz [--runs N (1000000)] [--seed N (random)] [--json]'

function count(text: string, name: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`--${name} must be a whole number, not ${text}\n${usage}\n`)
  return process.exit(2)
}

function main(): void {
  const { values } = parseArgs({
    options: { runs: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    return
  }
  const runs = count(values.runs ?? '1000000', 'runs')
  const seed = count(values.seed ?? `${Math.floor(Math.random() * 2 ** 32)}`, 'seed')
  const vectors = fileURLToPath(new URL('../test/vectors/fabric-ledger', import.meta.url))
  const started = performance.now()
  const progress = (done: number) => {
    if (done % 50_000 === 0) process.stderr.write(`fuzz: ${done} of ${runs} (seed ${seed})\n`)
  }
  const report = fuzz({ runs, seed, vectors, progress })
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1))
  if (values.json) process.stdout.write(`${JSON.stringify({ ...report, failure: report.failure ?? null, seconds })}\n`)
  else if (report.failure === undefined) {
    const outcome = `${report.decoded} decoded, ${report.refused} refused with a typed error, no rule broken`
    process.stdout.write(`${runs} mutated inputs from ${report.seeds} real messages (seed ${seed}, ${seconds} s): ${outcome}\n`)
  }
  if (report.failure === undefined) return
  const { run, type, input, error } = report.failure
  process.stderr.write(`fuzz: run ${run} (seed ${seed}, ${type})\n${error}\ninput: ${input}\n`)
  process.exitCode = 1
}

try {
  main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
  process.exitCode = 2
}
