import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { isOwnSimulation, type Mutant } from '@heddle/testkit/simulator'
import { runSeeds } from './crew.ts'
import type { SimOptions } from './options.ts'
import type { SeedReport } from './protocol.ts'
import { loadSubject, root, subjectNames } from './subjects.ts'

/** Seeds within which a mutant must die, unless it says otherwise. */
const SEEDS = 200

interface Listed {
  readonly mutant: Mutant
  readonly subject: string
}

/** What became of one mutant. */
export interface MutantReport {
  readonly name: string
  /** The seed that noticed; null when none did. */
  readonly seed: number | null
  readonly plugin: string
  readonly checker: string | null
  readonly file: string
  /** Seeds that fail on the unchanged code: a violation of its own. */
  readonly unsound: readonly string[]
}

/** Takes safety checks out of the code, one at a time; some seed has to notice each. Gives the exit status. */
export async function mutations(
  { plugin, only, json, jobs }: SimOptions,
  out: (text: string) => void,
  say: (text: string) => void,
): Promise<number> {
  const listed = await allMutants(plugin, only)
  if (listed.length === 0) throw new RangeError('no such mutants')
  for (const { mutant } of listed) check(mutant)
  const reports: MutantReport[] = []
  const left = [...listed]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const report = await hunt(next)
      reports.push(report)
      say(report.seed === null ? `ALIVE: ${report.name}` : `${report.name}: seed ${report.seed}, ${report.checker}`)
      for (const what of report.unsound) say(`  ${what}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, listed.length) }, worker))
  const order = new Map(listed.map(({ mutant }, i) => [mutant.name, i]))
  reports.sort((a, b) => order.get(a.name)! - order.get(b.name)!)
  if (json) out(`${JSON.stringify({ mutants: reports })}\n`)
  else print(reports, out)
  return reports.some(({ seed, unsound }) => seed === null || unsound.length > 0) ? 1 : 0
}

async function allMutants(plugin: string | undefined, only: string | undefined): Promise<Listed[]> {
  const listed: Listed[] = []
  for (const name of plugin === undefined ? subjectNames() : [plugin]) {
    const subject = await loadSubject(name)
    if (isOwnSimulation(subject)) continue
    for (const mutant of subject.mutants ?? [])
      if (only === undefined || mutant.name === only) listed.push({ mutant, subject: mutant.subject ?? name })
  }
  const names = listed.map(({ mutant }) => mutant.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Error(`two mutants are called "${twice}"`)
  return listed
}

/** A mutant whose text has moved on would prove nothing. */
function check({ name, file, find, replace }: Mutant): void {
  const parts = readFileSync(join(root, file), 'utf8').split(find).length - 1
  if (parts !== 1) throw new Error(`mutant "${name}": its text stands ${parts} times in ${file}, not once`)
  if (find === replace) throw new Error(`mutant "${name}" changes nothing`)
}

async function hunt({ mutant, subject }: Listed): Promise<MutantReport> {
  const execArgv = ['--import', new URL('./mutant-hooks.ts', import.meta.url).href]
  const common = { ...process.env, HEDDLE_ROOT: root }
  const env = { ...common, HEDDLE_SIM_MUTANT: JSON.stringify(mutant) }
  const settings = { subject, jobs: 1, execArgv, sample: false, concentrated: true }
  const base = { name: mutant.name, plugin: subject, file: mutant.file }
  const unsound: string[] = []
  for (let from = 0; from < (mutant.seeds ?? SEEDS); ) {
    let found: SeedReport | undefined
    await runSeeds(range(from, mutant.seeds ?? SEEDS), { ...settings, env }, (report) => {
      if (report.violations.length > 0) found = report
      return found === undefined
    })
    if (found === undefined) break
    const { seed, violations } = found
    // The code as it is has to pass that seed: else it was not the mutation that failed.
    let why: string | undefined
    await runSeeds([seed], { ...settings, env: common }, (report) => {
      why = report.violations[0]?.message
      return false
    })
    if (why === undefined) return { ...base, seed, checker: violations[0]!.checker, unsound }
    unsound.push(`seed ${seed} fails without the mutation: ${why}`)
    from = seed + 1
  }
  return { ...base, seed: null, checker: null, unsound }
}

function* range(from: number, to: number): Generator<number> {
  for (let seed = from; seed < to; seed++) yield seed
}

function print(reports: readonly MutantReport[], out: (text: string) => void): void {
  const width = Math.max(...reports.map(({ name }) => name.length))
  for (const { name, seed, plugin, checker } of reports)
    out(
      `${seed === null ? 'ALIVE' : 'dead '} ${name.padEnd(width)}  ${seed === null ? '' : `${plugin} seed ${seed}: ${checker}`}\n`,
    )
  const alive = reports.filter(({ seed }) => seed === null).length
  out(`\n${reports.length - alive} of ${reports.length} mutants were noticed\n`)
}
