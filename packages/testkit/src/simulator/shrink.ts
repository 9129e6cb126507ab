import type { Fault, Plan } from './plan.ts'
import { type Outcome, simulate } from './simulate.ts'
import type { OrderingSubject } from './subject.ts'

export interface Shrunk {
  readonly plan: Plan
  readonly outcome: Outcome
}

/**
 * Looks for a smaller plan that fails by the same checker: fewer faults (ddmin, Zeller and Hildebrandt 2002), less time, fewer
 * envelopes, a calmer network. Undefined when the plan does not fail.
 */
export async function shrink(
  subject: OrderingSubject,
  plan: Plan,
  say: (text: string) => void = () => {},
): Promise<Shrunk | undefined> {
  const first = await simulate(subject, plan)
  const checker = first.violations[0]?.checker
  if (checker === undefined) return undefined
  let best: Shrunk = { plan, outcome: first }
  const attempt = async (smaller: Plan): Promise<boolean> => {
    const outcome = await simulate(subject, smaller)
    if (outcome.violations[0]?.checker !== checker) return false
    best = { plan: smaller, outcome }
    return true
  }
  await shorten(best, attempt)
  say(`${best.plan.duration} ms`)
  await fewerFaults(() => best.plan, attempt)
  say(`${best.plan.faults.length} faults`)
  for (const calmer of [calmNetwork, calmDisks, calmClocks, calmLoad]) await attempt(calmer(best.plan))
  for (let envelopes = Math.floor(best.plan.envelopes / 2); envelopes >= 1; envelopes = Math.floor(envelopes / 2))
    if (!(await attempt({ ...best.plan, envelopes }))) break
  say(`${best.plan.envelopes} envelopes`)
  await fewerFaults(() => best.plan, attempt)
  await shorten(best, attempt)
  return best
}

/** What came after the failure did not cause it. */
async function shorten({ plan, outcome }: Shrunk, attempt: (plan: Plan) => Promise<boolean>): Promise<void> {
  const { time } = outcome.violations[0]!
  const before = plan.faults.filter(({ at }) => at <= time)
  // Clients send over the whole time: the same number in less time would be another story.
  const cut = (duration: number): Plan => ({
    ...plan,
    faults: before,
    duration,
    envelopes: Math.max(1, Math.round((plan.envelopes * duration) / plan.duration)),
  })
  for (const duration of [time / 4, time / 2, time + 1_000])
    if (duration < plan.duration && (await attempt(cut(Math.round(duration))))) return
  if (before.length < plan.faults.length) await attempt({ ...plan, faults: before })
}

async function fewerFaults(current: () => Plan, attempt: (plan: Plan) => Promise<boolean>): Promise<void> {
  for (let parts = 2; current().faults.length > 0; ) {
    const { faults } = current()
    const size = Math.ceil(faults.length / parts)
    let found = false
    for (let at = 0; at < faults.length && !found; at += size) {
      const rest: readonly Fault[] = [...faults.slice(0, at), ...faults.slice(at + size)]
      found = await attempt({ ...current(), faults: rest })
    }
    if (found) parts = Math.max(2, parts - 1)
    else if (size <= 1) return
    else parts = Math.min(faults.length, 2 * parts)
  }
}

const calmNetwork = (plan: Plan): Plan => ({
  ...plan,
  network: { latency: 1, jitter: 0, ordered: true, loss: 0, replay: 0, replayDelay: 1, breaks: 0 },
})

const calmDisks = (plan: Plan): Plan => ({
  ...plan,
  disks: plan.disks.map((disk) => ({ ...disk, syncTime: 1, accessTime: 0.1, fates: { kept: 0, torn: 0 }, journal: true })),
})

const calmClocks = (plan: Plan): Plan => ({ ...plan, clocks: plan.clocks.map(() => ({ skew: 0, drift: 0 })) })

const calmLoad = (plan: Plan): Plan => ({ ...plan, load: { ...plan.load, shape: 'steady', large: 0, aborts: 0, repeats: 0 } })
