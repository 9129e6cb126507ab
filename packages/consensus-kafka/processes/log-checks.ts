import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Environment, HeddleError, type LogChannel, type LogRecord, type OrderedLogProvider } from '@heddle/core/plugin'
import { memoryDisk, noMetrics, seededRandom, silentLogger, systemClock } from '@heddle/core/testing'
import { orderedLogConformance, orderingConformance } from '@heddle/testkit'
import { kafkaLogs } from '../src/cluster/kafka-logs.ts'
import { wantedSettings } from '../src/cluster/topic-settings.ts'
import kafka, { type KafkaOptions } from '../src/index.ts'
import type { Checks } from './checks.ts'
import type { ClusterAdmin } from './cluster-admin.ts'

export interface Place {
  readonly brokers: readonly string[]
  readonly admin: ClusterAdmin
  /** Options that the cluster asks for: one broker, TLS. */
  readonly options: KafkaOptions
}

export const environment: Environment = {
  clock: systemClock,
  random: seededRandom('kafka'),
  disk: memoryDisk(),
  logger: silentLogger,
  metrics: noMetrics,
  transport: undefined as never,
}

const LARGEST = 1024 * 1024
const START = new Uint8Array(0)
export const about: LogChannel = { genesisHash: new Uint8Array(32), members: ['conformance'], largestRecord: LARGEST }
const some = (texts: readonly string[]): Uint8Array[] => texts.map((text) => Buffer.from(text))

/** Topics of one test are named so that no other meets them. */
export function fresh(): string {
  return `test-${randomBytes(5).toString('hex')}.`
}

function provider({ brokers, options }: Place, more: KafkaOptions = {}): OrderedLogProvider {
  return kafkaLogs({ node: 'conformance', environment }, { topicPrefix: fresh(), ...options, ...more, brokers })
}

/** The records up to a number of them. */
export async function take(
  log: { read(after: Uint8Array, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> },
  after: Uint8Array,
  count: number,
): Promise<LogRecord[]> {
  const abort = new AbortController()
  const taken: LogRecord[] = []
  for await (const records of log.read(after, abort.signal)) if (taken.push(...records) >= count) break
  abort.abort()
  return taken
}

export async function errorOf(work: Promise<unknown>): Promise<HeddleError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof HeddleError, `expected a typed error, got ${String(error)}`)
  return error
}

/** The rules of a log, and of ordering by it, on a real broker. */
export async function conformance(checks: Checks, place: Place, name: string, nodes: readonly number[]): Promise<void> {
  await checks.suite((api) =>
    orderedLogConformance(api, {
      name,
      largest: LARGEST,
      create: async () => {
        const providers: OrderedLogProvider[] = []
        const topicPrefix = fresh()
        const another = async (): Promise<OrderedLogProvider> => {
          const made = provider(place, { topicPrefix })
          providers.push(made)
          return made
        }
        const stop = async (): Promise<void> => {
          for (const each of providers.splice(0)) await each.stop()
        }
        return {
          provider: await another(),
          another,
          reopen: async () => {
            await stop()
            return another()
          },
          dispose: stop,
        }
      },
    }),
  )()
  for (const count of nodes) {
    await checks.suite((api) =>
      orderingConformance(api, {
        name: `${name}, ${count} orderer${count === 1 ? '' : 's'}`,
        plugin: kafka,
        nodes: count,
        prepare: async () => ({ options: { ...place.options, brokers: place.brokers, topicPrefix: fresh() } }),
      }),
    )()
  }
}

/** What compresses is read back the same. */
export async function compressions(checks: Checks, place: Place): Promise<void> {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    await checks.check(`records compressed by ${compression} are read back as they were`, async () => {
      const logs = provider(place, { compression })
      const log = await logs.open('channel', about)
      await log.start()
      const records = Array.from({ length: 50 }, (_, i) => Buffer.from(`record ${i} `.repeat(i + 1)))
      await log.append(records)
      const read = await take(log, START, 50)
      assert.deepEqual(
        read.map(({ data }) => Buffer.from(data).toString()),
        records.map(String),
      )
      const after = await take(log, read[20]!.position, 29)
      assert.deepEqual(
        after.map(({ data }) => Buffer.from(data).toString()),
        records.slice(21).map(String),
      )
      await log.stop()
      await logs.stop()
    })
  }
}

/** Each wrong setting of a topic is refused by name, with its value and what is needed. */
export async function topicChecks(checks: Checks, place: Place, replicas: number): Promise<void> {
  const good = wantedSettings(LARGEST, replicas === 1 ? 1 : 2)
  const wrong: readonly { setting: string; value: string; partitions?: number }[] = [
    { setting: 'partitions', value: '2', partitions: 2 },
    { setting: 'unclean.leader.election.enable', value: 'true' },
    { setting: 'cleanup.policy', value: 'compact' },
    { setting: 'retention.ms', value: '604800000' },
    { setting: 'retention.bytes', value: '1073741824' },
    { setting: 'max.message.bytes', value: '1000000' },
  ]
  for (const { setting, value, partitions = 1 } of wrong) {
    await checks.check(`a topic with ${setting}=${value} is refused`, async () => {
      const topic = `${fresh()}wrong`
      const configs = setting === 'partitions' ? good : { ...good, [setting]: value }
      await place.admin.createTopic(topic, partitions, replicas, configs)
      const logs = provider(place, { topics: { channel: topic } })
      const log = await logs.open('channel', about)
      const error = await errorOf(log.start())
      assert.equal(error.code, 'KAFKA_TOPIC_UNSUITED')
      const named = error.data.settings as { setting: string; value: string; needed: string }[]
      assert.deepEqual(
        named.map((each) => [each.setting, each.value]),
        [[setting, value]],
      )
      assert.ok(error.message.includes(setting) && error.message.includes(value) && named[0]!.needed.length > 0)
      await logs.stop()
      return error.message.slice(error.message.indexOf(':') + 2)
    })
  }
  await checks.check('all wrong settings are named at once', async () => {
    const topic = `${fresh()}wrong`
    await place.admin.createTopic(topic, 1, replicas, { 'retention.ms': '1000000', 'unclean.leader.election.enable': 'true' })
    const logs = provider(place, { topics: { channel: topic } })
    const error = await errorOf((await logs.open('channel', about)).start())
    const named = (error.data.settings as { setting: string }[]).map(({ setting }) => setting)
    for (const setting of ['retention.ms', 'unclean.leader.election.enable', 'max.message.bytes'])
      assert.ok(named.includes(setting))
    await logs.stop()
  })
  await checks.check('a missing topic is refused when it may not be created', async () => {
    const logs = provider(place, { createTopics: false })
    const error = await errorOf((await logs.open('channel', about)).start())
    assert.equal(error.code, 'KAFKA_TOPIC_MISSING')
    for (const [setting, value] of Object.entries(wantedSettings(LARGEST, replicas === 1 ? 1 : 2)))
      assert.ok(error.message.includes(`${setting}=${value}`), `${setting} is not named`)
    await logs.stop()
  })
  await checks.check('a topic that an operator made rightly is taken', async () => {
    const topic = `${fresh()}right`
    await place.admin.createTopic(topic, 1, replicas, good)
    const logs = provider(place, { createTopics: false, topics: { channel: topic } })
    const log = await logs.open('channel', about)
    await log.start()
    await log.append(some(['a']))
    await log.stop()
    await logs.stop()
  })
  await checks.check('a topic of one replica is refused unless that is allowed', async () => {
    const topic = `${fresh()}single`
    await place.admin.createTopic(topic, 1, 1, wantedSettings(LARGEST, 1))
    const strict = provider(place, { allowSingleBroker: false, topics: { channel: topic } })
    const error = await errorOf((await strict.open('channel', about)).start())
    assert.deepEqual(
      (error.data.settings as { setting: string }[]).map(({ setting }) => setting),
      ['replication.factor'],
    )
    await strict.stop()
    const lax = provider(place, { allowSingleBroker: true, topics: { channel: topic } })
    await (await lax.open('channel', about)).start()
    await lax.stop()
    return error.message.slice(error.message.indexOf(':') + 2)
  })
  await checks.check('brokers that cannot be reached are named', async () => {
    const logs = kafkaLogs({ node: 'lost', environment }, { brokers: ['127.0.0.1:1'], timeouts: { start: 300, connect: 200 } })
    const error = await errorOf((await logs.open('channel', about)).start())
    assert.equal(error.code, 'KAFKA_UNREACHABLE')
    assert.match(error.message, /127\.0\.0\.1:1/)
    await logs.stop()
  })
}

/** What needs several brokers: replication, and brokers that do not take what is asked. */
export async function replicaChecks(checks: Checks, place: Place): Promise<void> {
  for (const value of ['1', '3']) {
    await checks.check(`a topic with min.insync.replicas=${value} of 3 replicas is refused`, async () => {
      const topic = `${fresh()}wrong`
      await place.admin.createTopic(topic, 1, 3, { ...wantedSettings(LARGEST, 2), 'min.insync.replicas': value })
      const logs = provider(place, { topics: { channel: topic } })
      const error = await errorOf((await logs.open('channel', about)).start())
      const named = error.data.settings as { setting: string; value: string }[]
      assert.deepEqual(
        named.map((each) => [each.setting, each.value]),
        [['min.insync.replicas', value]],
      )
      await logs.stop()
      return error.message.slice(error.message.indexOf(':') + 2)
    })
  }
  await checks.check('a topic with replication.factor=2 is refused', async () => {
    const topic = `${fresh()}wrong`
    await place.admin.createTopic(topic, 1, 2, wantedSettings(LARGEST, 1))
    const logs = provider(place, { topics: { channel: topic } })
    const error = await errorOf((await logs.open('channel', about)).start())
    assert.deepEqual(
      (error.data.settings as { setting: string }[]).map(({ setting }) => setting),
      ['replication.factor'],
    )
    await logs.stop()
  })
  await checks.check('a topic that is created has three replicas and every setting that is needed', async () => {
    const logs = provider(place)
    const log = await logs.open('channel', about)
    // Start checks what it created as it checks any other.
    await log.start()
    await log.append(some(['a']))
    await log.stop()
    await logs.stop()
  })
}

/** What retention, deletion and a cut-off end do to a reader: it stops and says so. */
export async function truncationChecks(checks: Checks, place: Place): Promise<void> {
  const opened = async (more: KafkaOptions = {}) => {
    const topic = `${fresh()}channel`
    const logs = provider(place, { topics: { channel: topic }, ...more })
    const log = await logs.open('channel', about)
    await log.start()
    const stop = async (): Promise<void> => {
      await log.stop()
      await logs.stop()
    }
    return { topic, log, stop }
  }
  const numbered = (from: number, to: number): Uint8Array[] =>
    some(Array.from({ length: to - from }, (_, i) => `record ${from + i}`))

  await checks.check('records that retention deleted stop the reader with LOG_TRUNCATED', async () => {
    const { topic, log, stop } = await opened()
    const position = await log.append(numbered(0, 5))
    await log.append(numbered(5, 10))
    await place.admin.deleteRecords(topic, 7n)
    const error = await errorOf(take(log, position, 1))
    assert.deepEqual([error.code, error.duty], ['LOG_TRUNCATED', 'tell-operator'])
    const fromStart = await errorOf(take(log, START, 1))
    assert.equal(fromStart.code, 'LOG_TRUNCATED')
    await stop()
    return error.message
  })

  await checks.check('a reader whose last record alone was deleted goes on: it misses nothing', async () => {
    const { topic, log, stop } = await opened()
    const position = await log.append(numbered(0, 5))
    await log.append(numbered(5, 8))
    await place.admin.deleteRecords(topic, 5n)
    const read = await take(log, position, 3)
    assert.deepEqual(
      read.map(({ data }) => Buffer.from(data).toString()),
      ['record 5', 'record 6', 'record 7'],
    )
    await stop()
  })

  await checks.check('deletion under a reader that is behind stops it, never skips', async () => {
    const { topic, log, stop } = await opened({ requests: { fetchBytes: 1024 } })
    for (let i = 0; i < 40; i++) await log.append([Buffer.alloc(900, i + 1)])
    const seen: number[] = []
    const abort = new AbortController()
    const reading = (async () => {
      for await (const records of log.read(START, abort.signal)) {
        for (const { data } of records) seen.push(data[0]!)
        if (seen.length < 5 || seen.length > 10) continue
        await place.admin.deleteRecords(topic, 30n)
      }
    })()
    const error = await errorOf(reading)
    assert.equal(error.code, 'LOG_TRUNCATED')
    assert.deepEqual(
      seen,
      Array.from(seen, (_, i) => i + 1),
      'no gap in what was read',
    )
    assert.ok(seen.length < 30)
    await stop()
    return `read ${seen.length} of 40, then ${error.message}`
  })

  await checks.check('a topic that was deleted and made again stops the reader', async () => {
    const { topic, log, stop } = await opened()
    const position = await log.append(numbered(0, 5))
    const reading = errorOf(take(log, position, 1))
    await place.admin.deleteTopic(topic)
    const replicas = place.options.allowSingleBroker === true ? 1 : 3
    await again(() => place.admin.createTopic(topic, 1, replicas, wantedSettings(LARGEST, Math.min(2, replicas))))
    const error = await reading
    assert.equal(error.code, 'LOG_TRUNCATED')
    await stop()
    return error.message
  })

  await checks.check('a topic whose end was lost and written again is noticed after a restart', async () => {
    const { topic, log, stop } = await opened()
    const position = await log.append(numbered(0, 5))
    await stop()
    await place.admin.deleteTopic(topic)
    const replicas = place.options.allowSingleBroker === true ? 1 : 3
    await again(() => place.admin.createTopic(topic, 1, replicas, wantedSettings(LARGEST, Math.min(2, replicas))))
    const logs = provider(place, { topics: { channel: topic } })
    const other = await logs.open('channel', about)
    await other.start()
    const shorter = await errorOf(take(other, position, 1))
    assert.equal(shorter.code, 'LOG_TRUNCATED')
    await other.append(numbered(100, 110))
    const error = await errorOf(take(other, position, 1))
    assert.equal(error.code, 'LOG_TRUNCATED')
    await other.stop()
    await logs.stop()
    return error.message
  })

  await checks.check('a record that the topic does not take is refused, and the log goes on', async () => {
    const { log, stop } = await opened()
    const error = await errorOf(log.append([new Uint8Array(LARGEST + 1000).fill(7)]))
    assert.deepEqual([error.code, error.duty], ['LOG_RECORD_TOO_LARGE', 'fix-input'])
    await log.append(some(['after']))
    assert.deepEqual(
      (await take(log, START, 1)).map(({ data }) => Buffer.from(data).toString()),
      ['after'],
    )
    await stop()
  })
}

/** Deleting a topic takes brokers a moment, in which its name is taken. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      await work()
      return
    } catch (error) {
      if (left === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
