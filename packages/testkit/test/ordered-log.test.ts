import { definePlugin, orderingFromLog } from '@heddle/core/plugin'
import { seededRandom } from '@heddle/core/testing'
import { describe, expect, it } from 'vitest'
import { type MemoryLogFaults, MemoryLogs } from '../src/ordered-log-conformance/memory-log.ts'
import { orderedLogConformance } from '../src/ordered-log-conformance/suite.ts'
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
