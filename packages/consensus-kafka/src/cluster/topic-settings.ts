import { createTopicsV7, describeConfigsV4 } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import { type Cluster, type Leader, NotYet, type Topic } from './cluster.ts'
import { Code, codeOf, wordsOf } from './failures.ts'
import type { Link } from './link.ts'
import { BATCH_OVERHEAD } from './record-batch.ts'
import type { Settings } from './settings.ts'

const TOPIC = 2
const BROKER = 4
/** Milliseconds for which brokers of a cluster that starts may still be missing. */
const ARRIVAL = 5_000
/** What a request adds to its batch. */
const REQUEST_OVERHEAD = 1024

/** A setting that is not as ordering needs it. */
export interface WrongSetting {
  readonly setting: string
  readonly value: string
  readonly needed: string
}

/** A topic that is as ordering needs it. */
export interface SuitedTopic {
  readonly leader: Leader
  /** Most bytes of a batch. */
  readonly batchBytes: number
}

/**
 * Finds the topic of a channel, creates it where it is missing and may be created, and checks every setting on which ordering rests.
 *
 * @throws KafkaError KAFKA_TOPIC_MISSING, KAFKA_TOPIC_UNSUITED with all wrong settings
 */
export async function suitedTopic(
  cluster: Cluster,
  name: string,
  largestRecord: number,
  signal: AbortSignal,
): Promise<SuitedTopic> {
  const { clock } = cluster.environment
  const began = clock.monotonic()
  const leader = await cluster.retrying(async () => {
    const found = await cluster.find(name)
    if (found?.leader !== undefined) return found.leader
    if (found !== undefined) throw new NotYet(`the topic ${name} has no leader: too few of its replicas are there`)
    if (!cluster.settings.createTopics) throw missing(name, largestRecord, cluster.settings)
    await create(await cluster.any(), name, largestRecord, cluster.settings, clock.monotonic() - began < ARRIVAL)
    throw new NotYet(`the topic ${name} was created and is not known to all brokers yet`)
  }, signal)
  return cluster.retrying(async () => {
    const link = await cluster.any()
    try {
      return await checked(link, leader, largestRecord, cluster.settings)
    } catch (error) {
      if (!(error instanceof KafkaError)) link.close()
      throw error
    }
  }, signal)
}

/** Settings of a topic that is created here. */
export function wantedSettings(largestRecord: number, minInsyncReplicas: number): Readonly<Record<string, string>> {
  return {
    'min.insync.replicas': String(minInsyncReplicas),
    'unclean.leader.election.enable': 'false',
    'cleanup.policy': 'delete',
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'max.message.bytes': String(largestRecord + BATCH_OVERHEAD),
  }
}

async function create(link: Link, name: string, largestRecord: number, settings: Settings, mayWait: boolean): Promise<void> {
  const { replicationFactor, minInsyncReplicas, timeouts } = settings
  const configs = Object.entries(wantedSettings(largestRecord, minInsyncReplicas)).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor, assignments: [], configs }
  try {
    await link.call(createTopicsV7.api, [topic], timeouts.request, false)
  } catch (error) {
    const code = codeOf(error)
    // Another orderer was faster.
    if (code === Code.TOPIC_ALREADY_EXISTS) return
    if (code === Code.INVALID_REPLICATION_FACTOR && !mayWait) {
      throw new KafkaError(
        'KAFKA_TOPIC_UNSUITED',
        `the topic ${name} cannot be created: ${wordsOf(error)}; needed are ${replicationFactor} brokers (for development on one broker: allowSingleBroker)`,
        {
          topic: name,
          settings: [{ setting: 'replication.factor', value: 'more than there are brokers', needed: `${replicationFactor}` }],
        },
        { cause: error },
      )
    }
    if (code === undefined) link.close()
    throw error
  }
}

async function checked(link: Link, leader: Leader, largestRecord: number, settings: Settings): Promise<SuitedTopic> {
  const { topic, broker } = leader
  const values = await describe(link, TOPIC, topic.name)
  const wrong = wrongSettings(topic, values, largestRecord, settings)
  // Not every principal may read the settings of brokers; then the topic's own have to do.
  const ofBroker = await describe(link, BROKER, String(broker)).catch(() => undefined)
  const request = Number(ofBroker?.get('socket.request.max.bytes') ?? Number.POSITIVE_INFINITY)
  const neededRequest = largestRecord + BATCH_OVERHEAD + REQUEST_OVERHEAD
  if (request < neededRequest) {
    wrong.push({ setting: 'socket.request.max.bytes (of the brokers)', value: `${request}`, needed: `at least ${neededRequest}` })
  }
  if (wrong.length > 0) {
    const lines = wrong.map(({ setting, value, needed }) => `${setting} is ${value}, needed is ${needed}`)
    throw new KafkaError('KAFKA_TOPIC_UNSUITED', `topic ${topic.name}: ${lines.join('; ')}`, {
      topic: topic.name,
      settings: wrong,
    })
  }
  return { leader, batchBytes: Math.min(Number(values.get('max.message.bytes')), request - REQUEST_OVERHEAD) }
}

/** Pure: what of a topic is not as it must be. */
export function wrongSettings(
  topic: Pick<Topic, 'partitions' | 'replicas'>,
  values: ReadonlyMap<string, string | null>,
  largestRecord: number,
  { allowSingleBroker }: Pick<Settings, 'allowSingleBroker'>,
): WrongSetting[] {
  const wrong: WrongSetting[] = []
  const say = (setting: string, value: string, needed: string): void => void wrong.push({ setting, value, needed })
  if (topic.partitions !== 1) say('partitions', `${topic.partitions}`, '1, since order is kept within a partition only')
  const value = (name: string): string => values.get(name) ?? 'unknown'
  const insync = Number(value('min.insync.replicas'))
  if (topic.replicas < 3 && !(allowSingleBroker && topic.replicas >= 1)) {
    say('replication.factor', `${topic.replicas}`, 'at least 3 (for development on one broker: the option allowSingleBroker)')
  } else if (topic.replicas < 3 ? insync > topic.replicas : !(insync > 1 && insync < topic.replicas)) {
    const needed = topic.replicas < 3 ? `at most ${topic.replicas}` : `more than 1 and less than the ${topic.replicas} replicas`
    say('min.insync.replicas', value('min.insync.replicas'), needed)
  }
  for (const [name, needed, why] of [
    ['unclean.leader.election.enable', 'false', 'since a replica that lags would lose records'],
    ['cleanup.policy', 'delete', 'since compaction would drop records'],
    ['retention.ms', '-1', 'without limit, since orderers that were away read from where they stopped'],
    ['retention.bytes', '-1', 'without limit, since orderers that were away read from where they stopped'],
  ] as const) {
    if (value(name) !== needed) say(name, value(name), `${needed}, ${why}`)
  }
  const largest = largestRecord + BATCH_OVERHEAD
  if (!(Number(value('max.message.bytes')) >= largest)) {
    say('max.message.bytes', value('max.message.bytes'), `at least ${largest}, for an envelope of the channel's AbsoluteMaxBytes`)
  }
  return wrong
}

async function describe(link: Link, resourceType: number, resourceName: string): Promise<Map<string, string | null>> {
  const { results } = await link.call(describeConfigsV4.api, [{ resourceType: resourceType as 2, resourceName }], false, false)
  return new Map(results.flatMap(({ configs }) => configs.map(({ name, value }) => [name, value ?? null] as const)))
}

function missing(name: string, largestRecord: number, { replicationFactor, minInsyncReplicas }: Settings): KafkaError {
  const settings = wantedSettings(largestRecord, minInsyncReplicas)
  const line = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  return new KafkaError(
    'KAFKA_TOPIC_MISSING',
    `there is no topic ${name}, and createTopics is off; create it with 1 partition, ${replicationFactor} replicas and ${line.join(', ')}`,
    { topic: name, partitions: 1, replicationFactor, settings },
  )
}
