import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../environment/clock.ts'
import { MemoryMetrics } from '../environment/metrics.ts'
import type { Endpoint } from './listener.ts'
import { TestNetwork } from './tcp.fixture.ts'
import type { TcpTransport } from './tcp-transport.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const route = { to: 'b', service: 'echo', channel: 'c' }

let network: TestNetwork
let clock: ManualClock
beforeEach(() => {
  network = new TestNetwork()
  clock = manualClock(Date.now())
})
afterEach(() => network.stop())

async function echo(options: Parameters<TestNetwork['node']>[1] = {}): Promise<TcpTransport> {
  const b = await network.node('b', options)
  b.onRequest('echo', 'c', async (_from, message) => message)
  b.onRequest('never', 'c', () => new Promise(() => {}))
  return b
}

/** Passes bytes on, until it is told to keep them: a network that swallows, and tells nobody. */
async function swallowingProxy(target: Endpoint): Promise<{ at: Endpoint; swallow(): void; close(): void }> {
  const sockets: net.Socket[] = []
  let swallows = false
  const server = net.createServer((near) => {
    const far = net.connect(target)
    sockets.push(near, far)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('data', (data) => void (swallows || far.write(data)))
    far.on('data', (data) => void (swallows || near.write(data)))
    near.on('close', () => far.destroy())
    far.on('close', () => void (swallows || near.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    at: { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port },
    swallow() {
      swallows = true
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

describe('connections over TCP', () => {
  it('that went silent without an end are found by pings, and what waits on them fails', async () => {
    await echo()
    const proxy = await swallowingProxy(network.nodes.get('b')!.address!)
    network.nodes.set('b', { ...network.nodes.get('b')!, address: proxy.at })
    const a = await network.node('a', { clock })
    await a.request(route, bytes('x'))
    // A quiet connection is asked for a sign of life, and gives it.
    for (let i = 0; i < 10; i++) {
      clock.advance(3000)
      await a.request(route, bytes('x'))
    }
    const waiting = a.request({ ...route, service: 'never' }, bytes('x'))
    await a.request(route, bytes('x'))
    proxy.swallow()
    const failed = expect(waiting).rejects.toMatchObject({ code: 'TRANSPORT_CLOSED', data: { reason: 'SILENT' } })
    clock.advance(3000)
    clock.advance(9000)
    await failed
    proxy.close()
  })

  it('are made again after the other node was away, at growing intervals', async () => {
    const who = network.enrol('Org1MSP', 'b')
    const first = await echo({ who })
    const { address } = network.nodes.get('b')!
    const a = await network.node('a', {
      clock,
      random: { bytes: (n) => new Uint8Array(n), float: () => 1, fork: () => null as never },
    })
    await a.request(route, bytes('x'))
    await first.stop()
    const ask = () =>
      a.request(route, bytes('x')).then(
        () => 'answered',
        ({ code, message }) => `${code} ${/ECONNREFUSED/.test(message) ? 'tried' : 'not tried'}`,
      )
    // The first loss counts as a failure: it came at once.
    const pauses = [50, 100, 200, 400, 800, 1600, 2000, 2000]
    for (const pause of pauses) {
      clock.advance(pause - 1)
      expect(await ask()).toMatch(/^TRANSPORT_UNREACHABLE/)
      const before = await ask()
      clock.advance(1)
      expect([before.includes('answered'), await ask()]).toEqual([false, 'TRANSPORT_UNREACHABLE tried'])
    }
    const again = network.transport('b', who, { listen: address! })
    again.onRequest('echo', 'c', async (_from, message) => message)
    await again.start()
    clock.advance(2000)
    expect(await ask()).toBe('answered')
  })

  it('are tried at once when the other node calls', async () => {
    const who = network.enrol('Org1MSP', 'b')
    const first = await echo({ who })
    const { address } = network.nodes.get('b')!
    const a = await network.node('a', { clock })
    a.onRequest('echo', 'c', async (_from, message) => message)
    await a.request(route, bytes('x'))
    await first.stop()
    await expect(a.request(route, bytes('x'))).rejects.toMatchObject({ code: 'TRANSPORT_UNREACHABLE' })
    const again = network.transport('b', who, { listen: address! })
    again.onRequest('echo', 'c', async (_from, message) => message)
    await again.start()
    await expect(a.request(route, bytes('x'))).rejects.toMatchObject({ code: 'TRANSPORT_UNREACHABLE' })
    await again.request({ ...route, to: 'a' }, bytes('here I am'))
    expect(Buffer.from(await a.request(route, bytes('x'))).toString()).toBe('x')
  })

  it('that nobody answers are given up', async () => {
    const server = net.createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.address() as net.AddressInfo
    network.nodes.set('b', { mspId: 'Org1MSP', role: 'peer', address: { host: '127.0.0.1', port } })
    const a = await network.node('a', { clock })
    const waiting = expect(a.request(route, bytes('x'))).rejects.toMatchObject({ code: 'TRANSPORT_UNREACHABLE' })
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(5000)
    await waiting
    server.close()
  })

  it('lose messages to a node that is away, and count them', async () => {
    const metrics = new MemoryMetrics()
    const server = net.createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.address() as net.AddressInfo
    network.nodes.set('b', { mspId: 'Org1MSP', role: 'peer', address: { host: '127.0.0.1', port } })
    const a = await network.node('a', { clock, metrics })
    for (let i = 0; i < 10; i++) a.send(route, bytes('x'))
    await a.request(route, bytes('x')).catch(() => {})
    for (let i = 0; i < 10; i++) a.send(route, bytes('x'))
    expect(metrics.value('heddle_transport_dropped_messages_total')).toBe(20)
    server.close()
  })

  it('carry messages that were sent before they stood', async () => {
    const b = await echo()
    const got: string[] = []
    const all = new Promise<void>((resolve) => {
      b.onMessage('echo', 'c', (_from, message) => {
        got.push(Buffer.from(message).toString())
        if (got.length === 3) resolve()
      })
    })
    const a = await network.node('a')
    for (const text of ['one', 'two', 'three']) a.send(route, bytes(text))
    await all
    expect(got).toEqual(['one', 'two', 'three'])
  })

  it('carry large messages whole, beside small ones', async () => {
    await echo()
    const a = await network.node('a')
    const large = new Uint8Array(10 << 20)
    for (let i = 0; i < large.length; i++) large[i] = (i * 31 + (i >> 8)) & 0xff
    const order: string[] = []
    const both = [
      a.request(route, large).then((answer) => {
        order.push('large')
        expect(Buffer.from(answer).equals(large)).toBe(true)
      }),
      a.request(route, bytes('small')).then(() => void order.push('small')),
    ]
    await Promise.all(both)
    expect(order).toEqual(['small', 'large'])
  })

  it('to an address that is taken are TRANSPORT_LISTEN_FAILED', async () => {
    await echo()
    const { address } = network.nodes.get('b')!
    const other = network.transport('c', network.enrol('Org1MSP', 'c'), { listen: address! })
    await expect(other.start()).rejects.toMatchObject({ code: 'TRANSPORT_LISTEN_FAILED', data: { port: address!.port } })
  })

  it('end with the transport, also when the other side does not', async () => {
    const b = await echo()
    const silent = net.connect(network.nodes.get('b')!.address!)
    silent.on('error', () => {})
    await new Promise((resolve) => silent.once('connect', resolve))
    const a = await network.node('a')
    await a.request(route, bytes('x'))
    await b.stop()
    await expect(b.request({ ...route, to: 'a' }, bytes(''))).rejects.toMatchObject({ code: 'TRANSPORT_CLOSED' })
  })
})
