import process from 'node:process'
import { type OrderingSubject, planOf, type Violation } from '@heddle/testkit/simulator'
import { runSeeds } from './crew.ts'

export interface CampaignReport {
  readonly plugin: string
  readonly seeds: number
  readonly simulatedHours: number
  readonly coverage: Readonly<Record<string, number>>
  readonly minimum: Readonly<Record<string, number>>
  readonly violations: readonly (Violation & { readonly seed: number; readonly replay: string })[]
  /** All that was counted, beside what a minimum is demanded of. */
  readonly counts: Readonly<Record<string, number>>
  readonly events: number
  readonly seconds: number
  readonly seedsPerCoreMinute: number
}

/** Failures after which a campaign ends: more tell nothing new. */
const MOST_FAILURES = 20

/** Runs seeds `from` to `to`, the last excluded. */
export async function campaign(
  name: string,
  subject: OrderingSubject,
  { from, to }: { readonly from: number; readonly to: number },
  jobs: number,
): Promise<CampaignReport> {
  const started = performance.now()
  const counts: Record<string, number> = {}
  const violations: (Violation & { seed: number; replay: string })[] = []
  const failed = new Set<number>()
  let seeds = 0
  let time = 0
  let events = 0
  const say = progress(to - from)
  const range = (function* () {
    for (let seed = from; seed < to; seed++) yield seed
  })()
  const used = Math.min(jobs, to - from)
  await runSeeds(range, { subject: name, jobs: used }, (report) => {
    seeds++
    time += report.time
    events += report.events
    for (const [what, number] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + number
    for (const violation of report.violations) {
      violations.push({ seed: report.seed, ...violation, replay: `npm run sim -- --plugin ${name} --seed ${report.seed}` })
      failed.add(report.seed)
    }
    say(seeds, failed.size)
    return failed.size < MOST_FAILURES
  })
  say(undefined, failed.size)
  const minimum = subject.minimum(seeds)
  const seconds = (performance.now() - started) / 1000
  violations.sort((a, b) => a.seed - b.seed)
  return {
    plugin: name,
    seeds,
    simulatedHours: Math.round(time / 36_000) / 100,
    coverage: Object.fromEntries(Object.keys(minimum).map((what) => [what, counts[what] ?? 0])),
    minimum,
    violations,
    counts: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))),
    events,
    seconds: Math.round(seconds * 10) / 10,
    seedsPerCoreMinute: Math.round((seeds * 60) / seconds / used),
  }
}

/** What is covered less than demanded. */
export function missed({ coverage, minimum }: CampaignReport): string[] {
  return Object.keys(minimum).filter((what) => (coverage[what] ?? 0) < minimum[what]!)
}

/** The report for people. */
export function printCampaign(report: CampaignReport, subject: OrderingSubject, out: (text: string) => void): void {
  const { plugin, seeds, simulatedHours, coverage, minimum, violations, seconds, seedsPerCoreMinute, counts } = report
  out(
    `${plugin}: ${seeds} seeds, ${simulatedHours} simulated hours in ${seconds} s (${seedsPerCoreMinute} seeds a core-minute)\n\n`,
  )
  const width = Math.max(...Object.keys(counts).map((what) => what.length), 10)
  for (const what of Object.keys(minimum)) {
    const enough = coverage[what]! >= minimum[what]!
    out(
      `  ${what.padEnd(width)} ${String(coverage[what]).padStart(9)}  of at least ${minimum[what]}${enough ? '' : '  MISSED'}\n`,
    )
  }
  for (const [what, number] of Object.entries(counts))
    if (!(what in minimum)) out(`  ${what.padEnd(width)} ${String(number).padStart(9)}\n`)
  for (const { seed, checker, message, time, replay } of violations) {
    out(`\nVIOLATION in seed ${seed} after ${(time / 1000).toFixed(3)} s: ${checker}: ${message}\n  replay: ${replay}\n`)
    if (seed === violations[0]!.seed) out(`  drawn: ${JSON.stringify(planOf(subject, seed))}\n`)
  }
  if (violations.length === 0) out('\nno violations\n')
}

/** A line on the terminal, if there is one. */
function progress(total: number): (done: number | undefined, failures: number) => void {
  if (!process.stderr.isTTY) return () => {}
  return (done, failures) =>
    process.stderr.write(
      done === undefined ? '\r\x1b[K' : `\r${done}/${total} seeds${failures > 0 ? `, ${failures} FAILED` : ''} `,
    )
}
