// The TCP transport against bare node:tls, each between two processes on loopback: one-way messages, streams, round trips, and round trips
// beside a stream of blocks.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { percentile, row, runBenchmark } from '@heddle/testkit/benchmark'
import { BenchNetwork } from './transport-network.ts'

/** Bytes of a small message: a Raft entry, an acknowledgement, a transaction's hash. */
const SMALL = 256
const MESSAGES = 400_000
const ROUND_TRIPS = 5000
const MEGABYTES = 512
/** Messages after which the sender waits for the receiver to have counted, as consensus does. */
const WINDOW = 1000

const route = (service: string) => ({ to: 'b', service, channel: 'c' })

await runBenchmark('transport', async (say) => {
  const network = new BenchNetwork()
  const server = fork(fileURLToPath(new URL('./transport-server.ts', import.meta.url)))
  server.send(network.record)
  const [ports] = (await once(server, 'message')) as [{ port: number; bare: number }]
  network.addresses.set('b', { host: '127.0.0.1', port: ports.port })
  const a = network.transport('a')
  await a.start()
  const bare = (mode: number) => bareSocket(ports.bare, mode)

  say('one-way messages')
  const message = new Uint8Array(SMALL).fill(7)
  const send = async (count: number): Promise<void> => {
    const windows: Promise<unknown>[] = []
    for (let i = 0; i < count; i += WINDOW) {
      for (let j = 0; j < WINDOW; j++) a.send(route('count'), message)
      windows.push(a.request(route('count'), message))
      if (windows.length > 2) await windows.shift()
    }
    await Promise.all(windows)
  }
  await send(MESSAGES / 10)
  const messages = MESSAGES / (await seconds(() => send(MESSAGES)))
  const bareMessages = MESSAGES / (await bareCount(await bare(1), message))

  say('streams')
  const read = async (megabytes: number): Promise<void> => {
    for await (const _item of a.stream(route('bulk'), Buffer.from(String(megabytes))));
  }
  await read(MEGABYTES / 8)
  const stream = MEGABYTES / (await seconds(() => read(MEGABYTES)))
  const bareStream = MEGABYTES / (await bareBulk(await bare(2)))

  say('round trips')
  const trip = () => a.request(route('echo'), message)
  await trips(trip, ROUND_TRIPS / 5)
  const requests = await trips(trip, ROUND_TRIPS)
  const echo = await bareEcho(await bare(0), message)
  await trips(echo, ROUND_TRIPS / 5)
  const bareTrips = await trips(echo, ROUND_TRIPS)

  say('round trips beside a stream')
  let reading = true
  const beside = (async () => {
    while (reading) await read(64)
  })()
  const busy = await trips(trip, ROUND_TRIPS / 2)
  reading = false
  await beside
  await a.stop()
  server.kill()

  const alone = { name: 'node:tls, one write a message', value: bareMessages }
  return [
    row('throughput-messages', 'messages/s', messages, alone),
    row('throughput-stream', 'MB/s', stream, { name: 'node:tls, 64 kB a write', value: bareStream }),
    row('p50', 'µs', percentile(requests, 0.5), { name: 'node:tls', value: percentile(bareTrips, 0.5) }),
    row('p99', 'µs', percentile(requests, 0.99), { name: 'node:tls', value: percentile(bareTrips, 0.99) }),
    row('p50-beside-stream', 'µs', percentile(busy, 0.5)),
    row('p99-beside-stream', 'µs', percentile(busy, 0.99)),
  ]
})

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** Microseconds of each. */
async function trips(trip: () => Promise<unknown>, count: number): Promise<Float64Array> {
  const times = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await trip()
    times[i] = (performance.now() - start) * 1000
  }
  return times
}

async function bareSocket(port: number, mode: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  socket.write(Buffer.of(mode))
  return socket
}

/** Seconds for all messages, each its own write; the receiver acknowledges every 256 kB, and two may be open. */
async function bareCount(socket: tls.TLSSocket, message: Uint8Array): Promise<number> {
  let acknowledged = 0
  let wake: () => void = () => {}
  socket.on('data', (data: Buffer) => {
    acknowledged += data.length
    wake()
  })
  const time = await seconds(async () => {
    for (let i = 0; i < MESSAGES; i += WINDOW) {
      for (let j = 0; j < WINDOW; j++) socket.write(message)
      while (i / WINDOW + 1 - acknowledged > 2)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
    while (acknowledged < MESSAGES / WINDOW)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  })
  socket.destroy()
  return time
}

async function bareBulk(socket: tls.TLSSocket): Promise<number> {
  let received = 0
  const time = await seconds(
    () =>
      new Promise<void>((resolve) => {
        socket.on('data', (data: Buffer) => {
          received += data.length
          if (received >= MEGABYTES << 20) resolve()
        })
      }),
  )
  socket.destroy()
  return time
}

async function bareEcho(socket: tls.TLSSocket, message: Uint8Array): Promise<() => Promise<void>> {
  let received = 0
  let wake: () => void = () => {}
  socket.on('data', (data: Buffer) => {
    received += data.length
    if (received >= message.length) {
      received = 0
      wake()
    }
  })
  return () =>
    new Promise<void>((resolve) => {
      wake = resolve
      socket.write(message)
    })
}
