/** `npm run sim`: proves ordering plugins in the deterministic simulator. `--help` says how. Exit status 1 when something is wrong. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { isOwnSimulation, type OrderingSubject, type Plan, planOf, shrink, simulate } from '@heddle/testkit/simulator'
import { campaign, missed, printCampaign } from './campaign.ts'
import { mutations } from './mutations.ts'
import { pluginArgument, type SimOptions, simOptions, usage } from './options.ts'
import { loadSubject, subjectNames } from './subjects.ts'

const out = (text: string): boolean => process.stdout.write(text)
const say = (text: string): boolean => process.stderr.write(`sim: ${text}\n`)

/** Runs the program; gives its exit status. */
async function main(args: readonly string[]): Promise<number> {
  const name = pluginArgument(args)
  if (name !== undefined && !args.includes('--help') && !args.includes('--mutations')) {
    const subject = await loadSubject(name)
    if (isOwnSimulation(subject))
      return subject.simulate(args.filter((arg, i) => arg !== '--plugin' && args[i - 1] !== '--plugin'))
    const options = simOptions(args)
    if (options.seeds !== undefined) return runCampaign(name, subject, options)
    return replay(subject, planFor(subject, options), options)
  }
  const options = simOptions(args)
  if (options.help) {
    out(`${usage}\n  there are: ${subjectNames().join(', ')}\n`)
    return 0
  }
  return mutations(options, out, say)
}

async function runCampaign(name: string, subject: OrderingSubject, { seeds, jobs, json }: SimOptions): Promise<number> {
  const report = await campaign(name, subject, seeds!, jobs)
  if (json) out(`${JSON.stringify(report)}\n`)
  else printCampaign(report, subject, out)
  const less = missed(report)
  for (const what of less) say(`too few: ${what}, ${report.coverage[what]} of ${report.minimum[what]}`)
  for (const { seed, checker, message, replay: command } of report.violations.slice(0, 5)) {
    say(`seed ${seed}: ${checker}: ${message}`)
    say(`  ${command}`)
  }
  return report.violations.length > 0 || less.length > 0 ? 1 : 0
}

function planFor(subject: OrderingSubject, { seed, plan }: SimOptions): Plan {
  return plan === undefined ? planOf(subject, seed!) : (JSON.parse(readFileSync(plan, 'utf8')) as Plan)
}

async function replay(subject: OrderingSubject, plan: Plan, { shrink: smaller, json }: SimOptions): Promise<number> {
  if (smaller) return shrinkPlan(subject, plan)
  if (!json) out(`${JSON.stringify(plan)}\n\n`)
  const line = (time: number, who: string, what: string): boolean =>
    out(`${(time / 1000).toFixed(6).padStart(11)} ${who.padEnd(13)} ${what}\n`)
  const outcome = await simulate(subject, plan, json ? undefined : line)
  if (json) out(`${JSON.stringify(outcome)}\n`)
  else out(`\n${outcome.events} events, trace ${outcome.digest}, ${outcome.violations.length} violations\n`)
  return outcome.violations.length > 0 ? 1 : 0
}

async function shrinkPlan(subject: OrderingSubject, plan: Plan): Promise<number> {
  const result = await shrink(subject, plan, (text) => say(text))
  if (result === undefined) {
    say('nothing to shrink: the plan does not fail')
    return 0
  }
  const { plan: small, outcome } = result
  say(
    `${plan.faults.length} faults → ${small.faults.length}, ${plan.duration} ms → ${small.duration}, ${plan.nodes} nodes → ${small.nodes}`,
  )
  for (const { checker, message } of outcome.violations) say(`${checker}: ${message}`)
  out(`${JSON.stringify(small, undefined, 1)}\n`)
  return 1
}

// Who reads along may leave early.
process.stdout.on('error', () => process.exit(1))
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const wrong = error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true
  say(wrong ? `${(error as Error).message}\n${usage}` : String((error as Error).stack ?? error))
  process.exitCode = wrong ? 2 : 1
}
