// Runs seeds of one subject for its parent, one after the other: `child.ts SUBJECT`.
import process from 'node:process'
import { concentrate, isOwnSimulation, planOf, simulate } from '@heddle/testkit/simulator'
import type { SeedOrder, SeedReport } from './protocol.ts'
import { loadSubject } from './subjects.ts'

const subject = await loadSubject(process.argv[2]!)
if (isOwnSimulation(subject)) throw new TypeError(`${subject.name} has a simulation of its own`)

process.on('message', async ({ seed, twice, concentrated }: SeedOrder) => {
  const drawn = planOf(subject, seed)
  const plan = concentrated ? concentrate(drawn) : drawn
  const outcome = await simulate(subject, plan)
  const violations = [...outcome.violations]
  if (twice) {
    const again = await simulate(subject, plan)
    if (again.digest !== outcome.digest || again.events !== outcome.events) {
      const message = `two runs differ: ${outcome.events} events, ${outcome.digest}; ${again.events} events, ${again.digest}`
      violations.push({ checker: 'determinism', message, time: outcome.time })
    }
  }
  const { counts, digest, events, time } = outcome
  const report: SeedReport = { seed, violations, counts, digest, events, time }
  process.send!(report)
})
process.on('disconnect', () => process.exit(0))
process.send!('ready')
