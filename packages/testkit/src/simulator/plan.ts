import type { Draw } from './draw.ts'
import type { ClockFaults } from './node-clock.ts'
import type { DiskTraits } from './sim-disk.ts'
import type { NetworkTraits } from './sim-network.ts'

/** Something that happens to the world at a moment. Times in milliseconds; nodes by index; what does not fit at that moment is left out. */
export type Fault = { readonly at: number } & (
  | { readonly kind: 'power-failure'; readonly node: number; readonly down: number }
  /** In the middle of a sync, the next time when bytes are under way. */
  | { readonly kind: 'power-failure-in-sync'; readonly node: number; readonly down: number }
  | { readonly kind: 'power-failure-of-all'; readonly down: number }
  /** The process dies, the machine does not: what was written and not synced is still there. */
  | { readonly kind: 'kill'; readonly node: number; readonly down: number }
  | { readonly kind: 'kill-leader'; readonly down: number }
  | { readonly kind: 'orderly-restart'; readonly node: number; readonly down: number }
  | { readonly kind: 'pause'; readonly node: number; readonly time: number }
  /** Nodes in `side` and the others do not hear each other; `oneWay`: only those in `side` are not heard. */
  | { readonly kind: 'partition'; readonly side: readonly number[]; readonly oneWay: boolean; readonly time: number }
  | { readonly kind: 'isolate-leader'; readonly oneWay: boolean; readonly time: number }
  | { readonly kind: 'stall'; readonly from: number; readonly to: number; readonly time: number }
  | { readonly kind: 'clock-jump'; readonly node: number; readonly by: number }
  | { readonly kind: 'slow-disk'; readonly node: number; readonly factor: number; readonly time: number }
  | { readonly kind: 'sync-failure'; readonly node: number; readonly down: number }
  | { readonly kind: 'write-failure'; readonly node: number; readonly down: number }
  | { readonly kind: 'disk-full'; readonly node: number; readonly time: number }
  /** Bits rot while the node is down; `where` says in which file and at which byte, as fractions. */
  | { readonly kind: 'damage'; readonly node: number; readonly where: readonly [number, number]; readonly down: number }
  | { readonly kind: 'new-disk'; readonly node: number; readonly down: number }
  | { readonly kind: 'config-update'; readonly limit: 'small' | 'large'; readonly count: number }
  /** What the subject makes of it: a membership change, a broker that fails. */
  | { readonly kind: 'subject'; readonly action: string; readonly number: number }
)

export type FaultKind = Fault['kind']

/** How clients behave. Times in milliseconds. */
export interface LoadTraits {
  readonly shape: 'steady' | 'bursts' | 'waves'
  readonly clients: number
  /** Bytes of content, at most. */
  readonly size: number
  /** Envelopes that only fit while the channel takes large ones. */
  readonly large: number
  /** A client that heard nothing for so long sends the same bytes again, elsewhere. */
  readonly patience: number
  /** How often it tells the orderer that it gave up. */
  readonly aborts: number
  /** How often a client that is told that nothing happened leaves it at that. */
  readonly givesUp: number
  /** How often a client sends the same bytes once more after its answer. */
  readonly repeats: number
  /** How often a client sends another envelope under a transaction id that is in use. */
  readonly twins: number
}

/** All that one seed runs, as plain data: a failure prints it, and it can be edited and run again. */
export interface Plan {
  readonly subject: string
  readonly seed: number
  readonly nodes: number
  /** Milliseconds with faults; then everything heals. */
  readonly duration: number
  readonly envelopes: number
  readonly load: LoadTraits
  readonly batch: { readonly maxMessageCount: number; readonly preferredMaxBytes: number; readonly batchTimeout: number }
  readonly network: NetworkTraits
  readonly disks: readonly DiskTraits[]
  readonly clocks: readonly ClockFaults[]
  /** Options of the plugin, as the subject drew them. */
  readonly options: unknown
  /** Milliseconds after healing within which everything has to be settled. */
  readonly patience: number
  readonly faults: readonly Fault[]
}

/** What a subject says of the plans that it can take. */
export interface PlanLimits {
  readonly nodes: number
  readonly options: unknown
  readonly patience: number
  /** Nodes whose disk may be damaged or lost at one time. */
  readonly lostDisks: number
  /** Actions of its own, and how often in ten minutes, on average, where they happen at all. */
  readonly actions?: Readonly<Record<string, number>>
  /** Faults that it does not stand, with no promise that anything holds. */
  readonly without?: readonly FaultKind[]
}

/** Bytes that an envelope may have while the channel takes small ones only. */
export const SMALL_LIMIT = 4_000
export const LARGE_LIMIT = 16_000
export const DURATION = 600_000
export const ENVELOPES = 1_000

/** Draws what one seed runs: which faults at all, and how often, each seed for itself (swarm testing, Groce et al. 2012). */
export function drawPlan(subject: string, seed: number, limits: PlanLimits, draw: Draw): Plan {
  const { nodes } = limits
  const each = <T>(make: (own: Draw) => T, label: string): T[] =>
    Array.from({ length: nodes }, (_, i) => make(draw.fork(`${label}${i}`)))
  return {
    subject,
    seed,
    nodes,
    duration: DURATION,
    envelopes: ENVELOPES,
    load: drawLoad(draw.fork('load')),
    batch: drawBatch(draw.fork('batch')),
    network: drawNetwork(draw.fork('network')),
    disks: each(drawDisk, 'disk'),
    clocks: each(drawClock, 'clock'),
    options: limits.options,
    patience: limits.patience,
    faults: drawFaults(limits, draw.fork('faults')),
  }
}

/** The same faults in a third of the time, with less load: the quickest way to a violation, for hunting mutants. */
export function concentrate(plan: Plan): Plan {
  const faults = plan.faults.map((fault) => ({ ...fault, at: Math.round(fault.at / 3) }))
  return { ...plan, faults, duration: Math.round(plan.duration / 3), envelopes: Math.round(plan.envelopes / 3) }
}

function drawLoad(draw: Draw): LoadTraits {
  return {
    shape: draw.pick(['steady', 'bursts', 'waves'] as const),
    clients: draw.int(2, 40),
    size: draw.pick([20, 200, 1_000]),
    large: draw.chance(0.5) ? draw.between(0.01, 0.2) : 0,
    patience: draw.magnitude(2_000, 20_000),
    aborts: draw.pick([0, 0.3, 1]),
    givesUp: draw.pick([0, 0.05, 0.3]),
    repeats: draw.pick([0, 0.02, 0.2]),
    twins: draw.pick([0, 0.05]),
  }
}

function drawBatch(draw: Draw): Plan['batch'] {
  return {
    maxMessageCount: draw.pick([1, 3, 10, 50, 500]),
    preferredMaxBytes: draw.pick([1_500, 4_000, LARGE_LIMIT]),
    batchTimeout: draw.pick([100, 500, 2_000]),
  }
}

function drawNetwork(draw: Draw): NetworkTraits {
  const calm = draw.chance(0.3)
  return {
    latency: draw.magnitude(0.1, 30),
    jitter: draw.chance(0.7) ? draw.magnitude(0.1, 50) : 0,
    ordered: draw.chance(0.5),
    loss: calm || draw.chance(0.3) ? 0 : draw.magnitude(0.001, 0.3),
    replay: calm || draw.chance(0.4) ? 0 : draw.magnitude(0.001, 0.5),
    replayDelay: draw.magnitude(1, 20_000),
    breaks: calm ? 0 : draw.pick([0, 0.01, 0.1]),
  }
}

function drawDisk(draw: Draw): DiskTraits {
  return {
    syncTime: draw.magnitude(0.05, 20),
    accessTime: draw.magnitude(0.01, 1),
    fates: draw.pick([
      { kept: 0, torn: 0 },
      { kept: 0.5, torn: 0.25 },
      { kept: 0.9, torn: 0.05 },
      { kept: 1, torn: 0 },
    ]),
    journal: draw.chance(0.7),
  }
}

function drawClock(draw: Draw): ClockFaults {
  return {
    skew: draw.pick([0, draw.between(-500, 500), draw.between(-86_400_000, 86_400_000)]),
    drift: draw.pick([0, draw.between(-0.0005, 0.0005), draw.between(-0.05, 0.05)]),
  }
}

/** Mean number of each fault in ten minutes, where it happens at all, and how many seeds have it. */
const USUAL: Readonly<Record<Exclude<FaultKind, 'subject'>, readonly [often: number, seeds: number]>> = {
  'power-failure': [6, 0.6],
  'power-failure-in-sync': [6, 0.7],
  'power-failure-of-all': [1, 0.3],
  kill: [6, 0.4],
  'kill-leader': [5, 0.6],
  'orderly-restart': [3, 0.3],
  pause: [6, 0.4],
  partition: [5, 0.6],
  'isolate-leader': [4, 0.5],
  stall: [4, 0.3],
  'clock-jump': [3, 0.3],
  'slow-disk': [3, 0.3],
  'sync-failure': [2, 0.4],
  'write-failure': [2, 0.4],
  'disk-full': [1, 0.3],
  damage: [2, 0.35],
  'new-disk': [3, 0.5],
  'config-update': [4, 0.7],
}

function drawFaults(limits: PlanLimits, draw: Draw): Fault[] {
  const faults: Fault[] = []
  for (const kind of Object.keys(USUAL) as (keyof typeof USUAL)[]) {
    const own = draw.fork(kind)
    const [often, seeds] = USUAL[kind]
    if (!own.chance(seeds) || limits.without?.includes(kind) === true) continue
    const rate = often * own.magnitude(0.5, 2)
    for (let at = own.exponential(DURATION / rate); at < DURATION * 0.97; at += own.exponential(DURATION / rate)) {
      const fault = drawFault(kind, Math.round(at), limits, own)
      if (fault !== undefined) faults.push(fault)
    }
  }
  for (const [action, often] of Object.entries(limits.actions ?? {})) {
    const own = draw.fork(`subject ${action}`)
    if (!own.chance(0.6)) continue
    for (let at = own.exponential(DURATION / often); at < DURATION * 0.97; at += own.exponential(DURATION / often))
      faults.push({ at: Math.round(at), kind: 'subject', action, number: own.next() })
  }
  return faults.sort((a, b) => a.at - b.at)
}

function drawFault(kind: keyof typeof USUAL, at: number, { nodes, lostDisks }: PlanLimits, draw: Draw): Fault | undefined {
  const node = draw.int(0, nodes - 1)
  const down = Math.round(draw.magnitude(50, 20_000))
  const time = Math.round(draw.magnitude(100, 30_000))
  const several = nodes > 1
  switch (kind) {
    case 'power-failure':
    case 'power-failure-in-sync':
    case 'kill':
    case 'orderly-restart':
    case 'sync-failure':
    case 'write-failure':
      return { at, kind, node, down }
    case 'power-failure-of-all':
    case 'kill-leader':
      return several ? { at, kind, down } : undefined
    case 'pause':
      return { at, kind, node, time: Math.round(draw.magnitude(50, 10_000)) }
    case 'partition': {
      const side = draw.shuffle(Array.from({ length: nodes }, (_, i) => i)).slice(0, draw.int(1, Math.max(1, nodes - 1)))
      return several ? { at, kind, side, oneWay: draw.chance(0.3), time } : undefined
    }
    case 'isolate-leader':
      return several ? { at, kind, oneWay: draw.chance(0.3), time } : undefined
    case 'stall': {
      const to = draw.int(0, nodes - 1)
      return several && to !== node ? { at, kind, from: node, to, time } : undefined
    }
    case 'clock-jump':
      return { at, kind, node, by: Math.round(draw.between(-1, 1) * draw.magnitude(10, 3_600_000)) }
    case 'slow-disk':
      return { at, kind, node, factor: draw.magnitude(3, 100), time }
    case 'disk-full':
      return { at, kind, node, time }
    case 'damage':
      return lostDisks > 0 ? { at, kind, node, where: [draw.float(), draw.float()], down } : undefined
    case 'new-disk':
      return lostDisks > 0 ? { at, kind, node, down } : undefined
    case 'config-update':
      return { at, kind, limit: draw.pick(['small', 'large'] as const), count: draw.pick([1, 3, 10, 50, 500]) }
  }
}
