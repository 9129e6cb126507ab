import { LogError, type LogRecord, type OrderedLog, type Position } from '@heddle/core/plugin'
import { listOffsetsV7 } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import type { Cluster, Leader } from './cluster.ts'
import { appendError } from './failures.ts'
import type { Link } from './link.ts'
import { BATCH_OVERHEAD, positionOf } from './record-batch.ts'
import { decodeProduce, encodeProduce, PRODUCE } from './requests.ts'
import { readTopic } from './topic-reader.ts'
import { suitedTopic } from './topic-settings.ts'

const EARLIEST = -2n
const LATEST = -1n
const START = new Uint8Array(0)
/** What a record adds to its batch: its length, the varints before it. */
const RECORD_OVERHEAD = 20

/** The log of one channel: partition 0 of a topic. */
export class KafkaLog implements OrderedLog {
  private readonly cluster: Cluster
  private readonly name: string
  private readonly largestRecord: number
  private readonly ended = new AbortController()
  private batchBytes = Number.POSITIVE_INFINITY
  private leader: Leader | undefined
  /** Highest epoch of a leader: a broker that was cut off may still take itself for the leader of an older one. */
  private epoch = -1
  private topicId: string | undefined
  /** Monotonic time since which the brokers have known no such topic. */
  private unknownSince: number | undefined
  private producing: Promise<Link> | undefined
  private readonly links = new Set<Link>()

  constructor(cluster: Cluster, name: string, largestRecord: number) {
    this.cluster = cluster
    this.name = name
    this.largestRecord = largestRecord
  }

  /** @throws KafkaError when no broker answers, or the topic is not as it must be */
  async start(): Promise<void> {
    const { leader, batchBytes } = await suitedTopic(this.cluster, this.name, this.largestRecord, this.ended.signal)
    this.batchBytes = batchBytes
    this.leader = leader
    this.epoch = leader.epoch
    this.topicId = leader.topic.id
  }

  async stop(): Promise<void> {
    this.ended.abort()
    for (const link of this.links) link.close()
    this.links.clear()
  }

  async append(records: readonly Uint8Array[]): Promise<Position> {
    let last: Position = START
    let rest = records
    for (let appended = false; rest.length > 0; appended = true) {
      const batch = this.first(rest)
      rest = rest.slice(batch.length)
      try {
        last = await this.produce(batch)
      } catch (error) {
        const failure = error as LogError
        // What went before is in the log: nobody may be told that nothing happened.
        if (appended && failure.duty === 'retry')
          throw new LogError('LOG_OUTCOME_UNKNOWN', failure.message, {}, { cause: failure })
        throw failure
      }
    }
    return last
  }

  async *read(after: Position, signal: AbortSignal): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const either = AbortSignal.any([signal, this.ended.signal])
    yield* readTopic(
      {
        cluster: this.cluster,
        leader: () => this.currentLeader(),
        forget: (leader) => {
          if (this.leader === leader) this.leader = undefined
        },
        connect: (leader) => this.connect(leader),
        bounds: (leader, link) => this.bounds(leader, link),
      },
      after,
      either,
    )
  }

  async earliest(): Promise<Position | undefined> {
    let link: Link | undefined
    try {
      const leader = await this.currentLeader()
      link = await this.connect(leader)
      const { start, end } = await this.bounds(leader, link)
      if (start === end) return undefined
    } catch (error) {
      if (error instanceof LogError) throw error
      throw appendError(error, false)
    } finally {
      this.disconnect(link)
    }
    const abort = new AbortController()
    try {
      for await (const [record] of this.read(START, abort.signal)) if (record !== undefined) return record.position
      return undefined
    } finally {
      abort.abort()
    }
  }

  /** As many of the records as the topic takes in one batch, and at least one. */
  private first(records: readonly Uint8Array[]): readonly Uint8Array[] {
    let bytes = BATCH_OVERHEAD
    for (let count = 0; count < records.length; count++) {
      bytes += records[count]!.length + RECORD_OVERHEAD
      if (count > 0 && bytes > this.batchBytes) return records.slice(0, count)
    }
    return records
  }

  private async produce(records: readonly Uint8Array[]): Promise<Position> {
    const { settings, environment } = this.cluster
    const { compression, timeouts } = settings
    const now = environment.clock.now()
    const request = encodeProduce(this.name, records, { timeout: timeouts.request, now, compression })
    let link: Link | undefined
    try {
      link = await this.producer()
      const base = await link.send(PRODUCE, request, decodeProduce)
      return positionOf(base + records.length - 1, records.at(-1)!)
    } catch (error) {
      // Whatever it was: the next attempt asks who leads, and comes by another connection.
      this.leader = undefined
      this.producing = undefined
      this.disconnect(link)
      throw appendError(error, link !== undefined)
    }
  }

  /** Brokers close what is idle for minutes: then another connection is made. */
  private async producer(): Promise<Link> {
    const made = await this.producing
    if (made?.isOpen === true) return made
    if (made !== undefined) this.producing = undefined
    this.producing ??= this.currentLeader().then((leader) => this.connect(leader))
    return this.producing
  }

  private async connect(leader: Leader): Promise<Link> {
    if (this.ended.signal.aborted) throw new LogError('LOG_UNAVAILABLE', 'the orderer has stopped')
    const link = await this.cluster.connect(leader.address)
    for (const each of this.links) if (!each.isOpen) this.links.delete(each)
    this.links.add(link)
    if (this.ended.signal.aborted) link.close()
    return link
  }

  private disconnect(link: Link | undefined): void {
    if (link === undefined) return
    link.close()
    this.links.delete(link)
  }

  /** Asks the brokers unless the leader is known. @throws LogError LOG_TRUNCATED when the topic was made anew */
  private async currentLeader(): Promise<Leader> {
    if (this.leader !== undefined) return this.leader
    const found = await this.cluster.find(this.name)
    if (found === undefined) throw this.unknown()
    this.unknownSince = undefined
    if (this.topicId !== undefined && found.topic.id !== this.topicId) {
      throw new LogError('LOG_TRUNCATED', `the topic ${this.name} was deleted and made again: its records are gone`, {
        topic: this.name,
        id: found.topic.id,
        before: this.topicId,
      })
    }
    const { leader } = found
    if (leader === undefined) throw new LogError('LOG_UNAVAILABLE', `the topic ${this.name} has no leader now`)
    if (leader.epoch < this.epoch) {
      this.cluster.forget()
      throw new LogError('LOG_UNAVAILABLE', `a broker knows only an older leader of ${this.name}`)
    }
    this.epoch = leader.epoch
    this.leader = leader
    return leader
  }

  /** A broker that has just come back may not have heard of all topics; when it lasts, somebody deleted this one. */
  private unknown(): LogError {
    const now = this.cluster.environment.clock.monotonic()
    this.unknownSince ??= now
    this.cluster.forget()
    const gone = now - this.unknownSince > this.cluster.settings.timeouts.start
    return new LogError(gone ? 'LOG_TRUNCATED' : 'LOG_UNAVAILABLE', `the brokers know no topic ${this.name}`, {
      topic: this.name,
    })
  }

  /** Offsets of the oldest record that is kept, and behind the newest. */
  private async bounds(leader: Leader, link: Link): Promise<{ start: number; end: number }> {
    const at = async (timestamp: bigint): Promise<number> => {
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch: leader.epoch, timestamp }]
      const { topics } = await link.call(listOffsetsV7.api, -1, 0, [{ name: this.name, partitions }])
      const offset = topics[0]?.partitions[0]?.offset
      if (offset === undefined) throw new KafkaError('KAFKA_UNREACHABLE', `${this.name}: an answer without offsets`)
      return Number(offset)
    }
    return { start: await at(EARLIEST), end: await at(LATEST) }
  }
}
