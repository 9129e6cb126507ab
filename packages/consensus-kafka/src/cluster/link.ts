import {
  type API,
  apiVersionsV3,
  Connection,
  type ConnectionOptions,
  createTopicsV7,
  describeConfigsV4,
  listOffsetsV7,
  metadataV12,
  Writer,
} from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import { FETCH, PRODUCE } from './requests.ts'

/** Where a broker listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

const SOFTWARE = ['heddle', '0.1.0'] as const

/** Requests of one version each: all brokers since Kafka 3.1 know them. */
const NEEDED = [PRODUCE, FETCH, ...[metadataV12, listOffsetsV7, createTopicsV7, describeConfigsV4].map(({ api }) => api)]

/** One connection to one broker. A broker answers the requests of a connection in order: a long poll has one of its own. */
export class Link {
  readonly address: Address
  private readonly connection: Connection
  private broken: Error | undefined

  private constructor(address: Address, connection: Connection) {
    this.address = address
    this.connection = connection
    connection.on('error', (error) => this.fail(error))
    connection.on('close', () => this.fail(new Error(`the connection to ${address.host}:${address.port} was closed`)))
  }

  /** @throws the client's error; KafkaError KAFKA_BROKER_TOO_OLD */
  static async open(clientId: string, address: Address, options: ConnectionOptions): Promise<Link> {
    const connection = new Connection(clientId, options)
    const link = new Link(address, connection)
    try {
      await connection.connect(address.host, address.port)
      await link.checkVersions()
      return link
    } catch (error) {
      link.close()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.broken === undefined
  }

  /** Fails what is under way. */
  close(): void {
    this.fail(new Error('the connection was closed here'))
    // It ends by itself; nobody has to wait.
    this.connection.close().catch(() => {})
    this.connection.socket?.destroy()
  }

  /** Sends a request that was encoded here, and decodes its answer. */
  send<T>(
    { key, version }: { readonly key: number; readonly version: number },
    request: Buffer,
    decode: (answer: Buffer) => T,
  ): Promise<T> {
    if (this.broken !== undefined) return Promise.reject(this.broken)
    return new Promise((resolve, reject) => {
      this.connection.send<T>(
        key,
        version,
        () => Writer.create().append(request),
        (_correlation, _key, _version, reader) => decode(reader.buffer.buffer),
        true,
        true,
        (error, answer) => (error === null ? resolve(answer as T) : reject(error)),
      )
    })
  }

  /** A request that the client encodes. */
  call<Arguments extends unknown[], Answer>(api: API<Arguments, Answer>, ...args: Arguments): Promise<Answer> {
    if (this.broken !== undefined) return Promise.reject(this.broken)
    return api.async(this.connection, ...args)
  }

  private fail(error: Error): void {
    this.broken ??= error
  }

  private async checkVersions(): Promise<void> {
    const { apiKeys } = await this.call(apiVersionsV3.api, ...SOFTWARE)
    for (const { key, version } of NEEDED) {
      const known = apiKeys.find(({ apiKey }) => apiKey === key)
      if (known !== undefined && known.minVersion <= version && version <= known.maxVersion) continue
      const { host, port } = this.address
      throw new KafkaError(
        'KAFKA_BROKER_TOO_OLD',
        `${host}:${port} has no version ${version} of ${known?.name ?? `request ${key}`}: Kafka 3.1 or later is needed`,
        { broker: `${host}:${port}`, request: key, version },
      )
    }
  }
}
