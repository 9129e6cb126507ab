import assert from 'node:assert/strict'
import { BlockMetadataIndex, HeaderType, Metadata } from '@heddle/core/model'
import { OrderError, type OrderingCapabilities, type Plugin } from '@heddle/core/plugin'
import { registerSuite, type Skip, type TestApi } from '../test-api.ts'
import { textsOf } from './plain-envelope.ts'
import { World, type WorldNode, type WorldOptions } from './world.ts'

/** An ordering plugin under test. */
export interface OrderingSuite {
  readonly name: string
  /** The plugin, whatever its options are. */
  // biome-ignore lint/suspicious/noExplicitAny: a suite takes plugins of all option types
  readonly plugin: Plugin<'ordering', any>
  /**
   * Options for the nodes of one test, and how to dispose of what they stand on (a broker, a log in memory). Nodes of a test share
   * them; tests do not.
   */
  readonly prepare?: () => Promise<{ readonly options: unknown; dispose?(): Promise<void> }>
  /** Ordering nodes of a test. Default: one for fault model `none`, three for `crash`, four for `byzantine`. */
  readonly nodes?: number
  /** Consensus metadata of the channel, where the plugin needs some. */
  readonly metadata?: (names: readonly string[]) => Uint8Array
  readonly skips?: readonly Skip[]
}

const USUAL_NODES: Readonly<Record<OrderingCapabilities['faultModel'], number>> = { none: 1, crash: 3, byzantine: 4 }

interface Subject {
  /** A started world; disposed of after the test. */
  world(given?: Pick<WorldOptions, 'batchSize' | 'batchTimeout'>): Promise<World>
}

type Test = (subject: Subject) => Promise<void>

/** The highest block that any of these submissions stands in. */
const highest = (ordered: readonly { readonly blockNumber: number }[]): number =>
  Math.max(...ordered.map(({ blockNumber }) => blockNumber))

/** What orderers must agree on: header, data, and what block signatures cover. */
function agreed(node: { readonly number: number; encode(): Uint8Array }, metadata: Uint8Array, hash: Uint8Array): string {
  return `${node.number} ${Buffer.from(hash).toString('hex')} ${Buffer.from(Metadata.decode(metadata).value).toString('hex')}`
}

async function chain(node: WorldNode, to: number): Promise<string[]> {
  const blocks = await node.blocks(to)
  return blocks.map((block) => agreed(block, block.metadataAt(BlockMetadataIndex.SIGNATURES), block.hash()))
}

async function answer(promise: Promise<unknown>): Promise<'ordered' | OrderError> {
  try {
    await promise
    return 'ordered'
  } catch (error) {
    assert.ok(error instanceof OrderError, `a submission is refused with an OrderError, not with ${String(error)}`)
    assert.ok(['retry', 'ask-status', 'fix-input'].includes(error.duty), `${error.code} tells the submitter to ${error.duty}`)
    return error
  }
}

const everywhere: Readonly<Record<string, Test>> = {
  'an acknowledgement names the block that holds the envelope': async ({ world }) => {
    const { nodes, envelope } = bound(await world())
    const { blockNumber } = await nodes[0]!.submit(await envelope('one'))
    const blocks = await nodes[0]!.blocks(blockNumber)
    assert.deepEqual(textsOf(blocks.slice(-1)), ['one'])
  },

  'a lone envelope does not wait for the batch timeout': async ({ world }) => {
    const running = await world({ batchTimeout: 3_600_000 })
    for (const node of running.nodes) await node.submit(await running.envelope(`from ${node.name}`))
  },

  'a burst does not wait for the batch timeout': async ({ world }) => {
    const running = await world({ batchTimeout: 3_600_000 })
    const envelopes = await running.envelopes(100)
    await Promise.all(envelopes.map((each, i) => running.node(i).submit(each)))
  },

  'every envelope of many submitted at once is ordered, on all nodes in one order': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 20 } })
    const envelopes = await running.envelopes(400)
    const last = highest(await Promise.all(envelopes.map((each, i) => running.node(i).submit(each))))
    const chains = await Promise.all(running.nodes.map((node) => chain(node, last)))
    for (const other of chains) assert.deepEqual(other, chains[0])
    const texts = new Set(textsOf(await running.node(0).blocks(last)))
    assert.deepEqual(
      [...envelopes.keys()].filter((i) => !texts.has(`tx${i}`)),
      [],
      'these were acknowledged and are not in the chain',
    )
  },

  'under load blocks hold more than one envelope': async ({ world }) => {
    const running = await world()
    const envelopes = await running.envelopes(300)
    const last = highest(await Promise.all(envelopes.map((each) => running.node(0).submit(each))))
    assert.ok(last < envelopes.length / 2, `${envelopes.length} envelopes made ${last} blocks`)
  },

  'no block holds more than MaxMessageCount envelopes': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 3 } })
    const envelopes = await running.envelopes(50)
    const last = highest(await Promise.all(envelopes.map((each, i) => running.node(i).submit(each))))
    for (const block of await running.node(0).blocks(last)) assert.ok(block.data.length <= 3)
  },

  'no block of several envelopes exceeds PreferredMaxBytes, and a larger envelope stands alone': async ({ world }) => {
    const limit = 4_000
    const running = await world({ batchSize: { preferredMaxBytes: limit } })
    const sizes = Array.from({ length: 40 }, (_, i) => (i % 8 === 7 ? 5_000 : 700 + i))
    const envelopes = await Promise.all(sizes.map((size, i) => running.envelope(`tx${i}`, size)))
    const last = highest(await Promise.all(envelopes.map((each, i) => running.node(i).submit(each))))
    for (const block of (await running.node(0).blocks(last)).slice(1)) {
      const bytes = block.data.map((_, i) => block.envelope(i).payload.length + block.envelope(i).signature.length)
      const total = bytes.reduce((sum, each) => sum + each, 0)
      assert.ok(bytes.length === 1 || total <= limit, `block ${block.number} holds ${bytes.length} envelopes of ${total} bytes`)
    }
  },

  'what was acknowledged survives a loss of power at every node': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 10 } })
    const acknowledged: string[] = []
    const envelopes = await running.envelopes(120)
    const half = Promise.withResolvers<void>()
    const outcomes = envelopes.map((each, i) =>
      answer(
        running
          .node(i)
          .submit(each)
          .then(() => {
            if (acknowledged.push(`tx${i}`) === 60) half.resolve()
          }),
      ),
    )
    await half.promise
    const promised = [...acknowledged]
    await Promise.all(running.nodes.map((node) => node.crash()))
    await Promise.all(outcomes)
    await running.start()
    const { blockNumber } = await running.node(0).submit(await running.envelope('after'))
    const texts = new Set(textsOf(await running.node(0).blocks(blockNumber)))
    assert.deepEqual(
      promised.filter((text) => !texts.has(text)),
      [],
      'these were acknowledged and are lost',
    )
  },

  'a restart goes on where the chain ended': async ({ world }) => {
    const running = await world()
    const before = highest(await Promise.all((await running.envelopes(5)).map((each) => running.node(0).submit(each))))
    const expected = await chain(running.node(0), before)
    for (let round = 0; round < 2; round++) {
      await running.stop()
      await running.start()
      assert.equal(running.node(0).host.height, before + 1, 'a restart alone makes no blocks')
    }
    const { blockNumber } = await running.node(0).submit(await running.envelope('after'))
    assert.equal(blockNumber, before + 1)
    assert.deepEqual(await chain(running.node(0), before), expected)
    assert.deepEqual(textsOf(await running.node(0).blocks(blockNumber)).at(-1), 'after')
  },

  'the same bytes sent again are ordered again or joined, never refused and never lost': async ({ world }) => {
    const running = await world()
    const bytes = await running.envelope('twice')
    const first = await Promise.all(running.nodes.map((node) => node.submit(bytes)))
    const later = await running.node(0).submit(bytes)
    const texts = textsOf(await running.node(0).blocks(highest([...first, later])))
    assert.ok(texts.length >= 1 && texts.every((text) => text === 'twice'))
  },

  'a config envelope stands alone in its block and takes effect on all nodes': async ({ world }) => {
    const running = await world()
    const update = await running.configUpdate(running.node(0), 7)
    const [config, ...others] = await Promise.all([
      running.node(0).submit(update),
      ...(await running.envelopes(30)).map((each, i) => running.node(i).submit(each)),
    ])
    const last = highest([config, ...others])
    const block = (await running.node(0).blocks(last))[config.blockNumber]!
    assert.deepEqual([block.data.length, block.envelope(0).type], [1, HeaderType.CONFIG])
    const after = await running.node(0).submit(await running.envelope('after'))
    for (const node of running.nodes) {
      await node.blocks(after.blockNumber)
      const { sequence, ordering } = node.host.config
      assert.deepEqual([sequence, ordering.batchSize.maxMessageCount], [1, 7])
    }
  },

  'of two config updates from one configuration, one is ordered': async ({ world }) => {
    const running = await world()
    const updates = [await running.configUpdate(running.node(0), 7), await running.configUpdate(running.node(0), 8)]
    const outcomes = await Promise.all(updates.map((each, i) => answer(running.node(i).submit(each))))
    assert.equal(outcomes.filter((each) => each === 'ordered').length, 1)
    const refused = outcomes.find((each) => each !== 'ordered') as OrderError
    assert.equal(refused.duty, 'fix-input')
    assert.equal(running.node(outcomes.indexOf('ordered')).host.config.sequence, 1)
  },

  'config updates one after the other, with transactions in between, are all ordered': async ({ world }) => {
    const running = await world()
    for (let count = 11; count <= 15; count++) {
      const traffic = (await running.envelopes(10, `before${count}-`)).map((each, i) => running.node(i).submit(each))
      const config = running.node(0).submit(await running.configUpdate(running.node(0), count))
      await Promise.all([config, ...traffic])
    }
    assert.equal(running.node(0).host.config.sequence, 5)
  },

  'stopping answers every open submission with what to do': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 10 } })
    const envelopes = await running.envelopes(100)
    const outcomes = envelopes.map((each) => answer(running.node(0).submit(each)))
    await running.stop()
    const refused = (await Promise.all(outcomes)).filter((each) => each !== 'ordered')
    for (const error of refused) assert.ok((error as OrderError).duty !== 'fix-input', 'stopping is no fault of the sender')
  },

  'who was told that nothing happened finds nothing in the chain': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 10 } })
    const envelopes = await running.envelopes(100)
    const outcomes = envelopes.map((each) => answer(running.node(0).submit(each)))
    // In the midst of it: some are ordered, some on their way, some not looked at.
    await Promise.race(outcomes)
    await running.stop()
    const answers = await Promise.all(outcomes)
    await running.start()
    const { blockNumber } = await running.node(0).submit(await running.envelope('after'))
    const texts = new Set(textsOf(await running.node(0).blocks(blockNumber)))
    answers.forEach((each, i) => {
      if (each === 'ordered') assert.ok(texts.has(`tx${i}`), `tx${i} was acknowledged and is lost`)
      else if (each.duty === 'retry') assert.ok(!texts.has(`tx${i}`), `tx${i} was refused with ${each.code} and is in the chain`)
    })
  },

  'a caller may give up at any moment, and ordering goes on': async ({ world }) => {
    const running = await world()
    const envelopes = await running.envelopes(50)
    const aborts = envelopes.map(() => new AbortController())
    const outcomes = envelopes.map((each, i) => answer(running.node(i).submit(each, aborts[i]!.signal)))
    for (const [i, abort] of aborts.entries()) {
      if (i % 3 === 0) abort.abort()
      await Promise.resolve()
    }
    await Promise.all(outcomes)
    await running.node(0).submit(await running.envelope('after'))
  },

  'status is plain data': async ({ world }) => {
    const running = await world()
    const status = running.node(0).host.status()
    assert.deepEqual(JSON.parse(JSON.stringify(status.consensus)), status.consensus)
  },
}

const withSeveral: Readonly<Record<string, Test>> = {
  'a node that was down gets what it missed': async ({ world }) => {
    const running = await world()
    const absent = running.nodes.at(-1)!
    await running.node(0).submit(await running.envelope('before'))
    await absent.stop()
    const last = highest(await Promise.all((await running.envelopes(20)).map((each) => running.node(0).submit(each))))
    await absent.start()
    assert.deepEqual(await chain(absent, last), await chain(running.node(0), last))
    await absent.submit(await running.envelope('after'))
  },

  'one node that crashes stops nobody, and loses nothing that was acknowledged': async ({ world }) => {
    const running = await world({ batchSize: { maxMessageCount: 10 } })
    const envelopes = await running.envelopes(90)
    const victim = running.nodes.at(-1)!
    const outcomes = envelopes.map((each, i) => answer(running.node(i).submit(each)))
    await running.node(0).submit(await running.envelope('during'))
    await victim.crash()
    const answers = await Promise.all(outcomes)
    await running.node(0).submit(await running.envelope('without'))
    await victim.start()
    const { blockNumber } = await victim.submit(await running.envelope('again'))
    const texts = new Set(textsOf(await running.node(0).blocks(blockNumber)))
    const lost = answers.flatMap((each, i) => (each === 'ordered' && !texts.has(`tx${i}`) ? [`tx${i}`] : []))
    assert.deepEqual(lost, [], 'these were acknowledged and are lost')
    assert.deepEqual(await chain(victim, blockNumber), await chain(running.node(0), blockNumber))
  },
}

/** Rules by the name of the fault model under which they hold. */
const ONE_NODE = 'one node orders alone'

/**
 * The rules of ordering that every plugin keeps, run through the host that core puts around it, with nodes that stop, crash and lose
 * what was not synced. Which rules apply the plugin's capabilities say.
 *
 * @example
 * orderingConformance({ describe, it }, { name: 'solo', plugin: solo })
 */
export function orderingConformance(api: TestApi, suite: OrderingSuite): void {
  const { plugin } = suite
  const nodes = suite.nodes ?? USUAL_NODES[plugin.capabilities.faultModel]
  const names = Array.from({ length: nodes }, (_, i) => `orderer${i}`)
  const alone: readonly Skip[] = nodes > 1 ? [] : Object.keys(withSeveral).map((test) => ({ test, reason: ONE_NODE }))
  const disposals = new WeakMap<Subject, (() => Promise<void>)[]>()
  registerSuite<Subject>(
    api,
    `ordering: ${suite.name}`,
    () => {
      const cleaning: (() => Promise<void>)[] = []
      const subject: Subject = {
        async world(given = {}) {
          const prepared = (await suite.prepare?.()) ?? { options: {} }
          cleaning.push(async () => prepared.dispose?.())
          const metadata = suite.metadata?.(names) ?? new Uint8Array(0)
          const world = new World({ plugin, options: prepared.options, nodes, metadata, ...given })
          cleaning.push(() => world.stop())
          await world.start()
          return world
        },
      }
      disposals.set(subject, cleaning)
      return subject
    },
    async (subject) => {
      for (const clean of (disposals.get(subject) ?? []).reverse()) await clean()
    },
    { ...everywhere, ...withSeveral },
    [...alone, ...(suite.skips ?? [])],
  )
}

function bound(world: World): { nodes: readonly WorldNode[]; envelope: World['envelope'] } {
  return { nodes: world.nodes, envelope: (text, size) => world.envelope(text, size) }
}
