// `npm run bench -- ordering [--plugin NAME] [--json]`: envelopes a second through an ordering plugin, in three processes and in one. What is
// measured against what stands in packages/consensus-NAME/bench/ordering.ts, which exports `measure(say)`.
import { existsSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type BenchmarkRow, runBenchmark } from '@heddle/testkit/benchmark'

/** What packages/consensus-NAME/bench/ordering.ts exports: takes the measurements and returns the rows of the report. */
export interface OrderingBenchmark {
  measure(say: (line: string) => void): Promise<readonly BenchmarkRow[]>
}

const { values } = parseArgs({ options: { plugin: { type: 'string', default: 'raft' }, json: { type: 'boolean' } } })
const name = values.plugin
const module = new URL(`../../consensus-${name}/bench/ordering.ts`, import.meta.url)
if (!/^[a-z][a-z-]*$/.test(name) || !existsSync(module)) {
  process.stderr.write(`ordering: there is no benchmark of a plugin ${name}\n`)
  process.exit(2)
}
const { measure } = (await import(module.href)) as OrderingBenchmark
await runBenchmark('ordering', measure)
