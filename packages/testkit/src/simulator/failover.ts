import { Draw } from './draw.ts'
import type { Plan } from './plan.ts'
import { Scheduler } from './scheduler.ts'
import type { OrderingSubject } from './subject.ts'
import { World } from './world.ts'

export interface FailoverOptions {
  /** Leaders to kill. */
  readonly kills: number
  /** Options of the plugin. */
  readonly options: unknown
  /** Default 3. */
  readonly nodes?: number
  /** One way, milliseconds. Default 0.5: a LAN. */
  readonly latency?: number
  /** Milliseconds of a sync. Default 1. */
  readonly syncTime?: number
  readonly seed?: number
}

/** Milliseconds that anything may take before it counts as never. */
const NEVER = 600_000
const STEP = 5

/**
 * Kills the leader again and again, with an envelope waiting at every other node, and measures the time until the next block is durable
 * anywhere: how long ordering stands still. Nothing else is wrong. Virtual milliseconds, one for each kill.
 *
 * @throws Error when ordering does not go on, or a rule is broken
 */
export async function measureFailovers(subject: OrderingSubject, given: FailoverOptions): Promise<number[]> {
  const { kills, options, nodes = 3, latency = 0.5, syncTime = 1, seed = 1 } = given
  const scheduler = new Scheduler()
  const world = new World(
    subject,
    calmPlan(subject.name, nodes, latency, syncTime, options, seed),
    scheduler,
    new Draw(`failover ${seed}`),
  )
  const draw = new Draw(`failover ${seed} moments`)
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const end = scheduler.now + NEVER
    while (!holds()) {
      if (world.violations.length > 0) throw new Error(`${world.violations[0]!.checker}: ${world.violations[0]!.message}`)
      if (scheduler.now > end) throw new Error(`never: ${what}`)
      await scheduler.run(scheduler.now + STEP)
    }
  }
  const leader = () => world.node(world.prepared.leader?.() ?? '')
  for (const node of world.nodes) node.start()
  const gaps: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    await until('all nodes serve and one leads', () => world.nodes.every(({ state }) => state === 'up') && leader() !== undefined)
    world.clients.send(leader())
    await until('everybody has everything', () => {
      const { height } = world.checker
      return world.clients.waiting === 0 && world.nodes.every((node) => node.host?.height === height)
    })
    // At any phase of heartbeats.
    await scheduler.run(scheduler.now + draw.between(0, 1_000))
    const victim = leader()
    if (victim === undefined) continue
    const begun = scheduler.now
    const height = world.checker.height
    let gap: number | undefined
    world.heard = (_node, blocks) => {
      if (blocks.at(-1)!.number >= height) gap ??= scheduler.now - begun
    }
    victim.end(false)
    for (const node of world.nodes) if (node !== victim) world.clients.send(node)
    await until('ordering goes on', () => gap !== undefined)
    world.heard = undefined
    gaps.push(gap!)
    victim.start()
  }
  return gaps
}

function calmPlan(subject: string, nodes: number, latency: number, syncTime: number, options: unknown, seed: number): Plan {
  const each = <T>(value: T): T[] => Array.from({ length: nodes }, () => value)
  return {
    subject,
    seed,
    nodes,
    duration: Number.MAX_SAFE_INTEGER,
    envelopes: 0,
    load: {
      shape: 'steady',
      clients: 3,
      size: 1_000,
      large: 0,
      patience: NEVER,
      aborts: 0,
      givesUp: 0,
      repeats: 0,
      twins: 0,
    },
    batch: { maxMessageCount: 500, preferredMaxBytes: 16_000, batchTimeout: 500 },
    network: { latency, jitter: latency / 2, ordered: true, loss: 0, replay: 0, replayDelay: 0, breaks: 0 },
    disks: each({ syncTime, accessTime: 0.05, fates: { kept: 1, torn: 0 }, journal: true }),
    clocks: each({ skew: 0, drift: 0 }),
    options,
    patience: NEVER,
    faults: [],
  }
}
