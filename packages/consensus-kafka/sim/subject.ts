import kafka from '@heddle/consensus-kafka'
import { definePlugin, orderingFromLog, type Pace } from '@heddle/core/plugin'
import type { Draw, OrderingSubject, Prepared, SimNode, World } from '@heddle/testkit/simulator'
import { mutants } from './mutants.ts'
import { SimTopic, type TopicTraits } from './sim-topic.ts'

/** What one seed runs: orderers on a simulated topic, or one orderer with the embedded log on its simulated disk. */
interface Options {
  readonly pace: Partial<Pace>
  readonly retryFor: number
  /** Limits of one append, small enough to be reached. */
  readonly append?: { readonly records: number; readonly parallel: number }
  readonly topic?: TopicTraits
}

const PACES: readonly Partial<Pace>[] = [{}, { crowd: 1, quiet: 10, longest: 200 }, { crowd: 1000 }, { crowd: 0, longest: 20 }]
/** Of how many seeds one runs the embedded log. */
const EMBEDDED = 5

const subject: OrderingSubject = {
  name: 'kafka',
  plugin: kafka,
  plan(draw) {
    const pace = draw.pick(PACES)
    const retryFor = Math.round(draw.magnitude(100, 30_000))
    if (draw.int(1, EMBEDDED) === 1) {
      // Damage is found and refused; the way back is a copy of the files.
      return { nodes: 1, options: { pace, retryFor }, patience: 120_000, lostDisks: 1, without: ['new-disk'] }
    }
    return {
      nodes: draw.pick([1, 2, 3, 3, 3, 5]),
      options: {
        pace,
        retryFor,
        topic: topicTraits(draw),
        append: { records: draw.pick([1, 5, 500]), parallel: draw.int(1, 3) },
      },
      patience: 180_000,
      // An orderer keeps nothing that the log does not have: an empty disk is filled from it.
      lostDisks: 1,
      actions: { 'leader-loss': 12, 'replicas-lost': 6, 'cut-off': 10, intrusion: 6 },
    }
  },
  prepare,
  minimum: (seeds) => ({
    acknowledged: seeds * 200,
    crashes: seeds * 2,
    'config changes': Math.floor(seeds / 2),
    'outcomes unknown': seeds,
    'envelopes ordered twice': seeds,
    'leaders lost': seeds,
    'uncommitted records lost': Math.floor(seeds / 2),
    'replicas lost': Math.floor(seeds / 3),
    'orderers cut off from the log': Math.floor(seeds / 2),
    'appends of unknown outcome': seeds,
    'answers of the log lost': Math.floor(seeds / 2),
    'records repeated': seeds,
    'offsets left out': seeds,
    'records shown late': seeds,
    'reads that failed': seeds,
    'records of another chain': Math.floor(seeds / 4),
    'records of an older configuration': Math.floor(seeds / 4),
    'cuts asked for': seeds,
  }),
  mutants,
}

export default subject

function topicTraits(draw: Draw): TopicTraits {
  const sometimes = (high: number): number => (draw.chance(0.5) ? draw.magnitude(high / 100, high) : 0)
  const latency = draw.magnitude(0.2, 50)
  return {
    latency,
    replication: draw.magnitude(0.2, 50),
    requestTime: Math.round(latency * 20 + draw.magnitude(50, 5_000)),
    lostAnswers: sometimes(0.2),
    lostRequests: sometimes(0.2),
    straggling: sometimes(0.1),
    repeats: sometimes(0.3),
    gaps: sometimes(0.5),
    late: sometimes(0.5),
    readErrors: sometimes(0.1),
    page: draw.pick([1, 3, 20, 500]),
  }
}

function prepare(world: World): Prepared {
  const { pace, retryFor, append, topic: traits } = world.plan.options as Options
  const watch = (node: SimNode): void => watched(world, node)
  if (traits === undefined) return { optionsOf: () => ({ pace, timeouts: { retry: retryFor } }), observe: watch }
  const topic = new SimTopic(world, traits)
  return {
    plugin: definePlugin<'ordering', { readonly node: SimNode }>({
      name: kafka.name,
      provides: 'ordering',
      capabilities: kafka.capabilities,
      create: (_context, { node }) => orderingFromLog({ provider: topic.provider(node), pace, append: { retryFor, ...append } }),
    }),
    optionsOf: (node) => ({ node }),
    observe: watch,
    mayLoseDisk: () => true,
    act(action, number) {
      const time = 50 * 400 ** (number / 2 ** 32)
      if (action === 'leader-loss' && number % 2 === 0) topic.loseLeader(Math.round(time))
      else if (action === 'leader-loss') topic.loseLeaderWithRecords(Math.round(time))
      else if (action === 'replicas-lost') topic.shrink(Math.round(time))
      else if (action === 'cut-off') topic.cutOff(world.nodes[number % world.nodes.length]!, Math.round(time))
      else topic.intrude()
    },
    heal: () => topic.heal(),
    settled: () => topic.isSettled,
  }
}

const known = new WeakMap<object, { skipped: number; asked: number }>()

/** Counts what a node says of itself. */
function watched(world: World, { host }: SimNode): void {
  if (host === undefined) return
  const { skipped, asked } = host.status().consensus as { skipped: number; asked: number }
  const before = known.get(host) ?? { skipped: 0, asked: 0 }
  if (skipped > before.skipped) world.count('records of an older configuration', skipped - before.skipped)
  if (asked > before.asked) world.count('cuts asked for', asked - before.asked)
  known.set(host, { skipped, asked })
}
