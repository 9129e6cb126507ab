import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EnvelopeView } from '@heddle/core/model'
import type { ChannelHost, Submission } from '@heddle/core/plugin'
import { type BenchmarkRow, percentile, row } from '@heddle/testkit/benchmark'
import { Consumer, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka'
import { ClusterAdmin } from '../processes/cluster-admin.ts'
import { KafkaCluster } from '../processes/kafka-cluster.ts'
import { kafkaClassPath } from '../processes/kafka-jars.ts'
import { type Orderer, startOrderer, transaction } from '../processes/orderer.ts'
import { wantedSettings } from '../src/cluster/topic-settings.ts'

const SIZE = 1000
const WARM = 20_000
const COUNT = 60_000
const ROUNDS = 3
/** Envelopes on their way at a time. */
const OUTSTANDING = 5_000
const LONE_WARM = 300
const LONE = 1_000
/** Records of one request of the bare producer, and requests under way at a time: what it is fastest with. */
const BARE_BATCH = 200
const BARE_REQUESTS = 8

/**
 * Ordering through a real Kafka broker against its bare client: producer and consumer in this process, acks of all replicas, the same records.
 * Blocks are made, signed and stored with fsync as always; the ingress filters, which come before the ordering port, are not part of it.
 */
export async function measure(say: (line: string) => void): Promise<readonly BenchmarkRow[]> {
  const given = (process.env.HEDDLE_KAFKA_BROKERS ?? '').split(',').flatMap((address) => address.trim() || [])
  const cluster =
    given.length > 0 ? undefined : await KafkaCluster.start({ brokers: 1, classPath: kafkaClassPath(say), memory: '600m' })
  const folder = await mkdtemp(join(tmpdir(), 'heddle-bench-'))
  try {
    const brokers = cluster?.addresses ?? given
    const bench = new Bench(brokers, cluster !== undefined, folder)
    const bare: number[] = []
    const one: number[] = []
    const three: number[] = []
    // In turns, so that a machine whose speed changes does so for all.
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bench.bare())
      one.push(await bench.ordered(1))
      three.push(await bench.ordered(3))
      const spent = bench.processor.splice(0).map((each) => each.toFixed(1))
      say(
        `round ${round + 1}: bare ${rate(bare)}, one orderer ${rate(one)}, three ${rate(three)} records/s; ${spent.join(', ')} µs each`,
      )
    }
    const bareTrips = await bench.bareTrips()
    const trips = await bench.trips()
    say(`lone: bare ${percentile(bareTrips, 0.5).toFixed(2)} ms, ordered ${percentile(trips, 0.5).toFixed(2)} ms`)
    const client = { name: 'bare client, acks all', value: median(bare) }
    const trip = { name: 'bare round trip', value: percentile(bareTrips, 0.5) }
    return [
      row('throughput', 'envelopes/s', median(one), client),
      row('throughput-three-orderers', 'envelopes/s', median(three), client),
      row('p50', 'ms', percentile(trips, 0.5), trip),
      row('p99', 'ms', percentile(trips, 0.99), { name: 'bare round trip', value: percentile(bareTrips, 0.99) }),
    ]
  } finally {
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const median = (values: readonly number[]): number => percentile(values, 0.5)
const rate = (values: readonly number[]): string => Math.round(values.at(-1) ?? 0).toString()

class Bench {
  private readonly brokers: readonly string[]
  private readonly single: boolean
  private readonly folder: string
  private readonly admin: ClusterAdmin
  private runs = 0
  /** Microseconds of processor time a record, of each run. */
  readonly processor: number[] = []

  constructor(brokers: readonly string[], single: boolean, folder: string) {
    this.brokers = brokers
    this.single = single
    this.folder = folder
    this.admin = new ClusterAdmin(() => brokers)
  }

  /** Records a second through producer and consumer of the bare client. */
  async bare(): Promise<number> {
    const client = await this.bareClient()
    const value = Buffer.alloc(SIZE, 'x')
    await client.pass(WARM, value)
    const speed = await this.timed(() => client.pass(COUNT, value))
    await client.close()
    return speed
  }

  /** Milliseconds from sending one record to having it read. */
  async bareTrips(): Promise<number[]> {
    const client = await this.bareClient()
    const value = Buffer.alloc(SIZE, 'x')
    const trips: number[] = []
    for (let i = 0; i < LONE_WARM + LONE; i++) {
      const began = performance.now()
      await client.pass(1, value)
      if (i >= LONE_WARM) trips.push(performance.now() - began)
    }
    await client.close()
    return trips
  }

  /** Envelopes a second through the ordering port of several orderers, all in this process. */
  async ordered(orderers: number): Promise<number> {
    const nodes = await this.orderers(orderers)
    await pass(nodes, WARM, `warm${this.runs}`)
    const submissions = made(COUNT, `run${this.runs}`)
    const speed = await this.timed(() => passAll(nodes, submissions))
    for (const { orderer } of nodes) await orderer.stop()
    return speed
  }

  private async timed(work: () => Promise<void>): Promise<number> {
    globalThis.gc?.()
    const cpu = process.cpuUsage()
    const began = performance.now()
    await work()
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    this.processor.push((user + system) / COUNT)
    return COUNT / seconds
  }

  /** Milliseconds from submitting one envelope to its acknowledgement. */
  async trips(): Promise<number[]> {
    const nodes = await this.orderers(1)
    const trips: number[] = []
    for (const [i, submission] of made(LONE_WARM + LONE, 'lone').entries()) {
      const began = performance.now()
      await passAll(nodes, [submission])
      if (i >= LONE_WARM) trips.push(performance.now() - began)
    }
    for (const { orderer } of nodes) await orderer.stop()
    return trips
  }

  private async orderers(count: number): Promise<Node[]> {
    const run = ++this.runs
    const members = Array.from({ length: count }, (_, i) => `orderer${i}`)
    return Promise.all(
      members.map(async (name): Promise<Node> => {
        const load = { ingress: 0, inFlight: 0 }
        const orderer = await startOrderer(
          {
            name,
            members,
            folder: join(this.folder, `${run}`, name),
            tag: `bench ${process.pid} ${run}`,
            options: { brokers: this.brokers, allowSingleBroker: this.single },
          },
          (host) => loaded(host, load),
        )
        return { orderer, load }
      }),
    )
  }

  private async bareClient(): Promise<{ pass(count: number, value: Buffer): Promise<void>; close(): Promise<void> }> {
    const topic = `bare-${process.pid}-${++this.runs}`
    await this.admin.createTopic(topic, 1, this.single ? 1 : 3, wantedSettings(1024 * 1024, this.single ? 1 : 2))
    const options = { clientId: 'bare', bootstrapBrokers: [...this.brokers] }
    const producer = new Producer({ ...options, maxInflights: BARE_REQUESTS })
    const consumer = new Consumer({ ...options, groupId: topic, maxWaitTime: 5000, minBytes: 1, maxBytes: 4 * 1024 * 1024 })
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.MANUAL,
      offsets: [{ topic, partition: 0, offset: 0n }],
      autocommit: false,
    })
    let read = 0
    let wanted = 0
    let done: (() => void) | undefined
    stream.on('data', () => {
      if (++read === wanted) done?.()
    })
    await producer.metadata({ topics: [topic] })
    return {
      async pass(count, value) {
        wanted = read + count
        const all = new Promise<void>((resolve) => {
          done = resolve
        })
        let left = count
        const lane = async (): Promise<void> => {
          while (left > 0) {
            const messages = Array.from({ length: Math.min(left, BARE_BATCH) }, () => ({ topic, partition: 0, value }))
            left -= messages.length
            await producer.send({ messages, acks: ProduceAcks.ALL })
          }
        }
        await Promise.all(Array.from({ length: count === 1 ? 1 : BARE_REQUESTS }, lane))
        await all
      },
      async close() {
        await stream.close()
        await consumer.close(true)
        await producer.close()
      },
    }
  }
}

interface Node {
  readonly orderer: Orderer
  readonly load: { ingress: number; inFlight: number }
}

/** The host, with what this benchmark submits past it. */
function loaded(host: ChannelHost, load: Node['load']): ChannelHost {
  const seen = {
    get ingress() {
      return load.ingress
    },
    get inFlight() {
      return load.inFlight
    },
    get blocks() {
      return host.load.blocks
    },
  }
  return new Proxy(host, {
    get(target, name) {
      if (name === 'load') return seen
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function made(count: number, tag: string): Submission[] {
  return Array.from({ length: count }, (_, i) => {
    const envelope = new EnvelopeView(transaction(`${tag}-${i}`, SIZE))
    const size = envelope.payload.length + envelope.signature.length
    return { envelope, size, configSequence: 0 }
  })
}

async function pass(nodes: readonly Node[], count: number, tag: string): Promise<void> {
  await passAll(nodes, made(count, tag))
}

/** Submits all, so many at a time, to the orderers in turn. */
function passAll(nodes: readonly Node[], submissions: readonly Submission[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0
    let open = 0
    const more = (): void => {
      while (open < OUTSTANDING && next < submissions.length) {
        const { orderer, load } = nodes[next % nodes.length]!
        open++
        load.inFlight++
        orderer.service.submit(submissions[next++]!).then(() => {
          load.inFlight--
          open--
          if (next < submissions.length) more()
          else if (open === 0) resolve()
        }, reject)
      }
    }
    more()
  })
}
