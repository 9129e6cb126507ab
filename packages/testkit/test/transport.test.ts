import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { inProcessHub } from '../../core/src/adapters/environment/in-process-transport.ts'
import { MemoryMetrics } from '../../core/src/adapters/environment/metrics.ts'
import { TestNetwork } from '../../core/src/adapters/tcp-transport/tcp.fixture.ts'
import { transportConformance } from '../src/transport-conformance/suite.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const route = { to: 'b', service: 'echo', channel: 'c' }

async function pair(options: Parameters<typeof inProcessHub>[0] = {}) {
  const hub = inProcessHub(options)
  const metrics = new MemoryMetrics()
  const a = hub.connect({ name: 'a', identity: bytes('a') })
  const b = hub.connect({ name: 'b', identity: bytes('b') }, metrics)
  await a.start()
  await b.start()
  return { hub, metrics, a, b }
}

transportConformance(
  { describe, it },
  {
    name: 'in process',
    tooLarge: (64 << 10) + 1,
    async create() {
      const { a, b } = await pair({ maxMessageBytes: 64 << 10 })
      return {
        a,
        b,
        async dispose() {
          await a.stop()
          await b.stop()
        },
      }
    },
  },
)

transportConformance(
  { describe, it },
  {
    name: 'TCP',
    tooLarge: (64 << 10) + 1,
    async create() {
      const network = new TestNetwork()
      const limits = { maxMessageBytes: 64 << 10 }
      const who = network.enrol('Org1MSP', 'a')
      const a = await network.node('a', { who, limits })
      const b = await network.node('b', { limits })
      return { a, b, identity: who.identity, dispose: () => network.stop() }
    },
  },
)

describe('in-process transport', () => {
  it('refuses messages above its limit', async () => {
    const { a } = await pair({ maxMessageBytes: 10 })
    assert.throws(() => a.send(route, new Uint8Array(11)), { code: 'TRANSPORT_TOO_LARGE' })
    await assert.rejects(a.request(route, new Uint8Array(11)), { code: 'TRANSPORT_TOO_LARGE' })
  })

  it('drops the oldest messages of a full queue, and counts them', async () => {
    const { a, b, metrics } = await pair({ maxQueue: 10 })
    const got: number[] = []
    b.onMessage('echo', 'c', (_from, message) => void got.push(message[0]!))
    for (let i = 0; i < 25; i++) a.send(route, Uint8Array.of(i))
    b.onRequest('echo', 'c', async () => bytes(''))
    await a.request(route, bytes(''))
    assert.deepEqual(got, [15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
    assert.equal(metrics.value('heddle_transport_dropped_messages_total'), 15)
  })

  it('refuses more requests than it may have under way', async () => {
    const { a, b } = await pair({ maxRequests: 2 })
    b.onRequest('echo', 'c', () => new Promise(() => {}))
    const controller = new AbortController()
    const waiting = [1, 2].map(() => a.request(route, bytes(''), controller.signal))
    await assert.rejects(a.request(route, bytes('')), { code: 'TRANSPORT_BUSY' })
    controller.abort()
    await Promise.allSettled(waiting)
    a.request(route, bytes('')).catch(() => {})
    await b.stop()
  })

  it('a cut ends what is under way between two nodes until it is healed', async () => {
    const { hub, a, b } = await pair()
    b.onRequest('echo', 'c', async () => bytes('answer'))
    b.onStream('echo', 'c', async function* () {
      yield bytes('one')
      await new Promise(() => {})
    })
    const reader = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    await reader.next()
    const next = reader.next()
    hub.cut('a', 'b')
    await assert.rejects(next, { code: 'TRANSPORT_CLOSED' })
    await assert.rejects(a.request(route, bytes('')), { code: 'TRANSPORT_UNREACHABLE' })
    hub.heal('a', 'b')
    assert.equal(Buffer.from(await a.request(route, bytes(''))).toString(), 'answer')
  })
})
