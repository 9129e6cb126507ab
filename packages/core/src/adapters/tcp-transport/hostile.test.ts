import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../environment/clock.ts'
import { MemoryMetrics } from '../environment/metrics.ts'
import { seededRandom } from '../environment/random.ts'
import { ALPN, CHUNK, encodeFrame, encodeRoute, Flag, FrameType } from './frame.ts'
import { RawClient } from './raw-client.fixture.ts'
import { TestNetwork } from './tcp.fixture.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const route = { to: 'b', service: 'echo', channel: 'c' }
const VIOLATIONS = ['heddle_transport_violations_total', { node: 'b' }] as const

let network: TestNetwork
beforeEach(() => {
  network = new TestNetwork()
})
afterEach(() => network.stop())

async function server(options: Parameters<TestNetwork['node']>[1] = {}) {
  const metrics = new MemoryMetrics()
  const b = await network.node('b', { metrics, ...options })
  b.onRequest('echo', 'c', async (_from, message) => message)
  b.onRequest('never', 'c', () => new Promise(() => {}))
  return { b, metrics, address: network.nodes.get('b')!.address! }
}

/** Somebody who may connect, and misbehaves afterwards. */
async function member(role: 'peer' | 'client' = 'peer'): Promise<RawClient> {
  const name = `x${network.started.length}${role}${Math.random().toString(36).slice(2)}`
  if (role === 'peer') network.nodes.set(name, { mspId: 'Org1MSP', role: 'peer' })
  const raw = await RawClient.connect(network.nodes.get('b')!.address!, network.enrol('Org1MSP', name, role).credentials)
  raw.hello('b')
  expect(await raw.greeted()).toBe(true)
  return raw
}

/** The node still serves others. */
async function serves(): Promise<void> {
  const a = await network.node('a')
  expect(Buffer.from(await a.request(route, bytes('still here'))).toString()).toBe('still here')
  await a.stop()
}

async function plain({ host, port }: { host: string; port: number }): Promise<net.Socket> {
  const socket = net.connect({ host, port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Resolves when a connection has ended, in whatever way. */
function closed(socket: net.Socket): Promise<void> {
  socket.resume()
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

describe('strangers at the door of a TCP transport', () => {
  it('who send no TLS are cut off', async () => {
    const { address } = await server()
    const socket = await plain(address)
    socket.write(Buffer.alloc(100_000, 0x41))
    await closed(socket)
    await serves()
  })

  it('who say nothing are cut off when their time is over', async () => {
    const clock = manualClock(Date.now())
    const { address } = await server({ clock })
    const silent = await plain(address)
    const raw = await RawClient.connect(address, network.enrol('Org1MSP', 'x').credentials)
    const ends = Promise.all([closed(silent), raw.end()])
    silent.resume()
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(4999)
    clock.advance(1)
    // The one whose handshake was over is told and lingered for.
    clock.advance(1000)
    await ends
  })

  it('who greet with more than a greeting are cut off', async () => {
    const { address } = await server()
    const raw = await RawClient.connect(address, network.enrol('Org1MSP', 'x').credentials)
    raw.send(FrameType.HELLO, 0, 0, Buffer.alloc(2000, 0x20))
    expect(await raw.farewell()).toBe('PROTOCOL')
  })

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['another version', JSON.stringify({ version: 2, to: 'b', lane: 'messages', maxMessageBytes: 4096, streamWindow: 4096 })],
    ['absurd limits', JSON.stringify({ version: 1, to: 'b', lane: 'messages', maxMessageBytes: -1, streamWindow: 1e300 })],
    ['no lane', JSON.stringify({ version: 1, to: 'b', maxMessageBytes: 4096, streamWindow: 4096 })],
  ])('who greet with %s are cut off', async (_what, text) => {
    const { address } = await server()
    const raw = await RawClient.connect(address, network.enrol('Org1MSP', 'x').credentials)
    raw.send(FrameType.HELLO, 0, 0, Buffer.from(text))
    expect(await raw.farewell()).toBe('PROTOCOL')
  })

  it('who ask before they greet are cut off', async () => {
    const { address } = await server()
    const raw = await RawClient.connect(address, network.enrol('Org1MSP', 'x').credentials)
    raw.send(FrameType.ROUTE, 0, 0, encodeRoute('echo', 'c'))
    expect(await raw.farewell()).toBe('PROTOCOL')
  })

  it('of one address are few at a time', async () => {
    const { address, metrics } = await server({ limits: { maxPendingPerAddress: 3 } })
    const sockets = await Promise.all(Array.from({ length: 3 }, () => plain(address)))
    const fourth = await plain(address)
    await closed(fourth)
    const labels = { node: 'b', side: 'incoming', reason: 'TOO_MANY_FROM_ADDRESS' }
    expect(metrics.value('heddle_transport_refused_total', labels)).toBe(1)
    const freed = closed(sockets[0]!)
    sockets[0]!.destroy()
    await freed
    await expect.poll(async () => await serves().then(() => true)).toBe(true)
  })

  it('give way to later ones when there are too many', async () => {
    const { address } = await server({ limits: { maxPending: 5, maxPendingPerAddress: 100 } })
    const first = await plain(address)
    const gone = closed(first)
    first.resume()
    for (let i = 0; i < 5; i++) await plain(address)
    await gone
    await serves()
  })

  it('who fail again and again are not listened to for a while', async () => {
    const clock = manualClock(Date.now())
    const { address, metrics } = await server({ clock, limits: { maxFailuresPerAddress: 5 } })
    for (let i = 0; i < 5; i++) {
      const socket = await plain(address)
      socket.write('GET / HTTP/1.1\r\n\r\n')
      await closed(socket)
    }
    const refused = await plain(address)
    await closed(refused)
    expect(metrics.value('heddle_transport_refused_total', { node: 'b', side: 'incoming', reason: 'TOO_MANY_FAILURES' })).toBe(1)
    clock.advance(10_001)
    await serves()
  })
})

describe('a crowd at the door of a TCP transport', () => {
  it('of strangers and members who come and go at any moment leaves it serving', async () => {
    const { b, address } = await server({ limits: { maxFailuresPerAddress: 1e9, maxPendingPerAddress: 1e6, maxPending: 20 } })
    const who = network.enrol('Org1MSP', 'good', 'client')
    const { certificates: cert, privateKey: key } = who.credentials
    const random = seededRandom('crowd')
    const below = (most: number): number => Math.floor(random.float() * most)
    const turns = async (most: number): Promise<void> => {
      for (let i = below(most); i > 0; i--) await new Promise((resolve) => setImmediate(resolve))
    }
    const visits = [
      async () => {
        const socket = net.connect(address)
        socket.on('error', () => {})
        socket.write(random.bytes(below(3000)))
        await turns(50)
        socket.destroy()
      },
      async () => {
        const known = below(2) === 0 ? { cert, key } : {}
        const socket = tls.connect({ ...address, rejectUnauthorized: false, ALPNProtocols: [ALPN], ...known })
        socket.on('error', () => {})
        socket.on('secureConnect', () => socket.write(random.bytes(below(3000))))
        await turns(200)
        socket.destroy()
      },
      async () => {
        const client = network.transport('Org1MSP/good', who)
        await client.start()
        const asked = client.request(route, new Uint8Array(below(200_000))).catch(() => {})
        await turns(300)
        await client.stop()
        await asked
      },
    ]
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 6 }, () => visits[below(visits.length)]!()))
      if (round % 8 === 0) b.recheck()
      if (round % 10 === 0) b.rotate(network.enrol('Org1MSP', 'b').credentials)
    }
    await serves()
  })
})

describe('members who misbehave over TCP', () => {
  const cases: [string, (raw: RawClient) => void][] = [
    ['a frame of absurd length', (raw) => raw.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 3, 3, 0, 0, 0, 0]))],
    ['a frame shorter than its header', (raw) => raw.socket.write(Buffer.from([0, 0, 0, 1, 3]))],
    ['random bytes', (raw) => raw.socket.write(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) & 0xff)))],
    ['a second greeting', (raw) => raw.hello('b')],
    ['a frame of unknown type', (raw) => raw.send(99, 0, 0)],
    ['an answer to nothing', (raw) => raw.send(FrameType.ANSWER, Flag.FIRST | Flag.LAST, 1)],
    ['an item of no stream', (raw) => raw.send(FrameType.ITEM, Flag.FIRST | Flag.LAST, 1)],
    ['a message over no route', (raw) => raw.send(FrameType.MESSAGE, Flag.FIRST | Flag.LAST, 1, Buffer.from([0, 7, 1]))],
    ['a message without a route', (raw) => raw.send(FrameType.MESSAGE, Flag.FIRST | Flag.LAST, 1)],
    ['a route with a number beyond all', (raw) => raw.send(FrameType.ROUTE, 0, 4096, encodeRoute('echo', 'c'))],
    ['a route without a name', (raw) => raw.send(FrameType.ROUTE, 0, 0, Buffer.alloc(0))],
    [
      'a route with too long a name',
      (raw) => raw.send(FrameType.ROUTE, 0, 0, Buffer.concat([Buffer.of(4), Buffer.alloc(1000, 65)])),
    ],
    ['the middle of a message', (raw) => raw.send(FrameType.MESSAGE, 0, 1, Buffer.alloc(10))],
    [
      'the beginning of a message larger than allowed',
      (raw) => {
        raw.route('echo', 'c')
        raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(0xffffffff, CHUNK))
      },
    ],
    [
      'a small message in several frames',
      (raw) => {
        raw.route('echo', 'c')
        raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(100, 1))
      },
    ],
    [
      'more bytes than it announced',
      (raw) => {
        raw.route('echo', 'c')
        raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK + 10, CHUNK))
        raw.send(FrameType.REQUEST, Flag.LAST, 1, Buffer.alloc(11))
      },
    ],
    [
      'fewer bytes than it announced',
      (raw) => {
        raw.route('echo', 'c')
        raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK + 10, CHUNK))
        raw.send(FrameType.REQUEST, Flag.LAST, 1, Buffer.alloc(9))
      },
    ],
    [
      'large messages all at once',
      (raw) => {
        raw.route('echo', 'c')
        for (let i = 0; i < 3; i++) raw.send(FrameType.REQUEST, Flag.FIRST, i, header(60 << 20, CHUNK))
      },
    ],
    [
      'one request within another',
      (raw) => {
        raw.route('echo', 'c')
        for (let i = 0; i < 2; i++) raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK * 3, CHUNK))
      },
    ],
    [
      'a request under the number of one that is under way',
      (raw) => {
        raw.route('never', 'c')
        for (let i = 0; i < 2; i++) raw.send(FrameType.REQUEST, Flag.FIRST | Flag.LAST, 1, Buffer.from([0, 0]))
      },
    ],
    ['a credit without a number', (raw) => raw.send(FrameType.CREDIT, 0, 1, Buffer.alloc(3))],
  ]

  it.each(cases)('%s ends the connection, and nobody else notices', async (_what, act) => {
    const { metrics } = await server()
    const raw = await member()
    act(raw)
    expect(await raw.farewell()).toBe('PROTOCOL')
    await raw.end()
    expect(metrics.value(...VIOLATIONS)).toBe(1)
    await serves()
  })

  it('credits, cancellations and pongs of nothing do no harm', async () => {
    const { metrics } = await server()
    const raw = await member()
    raw.send(FrameType.CREDIT, 0, 7, Buffer.alloc(4, 0xff))
    raw.send(FrameType.CANCEL, 0, 7)
    raw.send(FrameType.PONG, 0, 7)
    raw.send(FrameType.PING, 0, 8)
    expect((await raw.frame(FrameType.PONG))?.id).toBe(8)
    expect(metrics.value(...VIOLATIONS)).toBeUndefined()
    raw.socket.destroy()
  })

  it('more requests than allowed are answered as too many', async () => {
    await server({ limits: { maxRequests: 3 } })
    const raw = await member()
    raw.route('never', 'c')
    for (let i = 0; i < 5; i++) raw.send(FrameType.REQUEST, Flag.FIRST | Flag.LAST, i, Buffer.from([0, 0]))
    const answer = await raw.frame(FrameType.ANSWER, ({ id }) => id === 4)
    expect(JSON.parse(answer!.body.toString()).code).toBe('TRANSPORT_BUSY')
    raw.socket.destroy()
  })

  it('who reads no answers gets no more requests in, and no memory', async () => {
    const { b } = await server({ limits: { maxQueueBytes: 1 << 20, maxRequests: 50 } })
    let asked = 0
    b.onRequest('large', 'c', async () => {
      asked++
      return new Uint8Array(100_000)
    })
    const raw = await member()
    raw.socket.pause()
    raw.route('large', 'c')
    for (let i = 0; i < 2000; i++) raw.send(FrameType.REQUEST, Flag.FIRST | Flag.LAST, i, Buffer.from([0, 0]))
    await expect.poll(() => asked).toBeGreaterThan(5)
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
    // What the kernel and the sockets hold is a few megabytes; 2,000 answers would be 200.
    expect(asked).toBeLessThan(400)
    raw.socket.resume()
    expect(await raw.frame(FrameType.ANSWER, ({ id, flags }) => id === 1999 && (flags & Flag.LAST) !== 0)).toBeDefined()
    raw.socket.destroy()
  })

  it('who asks for signs of life without end, and reads none, is cut off', async () => {
    const { metrics } = await server()
    const raw = await member()
    raw.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 50_000 }, () => encodeFrame(FrameType.PING, 0, 1)))
    for (let i = 0; i < 20; i++) raw.socket.write(pings)
    await expect.poll(() => metrics.value(...VIOLATIONS)).toBe(1)
    raw.socket.destroy()
  })

  it('who opens streams that end at once, and reads nothing, can open no more', async () => {
    const { b } = await server({ limits: { maxRequests: 50 } })
    let opened = 0
    b.onStream('short', 'c', async function* () {
      opened++
      yield new Uint8Array(10_000)
    })
    const raw = await member()
    raw.socket.pause()
    raw.route('short', 'c')
    for (let i = 0; i < 20_000; i++) raw.send(FrameType.STREAM, Flag.FIRST | Flag.LAST, i, Buffer.from([0, 0]))
    await expect.poll(() => opened).toBeGreaterThan(10)
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(opened).toBeLessThan(2000)
    raw.socket.destroy()
  })

  it('a client that begins a large message and never ends it is cut off', async () => {
    const clock = manualClock(Date.now())
    await server({ clock })
    const raw = await member('client')
    raw.route('echo', 'c')
    raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK * 10, CHUNK))
    for (let i = 0; i < 12; i++) {
      raw.send(FrameType.PING, 0, i)
      expect(await raw.frame(FrameType.PONG, ({ id }) => id === i)).toBeDefined()
      clock.advance(3000)
    }
    expect(await raw.farewell()).toBe('PROTOCOL')
    raw.socket.destroy()
  })

  it('a stream that nobody gives credit to holds no more than its window', async () => {
    const { b } = await server()
    let made = 0
    b.onStream('endless', 'c', async function* () {
      for (;;) {
        made++
        yield new Uint8Array(50_000)
      }
    })
    const raw = await member()
    raw.route('endless', 'c')
    raw.send(FrameType.STREAM, Flag.FIRST | Flag.LAST, 1, Buffer.from([0, 0]))
    await raw.frame(FrameType.ITEM)
    await expect.poll(() => made).toBeGreaterThan(20)
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(made).toBeLessThan(30)
    raw.send(FrameType.CREDIT, 0, 1, Buffer.from([0, 0x10, 0, 0]))
    await expect.poll(() => made).toBeGreaterThan(35)
    raw.socket.destroy()
  })

  it('clients share what they may send at once; nodes have their own', async () => {
    const { metrics } = await server({ limits: { maxClientPartialBytes: 40_000 } })
    const client = await member('client')
    const other = await member('client')
    const node = await member('peer')
    for (const raw of [node, client, other]) raw.route('echo', 'c')
    for (const raw of [node, client]) raw.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK * 10, CHUNK))
    for (const raw of [node, client]) raw.send(FrameType.REQUEST, 0, 1, Buffer.alloc(CHUNK))
    client.send(FrameType.PING, 0, 1)
    await client.frame(FrameType.PONG)
    other.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK * 10, CHUNK))
    expect(await other.farewell()).toBe('PROTOCOL')
    // What they held is free again when they leave.
    client.socket.destroy()
    await client.end()
    const third = await member('client')
    third.route('echo', 'c')
    third.send(FrameType.REQUEST, Flag.FIRST, 1, header(CHUNK * 10, CHUNK))
    third.send(FrameType.PING, 0, 1)
    expect(await third.frame(FrameType.PONG)).toBeDefined()
    expect(node.closed).toBe(false)
    expect(metrics.value(...VIOLATIONS)).toBe(1)
    for (const raw of [third, node]) raw.socket.destroy()
  })

  it('one client identity holds few connections, and takes none from others', async () => {
    await server({ limits: { maxConnectionsPerClient: 2 } })
    const { credentials } = network.enrol('Org1MSP', 'greedy', 'client')
    const address = network.nodes.get('b')!.address!
    const connect = async () => {
      const raw = await RawClient.connect(address, credentials)
      raw.hello('b')
      return raw
    }
    const first = await connect()
    const second = await connect()
    expect([await first.greeted(), await second.greeted()]).toEqual([true, true])
    const third = await connect()
    expect(await third.farewell()).toBe('BUSY')
    await serves()
    first.socket.destroy()
    second.socket.destroy()
  })

  it('a node that connects again and again replaces its own oldest connections', async () => {
    await server()
    network.nodes.set('x', { mspId: 'Org1MSP', role: 'peer' })
    const { credentials } = network.enrol('Org1MSP', 'x')
    const all: RawClient[] = []
    for (let i = 0; i < 4; i++) {
      const raw = await RawClient.connect(network.nodes.get('b')!.address!, credentials)
      raw.hello('b')
      expect(await raw.greeted()).toBe(true)
      all.push(raw)
    }
    expect(await all[0]!.farewell()).toBe('STOPPING')
    for (const raw of all) raw.socket.destroy()
  })

  it('bytes one by one are frames all the same', async () => {
    await server()
    const raw = await member()
    const message = Buffer.concat([
      encodeFrame(FrameType.ROUTE, 0, 0, encodeRoute('echo', 'c')),
      encodeFrame(FrameType.REQUEST, Flag.FIRST | Flag.LAST, 5, Buffer.from([0, 0, 1, 2, 3])),
    ])
    for (const byte of message) raw.socket.write(Buffer.of(byte))
    expect([...(await raw.frame(FrameType.ANSWER))!.body]).toEqual([1, 2, 3])
    raw.socket.destroy()
  })
})

/** Body of the first frame of a transfer over route 0. */
function header(total: number, length: number): Buffer {
  const body = Buffer.alloc(6 + length)
  body.writeUInt32BE(total, 2)
  return body
}
