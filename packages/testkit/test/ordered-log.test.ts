import { definePlugin, LogError, orderingFromLog } from '@heddle/core/plugin'
import { seededRandom } from '@heddle/core/testing'
import { describe, expect, it } from 'vitest'
import { type MemoryLogFaults, MemoryLogs } from '../src/ordered-log-conformance/memory-log.ts'
import { orderedLogConformance } from '../src/ordered-log-conformance/suite.ts'
import { textsOf } from '../src/ordering-conformance/plain-envelope.ts'
import { orderingConformance } from '../src/ordering-conformance/suite.ts'
import { CHANNEL, World } from '../src/ordering-conformance/world.ts'

const memory = [{ test: 'what was appended survives a restart, and appends go on after it', reason: 'it lives in memory' }]
/** All that may happen while an append succeeds at once. */
const odd: MemoryLogFaults = { gaps: 0.3, duplicates: 0.2, lateTurns: 3 }
/** Appends that fail as well; orderingFromLog tries them again. */
const failing: MemoryLogFaults = { ...odd, lostAnswers: 0.1, refusals: 0.1 }

for (const [name, faults] of Object.entries({ 'in memory': {}, 'in memory, with gaps, duplicates and late records': odd })) {
  orderedLogConformance(
    { describe, it },
    {
      name,
      create: async () => {
        const logs = new MemoryLogs(seededRandom(name), faults)
        return { provider: logs.provider(), another: async () => logs.provider(), dispose: async () => {} }
      },
      skips: memory,
    },
  )
}

const overLogs = definePlugin<'ordering', { logs: MemoryLogs }>({
  name: 'ordering-over-memory-logs',
  provides: 'ordering',
  capabilities: { faultModel: 'crash', simulable: false, nodes: { min: 1 } },
  create: (_context, { logs }) => orderingFromLog({ provider: logs.provider() }),
})

for (const [name, faults] of Object.entries({ 'a log': {}, 'a log with faults': failing })) {
  orderingConformance(
    { describe, it },
    {
      name: `over ${name}`,
      plugin: overLogs,
      prepare: async () => ({ options: { logs: new MemoryLogs(seededRandom(name), faults) } }),
    },
  )
}

describe('a log that lost what follows the last block', () => {
  it('halts the orderer with LOG_TRUNCATED instead of skipping records', async () => {
    const logs = new MemoryLogs(seededRandom('truncated'))
    const world = new World({ plugin: overLogs, options: { logs }, nodes: 2, metadata: new Uint8Array(0) })
    await world.start()
    const [node, absent] = [world.node(0), world.node(1)]
    await node.submit(await world.envelope('before'))
    await absent.stop()
    for (let i = 0; i < 5; i++) await node.submit(await world.envelope(`missed${i}`))
    logs.truncate(CHANNEL, 1)
    await absent.start()
    await expect(absent.host.failed).rejects.toMatchObject({ code: 'LOG_TRUNCATED', duty: 'tell-operator' })
    expect(await absent.host.broadcast(await world.envelope('after')).catch(({ code }) => code)).toBe('ORDER_UNAVAILABLE')
    await node.submit(await world.envelope('the other goes on'))
    await world.stop()
  })
})

/** A plugin whose appends go through a hand: records reach the log at once, the answer when the hand gives it. */
function withAnswers(logs: MemoryLogs, answer: (appended: Promise<Uint8Array>) => Promise<Uint8Array>) {
  return definePlugin<'ordering'>({
    name: 'answers-in-hand',
    provides: 'ordering',
    capabilities: { faultModel: 'crash', simulable: false, nodes: { min: 1 } },
    create: () => {
      const provider = logs.provider()
      return orderingFromLog({
        append: { retryFor: 0 },
        provider: {
          start: () => provider.start(),
          stop: () => provider.stop(),
          open: async (channel, about) => {
            const log = await provider.open(channel, about)
            return { ...log, append: (records) => answer(log.append(records)) }
          },
        },
      })
    },
  })
}

describe('an acknowledgement', () => {
  it('waits for the log, even when the envelope is in a durable block already', async () => {
    const answer = Promise.withResolvers<void>()
    const plugin = withAnswers(new MemoryLogs(seededRandom('gate')), async (appended) => {
      const position = await appended
      await answer.promise
      return position
    })
    const world = new World({ plugin, options: {}, nodes: 1, metadata: new Uint8Array(0) })
    await world.start()
    const events: string[] = []
    const ordered = world
      .node(0)
      .submit(await world.envelope('one'))
      .then(() => events.push('acknowledged'))
    // Resolves when the block is on the disk.
    await world.node(0).blocks(1)
    await new Promise((resolve) => setImmediate(resolve))
    events.push('durable')
    answer.resolve()
    await ordered
    expect(events).toEqual(['durable', 'acknowledged'])
    await world.stop()
  })

  it('is no more than "perhaps" when the log does not confirm what it shows', async () => {
    const plugin = withAnswers(new MemoryLogs(seededRandom('unconfirmed')), async (appended) => {
      await appended
      throw new LogError('LOG_OUTCOME_UNKNOWN', 'too few replicas have it')
    })
    const world = new World({ plugin, options: {}, nodes: 1, metadata: new Uint8Array(0) })
    await world.start()
    const refused = world.node(0).submit(await world.envelope('one'))
    await expect(refused).rejects.toMatchObject({ code: 'ORDER_OUTCOME_UNKNOWN', duty: 'ask-status' })
    await world.node(0).blocks(1)
    await world.stop()
  })
})

describe('two chains that meet in one log by mistake', () => {
  it('skip each other: neither orders what was written for the other', async () => {
    const logs = new MemoryLogs(seededRandom('shared'))
    const worlds = ['one', 'two'].map((name) => {
      return new World({ plugin: overLogs, options: { logs }, nodes: 2, metadata: Buffer.from(name) })
    })
    for (const world of worlds) await world.start()
    const last = await Promise.all(
      worlds.map(async (world, i) => {
        const envelopes = await world.envelopes(60, `${'ab'[i]}`)
        const ordered = await Promise.all(envelopes.map((each, n) => world.node(n).submit(each)))
        return Math.max(...ordered.map(({ blockNumber }) => blockNumber))
      }),
    )
    for (const [i, world] of worlds.entries()) {
      const texts = textsOf(await world.node(1).blocks(last[i]!))
      expect(new Set(texts).size).toBe(60)
      expect(texts.every((text) => text.startsWith('ab'[i]!))).toBe(true)
      expect(world.node(1).host.status().consensus.foreign).toBeGreaterThan(0)
      await world.stop()
    }
  })
})
