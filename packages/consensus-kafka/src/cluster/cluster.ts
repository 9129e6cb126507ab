import type { Environment } from '@heddle/core/plugin'
import { type ConnectionOptions, metadataV12 } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import { AnswerError, Code, codeOf, isRefusal, startError, wordsOf } from './failures.ts'
import { type Address, Link } from './link.ts'
import type { Settings } from './settings.ts'

const LEADER_NOT_AVAILABLE = 5
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2_000

/** A step of the start that takes brokers a moment. */
export class NotYet extends Error {}

/** What the brokers say of a topic. */
export interface Topic {
  readonly name: string
  /** Changes when a topic is deleted and made again. */
  readonly id: string
  readonly partitions: number
  readonly replicas: number
}

/** Who leads partition 0. */
export interface Leader {
  readonly topic: Topic
  readonly broker: number
  readonly address: Address
  readonly epoch: number
}

/** The brokers of a cluster as one orderer knows them. */
export class Cluster {
  readonly settings: Settings
  readonly environment: Pick<Environment, 'clock' | 'random' | 'logger'>
  private readonly bootstrap: readonly Address[]
  private known: readonly Address[] = []
  private links = new Set<Link>()
  /** For short requests; any broker will do. */
  private common: Link | undefined
  /** Counts up, so that another broker is asked after a failure. */
  private turn = 0
  private readonly ended = new AbortController()

  constructor(settings: Settings, environment: Pick<Environment, 'clock' | 'random' | 'logger'>) {
    this.settings = settings
    this.environment = environment
    this.bootstrap = settings.brokers.map(addressOf)
  }

  close(): void {
    this.ended.abort()
    for (const link of this.links) link.close()
    this.links.clear()
  }

  /** A connection of the caller's own. */
  async connect(address: Address): Promise<Link> {
    const { tls, sasl, timeouts, clientId } = this.settings
    const options: ConnectionOptions = {
      connectTimeout: timeouts.connect,
      // A broker answers a request that takes its full time after it.
      requestTimeout: Math.max(timeouts.request, timeouts.poll) + 5_000,
      ...(tls === undefined ? {} : { tls, tlsServerName: tls.servername ?? !isIpAddress(address.host) }),
      ...(sasl === undefined ? {} : { sasl }),
    }
    const link = await Link.open(clientId, address, options)
    if (this.ended.signal.aborted) link.close()
    for (const each of this.links) if (!each.isOpen) this.links.delete(each)
    this.links.add(link)
    return link
  }

  /** A connection to some broker, for requests that any of them answers. */
  async any(): Promise<Link> {
    if (this.common?.isOpen === true) return this.common
    const addresses = [...this.known, ...this.bootstrap]
    let failure: unknown
    for (let i = 0; i < addresses.length; i++) {
      try {
        this.common = await this.connect(addresses[this.turn++ % addresses.length]!)
        return this.common
      } catch (error) {
        failure = error
        // None will like these credentials better, and some lock accounts.
        if (isRefusal(error) || error instanceof KafkaError || this.ended.signal.aborted) break
      }
    }
    throw failure
  }

  /** The next short request goes to another broker. */
  forget(): void {
    this.common?.close()
  }

  /** Undefined when the brokers know no such topic. */
  async find(name: string): Promise<{ readonly topic: Topic; readonly leader: Leader | undefined } | undefined> {
    const link = await this.any()
    const { brokers, topics } = await answerOf(link.call(metadataV12.api, [name], false, false), link)
    this.known = brokers.map(({ host, port }) => ({ host, port }))
    const found = topics.find((each) => each.name === name)
    if (found === undefined || found.errorCode === Code.UNKNOWN_TOPIC_OR_PARTITION) return undefined
    // An election under way is said by the partition; what the topic itself says is for good.
    if (found.errorCode !== 0 && found.errorCode !== LEADER_NOT_AVAILABLE) throw new AnswerError(found.errorCode, undefined)
    const partition = found.partitions.find(({ partitionIndex }) => partitionIndex === 0)
    const topic: Topic = {
      name,
      id: found.topicId,
      partitions: found.partitions.length,
      replicas: partition?.replicaNodes.length ?? 0,
    }
    const broker = brokers.find(({ nodeId }) => nodeId === partition?.leaderId)
    if (broker === undefined || partition === undefined) return { topic, leader: undefined }
    const { nodeId, host, port } = broker
    return { topic, leader: { topic, broker: nodeId, address: { host, port }, epoch: partition.leaderEpoch } }
  }

  /** Runs a step of the start until it succeeds, the time for the start is over, or no time will help. */
  async retrying<T>(step: () => Promise<T>, given: AbortSignal): Promise<T> {
    const signal = AbortSignal.any([given, this.ended.signal])
    const { clock, logger } = this.environment
    const { start } = this.settings.timeouts
    const began = clock.monotonic()
    for (let attempt = 0; ; attempt++) {
      try {
        return await step()
      } catch (error) {
        const over = clock.monotonic() - began >= start
        if (over || signal.aborted || error instanceof KafkaError || isRefusal(error) || isDenied(error)) {
          throw startError(error, this.settings.brokers)
        }
        const fields = { reason: wordsOf(error) }
        if (error instanceof NotYet) logger.debug(fields, 'waiting for the brokers')
        else logger.warn(fields, 'the brokers are not ready')
        await this.pause(attempt, signal)
      }
    }
  }

  /** Waits longer after each attempt, with a share of chance so that orderers do not come back all at once. */
  pause(attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.environment
    const delay = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 10)) * (0.5 + random.float() / 2)
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve()
        return
      }
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = clock.setTimer(delay, done, true)
      signal.addEventListener('abort', done)
    })
  }
}

/** The client throws where any part of an answer has an error code, and keeps the answer in the error. */
async function answerOf<T>(call: Promise<T>, link: Link): Promise<T> {
  try {
    return await call
  } catch (error) {
    const { response } = error as { response?: T }
    if (response !== undefined && codeOf(error) !== undefined) return response
    // Another broker is asked next.
    link.close()
    throw error
  }
}

/** Names in certificates are asked for by name only (RFC 6066); addresses are compared all the same. */
function isIpAddress(host: string): boolean {
  return /^[0-9.]+$|:/.test(host)
}

function isDenied(error: unknown): boolean {
  const code = codeOf(error)
  return code === Code.TOPIC_AUTHORIZATION_FAILED || code === Code.CLUSTER_AUTHORIZATION_FAILED
}

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(text.slice(colon + 1))
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new KafkaError('KAFKA_OPTIONS_WRONG', `brokers: '${text}' is no address host:port`, { address: text })
  }
  return { host, port }
}
