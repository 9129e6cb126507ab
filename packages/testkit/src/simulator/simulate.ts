import type { Violation } from './chain-checker.ts'
import { Draw } from './draw.ts'
import { drawPlan, type Plan } from './plan.ts'
import { Scheduler } from './scheduler.ts'
import type { OrderingSubject } from './subject.ts'
import { nameOf } from './terms.ts'
import { Trace, type TraceListener } from './trace.ts'
import { World } from './world.ts'

/** What came of one seed. */
export interface Outcome {
  readonly plan: Plan
  readonly violations: readonly Violation[]
  /** How often what happened: the raw material of coverage. */
  readonly counts: Readonly<Record<string, number>>
  /** Hash of all that happened: the same for the same plan. */
  readonly digest: string
  readonly events: number
  /** Virtual milliseconds. */
  readonly time: number
}

/** What a seed of a subject runs. */
export function planOf(subject: OrderingSubject, seed: number): Plan {
  const draw = new Draw(`${subject.name} ${seed}`)
  return drawPlan(subject.name, seed, subject.plan(draw.fork('subject')), draw.fork('plan'))
}

/** Runs a plan to its end or to the first violation. Deterministic: the same plan gives the same history and digest. */
export async function simulate(subject: OrderingSubject, plan: Plan, listener?: TraceListener): Promise<Outcome> {
  const scheduler = new Scheduler(new Trace(listener))
  const world = new World(subject, plan, scheduler, new Draw(`${plan.subject} ${plan.seed} run`))
  const unhandled = (reason: unknown): void => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
    world.violate('unhandled rejection', `a process would end: ${nameOf(reason)}: ${text}`)
  }
  process.on('unhandledRejection', unhandled)
  try {
    await world.run()
  } catch (error) {
    world.violate('exception', error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  return {
    plan,
    violations: world.violations,
    counts: Object.fromEntries([...world.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    digest: scheduler.trace.digest,
    events: scheduler.events,
    time: scheduler.now,
  }
}
