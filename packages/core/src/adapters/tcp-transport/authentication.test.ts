import { once } from 'node:events'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CertificateAuthority } from '../ca/certificate-authority.ts'
import { serializeIdentity } from '../ca/msp-definition.ts'
import { manualClock, systemClock } from '../environment/clock.ts'
import { MemoryMetrics } from '../environment/metrics.ts'
import { systemRandom } from '../environment/random.ts'
import { ALPN } from './frame.ts'
import { RawClient } from './raw-client.fixture.ts'
import { TestNetwork } from './tcp.fixture.ts'
import type { TcpTransport } from './tcp-transport.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const route = { to: 'b', service: 'echo', channel: 'c' }
const REFUSED = 'heddle_transport_refused_total'

let network: TestNetwork
beforeEach(() => {
  network = new TestNetwork(['Org1MSP', 'Org2MSP'])
})
afterEach(() => network.stop())

/** A node `b` that echoes, and counts what reached it. */
async function server(options: Parameters<TestNetwork['node']>[1] = {}) {
  const metrics = new MemoryMetrics()
  const heard: string[] = []
  const b = await network.node('b', { metrics, ...options })
  b.onRequest('echo', 'c', async (from, message) => {
    heard.push(from.name)
    return message
  })
  b.onMessage('echo', 'c', (from) => void heard.push(from.name))
  return { b, metrics, heard }
}

/** What a node with this certificate is told by `b`, and what the two ends count. */
async function attempt(a: TcpTransport) {
  a.send(route, bytes('x'))
  const error = await a.request(route, bytes('x')).then(
    () => undefined,
    (reason: { code: string; data: { reason?: string } }) => reason,
  )
  return error === undefined ? 'admitted' : `${error.code} ${error.data.reason}`
}

describe('who may connect over TCP', () => {
  it('a node with a certificate of its organisation, under its name', async () => {
    const { heard } = await server()
    expect(await attempt(await network.node('a'))).toBe('admitted')
    expect(heard).toEqual(['a', 'a'])
  })

  it('a node whose certificate comes from an intermediate authority', async () => {
    network.intermediates.set('Org1MSP', network.authority('Org1MSP').createIntermediate({ commonName: 'lower' }))
    await server()
    expect(await attempt(await network.node('a'))).toBe('admitted')
  })

  it('a node with a renewed certificate, beside its connections with the old one', async () => {
    const { b } = await server()
    const a = await network.node('a')
    const old = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    b.onStream('echo', 'c', async function* (from) {
      yield from.identity
      yield from.identity
    })
    const first = (await old.next()).value
    const renewed = network.enrol('Org1MSP', 'a')
    a.rotate(renewed.credentials)
    b.onRequest('who', 'c', async (from) => from.identity)
    expect(Buffer.from(await a.request({ ...route, service: 'who' }, bytes('')))).toEqual(Buffer.from(renewed.identity))
    expect(Buffer.from((await old.next()).value)).toEqual(Buffer.from(first))
  })

  it('a node that calls one with a renewed certificate', async () => {
    const { b } = await server()
    b.rotate(network.enrol('Org1MSP', 'b').credentials)
    expect(await attempt(await network.node('a'))).toBe('admitted')
  })

  it('a client, under a name that no node can have', async () => {
    const { heard } = await server()
    const who = network.enrol('Org2MSP', 'alice', 'client')
    const client = network.transport('Org2MSP/alice', who)
    await client.start()
    expect(await attempt(client)).toBe('admitted')
    expect(new Set(heard)).toEqual(new Set(['Org2MSP/alice']))
  })

  it('a client certificate in the name of a node counts as a client', async () => {
    const { heard } = await server()
    network.nodes.set('a', { mspId: 'Org1MSP', role: 'peer' })
    const client = network.transport('Org1MSP/a', network.enrol('Org1MSP', 'a', 'client'))
    await client.start()
    expect(await attempt(client)).toBe('admitted')
    expect(new Set(heard)).toEqual(new Set(['Org1MSP/a']))
  })

  it('the name of a node from the authority of another organisation counts as a client of that one', async () => {
    const { heard } = await server()
    network.nodes.set('a', { mspId: 'Org1MSP', role: 'peer' })
    const client = network.transport('Org2MSP/a', network.enrol('Org2MSP', 'a'))
    await client.start()
    expect(await attempt(client)).toBe('admitted')
    expect(new Set(heard)).toEqual(new Set(['Org2MSP/a']))
  })

  it('a peer certificate in the name of an orderer is no orderer', async () => {
    const { heard } = await server()
    network.nodes.set('orderer0', { mspId: 'Org1MSP', role: 'orderer' })
    const client = network.transport('Org1MSP/orderer0', network.enrol('Org1MSP', 'orderer0', 'peer'))
    await client.start()
    expect(await attempt(client)).toBe('admitted')
    expect(heard).not.toContain('orderer0')
  })
})

describe('who may not connect over TCP', () => {
  const foreign = () =>
    CertificateAuthority.createRoot({ commonName: 'ca of Org1MSP' }, { clock: systemClock, random: systemRandom() })

  it.each([
    ['of a foreign authority', 'IDENTITY_NOT_TRUSTED', () => foreign().issue({ enrolmentId: 'a', role: 'peer' })],
    [
      'that it made itself',
      'IDENTITY_NOT_TRUSTED',
      () => {
        const own = foreign()
        return { certificate: own.certificate, privateKey: own.record().privateKey }
      },
    ],
    [
      'that has expired',
      'EXPIRED',
      () => {
        const end = Date.now() - 60_000
        return network
          .authority('Org1MSP', undefined)
          .issue({ enrolmentId: 'a', role: 'peer' }, { lifetime: end - (end - 3_000_000), notBefore: end - 3_000_000 })
      },
    ],
  ])('a node with a certificate %s', async (_what, reason, issue) => {
    const { metrics, heard } = await server()
    const { certificate, privateKey } = issue()
    const mine = new MemoryMetrics()
    const a = await network.node('a', {
      metrics: mine,
      who: {
        identity: serializeIdentity('Org1MSP', certificate),
        certificate,
        credentials: { certificates: certificate, privateKey: privateKey! },
      },
    })
    expect(await attempt(a)).toBe(`TRANSPORT_REFUSED ${reason}`)
    expect(heard).toEqual([])
    expect(metrics.value(REFUSED, { node: 'b', side: 'incoming', reason })).toBe(1)
    expect(mine.value(REFUSED, { node: 'a', side: 'outgoing', reason })).toBe(1)
    // The other way round: nobody talks to such a node either.
    const c = await network.node('c', { metrics: mine })
    const told = await c.request({ ...route, to: 'a' }, bytes('')).catch((error) => error)
    expect([told.code, told.data.reason]).toEqual(['TRANSPORT_PEER_REFUSED', reason])
    expect(mine.value(REFUSED, { node: 'c', side: 'outgoing', reason })).toBe(1)
  })

  it('a node whose certificate is revoked', async () => {
    const who = network.enrol('Org1MSP', 'a')
    network.authority('Org1MSP').revoke(who.certificate)
    const admission = network.admission()
    admission.setChannel('c', network.membership(undefined, true))
    const { metrics, heard } = await server({ admission })
    expect(await attempt(await network.node('a', { who }))).toBe('TRANSPORT_REFUSED IDENTITY_REVOKED')
    expect(heard).toEqual([])
    expect(metrics.value(REFUSED, { node: 'b', side: 'incoming', reason: 'IDENTITY_REVOKED' })).toBe(1)
  })

  it('a node that answers at the address of another', async () => {
    const { heard } = await server()
    await network.node('c')
    network.nodes.set('b', { ...network.nodes.get('b')!, address: network.nodes.get('c')!.address! })
    const metrics = new MemoryMetrics()
    expect(await attempt(await network.node('a', { metrics }))).toBe('TRANSPORT_PEER_REFUSED WRONG_NAME')
    expect(heard).toEqual([])
    expect(metrics.value(REFUSED, { node: 'a', side: 'outgoing', reason: 'WRONG_NAME' })).toBe(1)
  })

  it('a client that answers in the name of a node', async () => {
    await server({ who: network.enrol('Org1MSP', 'b', 'client') })
    expect(await attempt(await network.node('a'))).toBe('TRANSPORT_PEER_REFUSED WRONG_NAME')
  })

  it('someone without a certificate', async () => {
    const { metrics, heard } = await server()
    const raw = await RawClient.connect(network.nodes.get('b')!.address!, {})
    raw.hello('b')
    expect(await raw.farewell()).toBe('NO_CERTIFICATE')
    expect(heard).toEqual([])
    expect(metrics.value(REFUSED, { node: 'b', side: 'incoming', reason: 'NO_CERTIFICATE' })).toBe(1)
  })

  it.each([
    ['TLS 1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ALPNProtocols: [ALPN] } as const],
    ['another protocol', { ALPNProtocols: ['http/1.1'] } as const],
  ])('someone who speaks %s', async (_what, options) => {
    await server()
    const who = network.enrol('Org1MSP', 'a')
    const { host, port } = network.nodes.get('b')!.address!
    const { certificates: cert, privateKey: key } = who.credentials
    const socket = tls.connect({ host, port, cert, key, rejectUnauthorized: false, ...options })
    const [error] = await once(socket, 'error')
    expect((error as NodeJS.ErrnoException).code).toMatch(/^ERR_SSL_/)
  })

  it('someone who names no protocol', async () => {
    await server()
    const who = network.enrol('Org1MSP', 'a')
    const raw = await RawClient.connect(network.nodes.get('b')!.address!, { ...who.credentials, alpn: false })
    raw.hello('b')
    expect(await raw.farewell()).toBe('WRONG_PROTOCOL')
  })

  it('someone who takes up a session of an earlier connection: each one proves its key anew', async () => {
    await server()
    const { credentials } = network.enrol('Org1MSP', 'a')
    const address = network.nodes.get('b')!.address!
    const sessions: Buffer[] = []
    const first = await RawClient.connect(address, credentials, { onSession: (session) => sessions.push(session) })
    first.hello('b')
    await first.greeted()
    const session = first.socket.getSession() ?? Buffer.alloc(0)
    first.socket.destroy()
    for (const each of [...sessions, session]) {
      const second = await RawClient.connect(address, credentials, { session: each })
      expect(second.socket.isSessionReused()).toBe(false)
      second.socket.destroy()
    }
  })

  it('a node that wants to reach another than it does', async () => {
    await server()
    const raw = await RawClient.connect(network.nodes.get('b')!.address!, network.enrol('Org1MSP', 'a').credentials)
    raw.hello('c')
    expect(await raw.farewell()).toBe('WRONG_NAME')
  })

  it('somebody who is no member of the channel: other channels are open to them', async () => {
    const admission = network.admission()
    admission.setChannel('c', network.membership(['Org1MSP']))
    admission.setChannel('d', network.membership(['Org1MSP', 'Org2MSP']))
    const { b, heard } = await server({ admission })
    b.onRequest('echo', 'd', async (_from, message) => message)
    b.onStream('echo', 'c', async function* () {
      yield bytes('secret')
    })
    const a = await network.node('a', { mspId: 'Org2MSP' })
    expect(await attempt(a)).toBe('TRANSPORT_REFUSED NO_MEMBER')
    await expect(a.stream(route, bytes(''))[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
    expect(await a.request({ ...route, channel: 'd' }, bytes('x'))).toEqual(bytes('x'))
    expect(heard).toEqual([])
  })
})

describe('connections that stand', () => {
  it('end when the certificate of the other side is revoked, and all that runs on them', async () => {
    const who = network.enrol('Org1MSP', 'a')
    const admission = network.admission()
    const { b, metrics } = await server({ admission })
    const sourceEnded = new Promise<void>((resolve) => {
      b.onStream('echo', 'c', async function* (_from, _message, signal) {
        signal.addEventListener('abort', () => resolve())
        yield bytes('first')
        await new Promise(() => {})
      })
    })
    b.onRequest('never', 'c', () => new Promise(() => {}))
    const a = await network.node('a', { who })
    const reader = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    await reader.next()
    const next = reader.next()
    const waiting = a.request({ ...route, service: 'never' }, bytes(''))
    await a.request(route, bytes(''))
    const ends = Promise.all(
      [next, waiting].map((each) =>
        expect(each).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED', data: { reason: 'IDENTITY_REVOKED' } }),
      ),
    )
    network.authority('Org1MSP').revoke(who.certificate)
    admission.setChannel('c', network.membership(undefined, true))
    await ends
    await sourceEnded
    expect(metrics.value(REFUSED, { node: 'b', side: 'living', reason: 'IDENTITY_REVOKED' })).toBe(2)
    await expect(a.request(route, bytes(''))).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' })
  })

  it('end when this side learns that the node it called is revoked', async () => {
    const who = network.enrol('Org1MSP', 'b')
    const { b } = await server({ who })
    b.onRequest('never', 'c', () => new Promise(() => {}))
    const admission = network.admission()
    const a = await network.node('a', { admission })
    const waiting = a.request({ ...route, service: 'never' }, bytes(''))
    await a.request(route, bytes(''))
    network.authority('Org1MSP').revoke(who.certificate)
    admission.setChannel('c', network.membership(undefined, true))
    await expect(waiting).rejects.toMatchObject({ code: 'TRANSPORT_PEER_REFUSED', data: { reason: 'IDENTITY_REVOKED' } })
  })

  it('lose a channel that they are no member of any more, and keep the others', async () => {
    const admission = network.admission()
    admission.setChannel('c', network.membership())
    admission.setChannel('d', network.membership())
    const { b } = await server({ admission })
    b.onRequest('echo', 'd', async (_from, message) => message)
    b.onStream('echo', 'c', async function* () {
      yield bytes('first')
      await new Promise(() => {})
    })
    const a = await network.node('a', { mspId: 'Org2MSP' })
    const reader = a.stream(route, bytes(''))[Symbol.asyncIterator]()
    await reader.next()
    const next = reader.next()
    admission.setChannel('c', network.membership(['Org1MSP']))
    await expect(next).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED', data: { reason: 'NO_MEMBER' } })
    await expect(a.request(route, bytes(''))).rejects.toMatchObject({ data: { reason: 'NO_MEMBER' } })
    expect(await a.request({ ...route, channel: 'd' }, bytes('x'))).toEqual(bytes('x'))
  })

  it('end when the certificate of the other side expires', async () => {
    const clock = manualClock(Date.now())
    const admission = network.admission(clock)
    const { b } = await server({ admission, clock })
    b.onRequest('never', 'c', () => new Promise(() => {}))
    const a = await network.node('a', { who: network.enrol('Org1MSP', 'a', 'peer', { lifetime: 2 * 3_600_000 }) })
    await a.request(route, bytes(''))
    const waiting = a.request({ ...route, service: 'never' }, bytes(''))
    await a.request(route, bytes(''))
    clock.setTime(clock.now() + 2 * 3_600_000)
    clock.advance(3000)
    await expect(waiting).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED', data: { reason: 'EXPIRED' } })
  })
})
