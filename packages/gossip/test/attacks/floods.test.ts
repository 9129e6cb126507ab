import { connect, type Socket } from 'node:net'
import { sha256 } from '@heddle/core/model'
import { afterEach, expect, it } from 'vitest'
import { LINK_PROTOCOL } from '../../src/links/session.ts'
import { Attacker, CHANNEL, heldMegabytes, Target, until } from './attacker.fixture.ts'

const toStop: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of toStop.splice(0).reverse()) await each.stop()
})

const MESHSUB = `/heddle/${Buffer.from(sha256(Buffer.from(`heddle/1/${CHANNEL}/Org1MSP`)))
  .toString('hex')
  .slice(0, 32)}/meshsub/1.2.0`

async function stage(options = {}) {
  const target = await Target.start(options)
  toStop.push(target)
  const attacker = await Attacker.start()
  toStop.push(attacker)
  return { target, attacker, mallory: await target.network.organization('Org1').enrol('mallory', { role: 'peer' }) }
}

/** Protobuf, by hand: what no encoder would write. */
const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128)
  return Buffer.from([...bytes, value])
}
const rpc = (...fields: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(fields)
  return Buffer.concat([varint(body.length), body])
}
const text = (value: string): Buffer => Buffer.from(value)

const FLOODS: Record<string, (i: number) => Buffer> = {
  'subscriptions to topics without number': (i) =>
    rpc(
      ...Array.from({ length: 1000 }, (_, j) =>
        field(1, Buffer.concat([Buffer.from([8, 1]), field(2, text(`topic ${i} ${j}`.padEnd(200)))])),
      ),
    ),
  'a few subscriptions again and again': (i) =>
    rpc(field(1, Buffer.concat([Buffer.from([8, 1]), field(2, text(`topic ${i}`.padEnd(1000)))]))),
  'IHAVE of messages that nobody has': (i) =>
    rpc(
      field(
        3,
        field(
          1,
          Buffer.concat([
            field(1, text(`heddle/1/${CHANNEL}/Org1MSP`)),
            ...Array.from({ length: 500 }, (_, j) => field(2, sha256(text(`${i} ${j}`)))),
          ]),
        ),
      ),
    ),
  'IWANT of messages that nobody has': (i) =>
    rpc(field(3, field(2, Buffer.concat(Array.from({ length: 500 }, (_, j) => field(1, sha256(text(`${i} ${j}`)))))))),
  'IDONTWANT without number': (i) =>
    rpc(field(3, field(5, Buffer.concat(Array.from({ length: 500 }, (_, j) => field(1, sha256(text(`${i} ${j}`)))))))),
  'GRAFT and PRUNE of topics without number': (i) =>
    rpc(
      field(
        3,
        Buffer.concat(
          Array.from({ length: 60 }, (_, j) =>
            Buffer.concat([field(3, field(1, text(`topic ${i} ${j}`))), field(4, field(1, text(`topic ${i} ${j}`)))]),
          ),
        ),
      ),
    ),
  'messages of topics without number': (i) =>
    rpc(
      ...Array.from({ length: 60 }, (_, j) =>
        field(2, Buffer.concat([field(2, new Uint8Array(500)), field(4, text(`topic ${i} ${j}`))])),
      ),
    ),
  garbage: (i) => Buffer.concat([varint(2000), Buffer.alloc(2000, i % 256)]),
}

it.each(Object.entries(FLOODS))('a member that sends %s fills no memory and disturbs nobody', async (_what, make) => {
  const { target, attacker, mallory } = await stage()
  const spy = await attacker.connect(target, await attacker.hello(mallory))
  await spy.heard((message) => message.hello !== undefined)
  await spy.say({ state: { channels: [{ channel: CHANNEL, height: 1 }] } })
  const stream = (await attacker.raw(spy.link, MESHSUB)) as unknown as {
    send(bytes: Uint8Array): boolean
    onDrain(): Promise<void>
    status: string
  }
  const before = heldMegabytes()
  for (let i = 0; i < 400 && stream.status === 'open'; i++) {
    if (!stream.send(make(i))) await Promise.race([stream.onDrain().catch(() => {}), spy.ended()])
    if (i % 20 === 0) await new Promise(setImmediate)
  }
  await target.isUnaffected()
  expect(heldMegabytes() - before).toBeLessThan(64)
})

it('a stream that comes from who is no member is closed unread', async () => {
  const { target, attacker } = await stage()
  const link = await attacker.dial(target)
  const stream = (await attacker.raw(link, MESHSUB)) as unknown as { send(bytes: Uint8Array): boolean; status: string }
  await until('the stream is closed', () => {
    if (stream.status === 'open') stream.send(FLOODS.garbage!(1))
    return stream.status !== 'open'
  })
  await target.isUnaffected()
})

it('garbage where a greeting is due ends the connection', async () => {
  const { target } = await stage()
  for (const frame of [new Uint8Array(0), Uint8Array.of(255, 255), new Uint8Array(60_000), new Uint8Array(2 << 20)]) {
    const attacker = await Attacker.start()
    toStop.push(attacker)
    const link = await attacker.dial(target)
    const closed = new Promise<void>((resolve) => link.onClose(resolve))
    const stream = await link.open(LINK_PROTOCOL, AbortSignal.timeout(5_000))
    await stream.send(frame).catch(() => {})
    await closed
  }
  await target.isUnaffected()
})

it('a member that talks without end is disconnected', async () => {
  const { target, attacker, mallory } = await stage()
  const spy = await attacker.connect(target, await attacker.hello(mallory))
  await spy.heard((message) => message.hello !== undefined)
  for (let i = 0; i < 5_000 && !spy.closed; i++)
    await spy.say({ state: { channels: [{ channel: CHANNEL, height: i }] } }).catch(() => {})
  await spy.ended()
  await target.isUnaffected()
})

it('addresses that a neighbour makes up are not dialled', async () => {
  const { target, attacker, mallory } = await stage()
  const spy = await attacker.connect(target, await attacker.hello(mallory))
  await spy.heard((message) => message.hello !== undefined)
  const before = target.status().node as unknown as { knownAddresses: number }
  const signature = new Uint8Array(70)
  for (let i = 0; i < 20; i++)
    await spy.say({ peers: { peers: Array.from({ length: 8 }, () => ({ statement: new Uint8Array(300).fill(i), signature })) } })
  await target.isUnaffected()
  const after = target.status().node as unknown as { knownAddresses: number }
  expect(after.knownAddresses).toBe(before.knownAddresses)
})

it('thousands of connections keep no member out', async () => {
  const { target, attacker, mallory } = await stage({ transport: 'tcp' })
  const address = target.status().node.addresses[0]!
  const port = Number(/tcp\/(\d+)/.exec(address)![1])
  const sockets: Socket[] = []
  let refused = 0
  let most = 0
  for (let i = 0; i < 2_000; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => refused++)
    socket.on('close', () => refused++)
    sockets.push(socket)
    if (i % 100 === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      most = Math.max(most, target.status().node.connections)
    }
  }
  await target.isUnaffected()
  expect(target.status().node.unproven).toBeLessThanOrEqual(32)
  expect(most).toBeLessThan(300)
  for (const socket of sockets) socket.destroy()
  // And those that speak libp2p, and prove nothing.
  const strangers: Attacker[] = []
  for (let i = 0; i < 60; i++) {
    const stranger = await Attacker.start()
    strangers.push(stranger)
    await stranger.network.dial(address, AbortSignal.timeout(5_000)).catch(() => {})
    expect(target.status().node.unproven).toBeLessThanOrEqual(33)
  }
  // Of one host only so many connections a second are taken: the member tries again, as members do.
  const hello = await attacker.hello(mallory)
  for (let answered = false; !answered; ) {
    try {
      const member = await attacker.connect(target, hello)
      await member.heard((message) => message.hello !== undefined)
      answered = true
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  await Promise.all(strangers.map((stranger) => stranger.stop()))
  await target.isUnaffected()
})
