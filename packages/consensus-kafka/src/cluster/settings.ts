import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { SASLOptions } from '@platformatic/kafka'
import { KafkaError } from '../errors.ts'
import type { KafkaOptions, Secret } from '../options.ts'
import type { Compression } from './record-batch.ts'

/** The options with their defaults. */
export interface Settings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly topicPrefix: string
  readonly topics: Readonly<Record<string, string>>
  readonly createTopics: boolean
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  readonly allowSingleBroker: boolean
  readonly compression: Compression
  readonly tls: TlsConnectionOptions | undefined
  readonly sasl: SASLOptions | undefined
  /** Milliseconds. */
  readonly timeouts: { readonly connect: number; readonly request: number; readonly poll: number; readonly start: number }
  readonly fetchBytes: number
}

/** @throws KafkaError KAFKA_OPTIONS_WRONG */
export function settingsOf(
  options: KafkaOptions & { readonly brokers: readonly string[] },
  node: string,
  base?: string,
): Settings {
  const { allowSingleBroker = false, timeouts, requests } = options
  const { replicationFactor = allowSingleBroker ? 1 : 3, minInsyncReplicas = allowSingleBroker ? 1 : 2 } = options
  const single = allowSingleBroker && replicationFactor === 1 && minInsyncReplicas === 1
  if (!single && (minInsyncReplicas < 2 || minInsyncReplicas >= replicationFactor)) {
    throw new KafkaError(
      'KAFKA_OPTIONS_WRONG',
      `minInsyncReplicas ${minInsyncReplicas} and replicationFactor ${replicationFactor}: needed is 1 < minInsyncReplicas < replicationFactor (1 and 1 with allowSingleBroker)`,
      { minInsyncReplicas, replicationFactor, allowSingleBroker },
    )
  }
  return {
    brokers: options.brokers,
    clientId: options.clientId ?? `heddle-${node}`,
    topicPrefix: options.topicPrefix ?? 'heddle.',
    topics: options.topics ?? {},
    createTopics: options.createTopics ?? true,
    replicationFactor,
    minInsyncReplicas,
    allowSingleBroker,
    compression: options.compression ?? 'none',
    tls: tlsOf(options.tls, base),
    sasl: saslOf(options.sasl, base),
    timeouts: { connect: 5_000, request: 15_000, poll: 5_000, start: 60_000, ...timeouts },
    fetchBytes: requests?.fetchBytes ?? 4 * 1024 * 1024,
  }
}

function tlsOf(tls: KafkaOptions['tls'], base: string | undefined): TlsConnectionOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if ((tls.certificate === undefined) !== (tls.key === undefined)) {
    throw new KafkaError('KAFKA_OPTIONS_WRONG', 'tls.certificate and tls.key go together')
  }
  return {
    ...(tls.ca === undefined ? {} : { ca: pem(tls.ca, 'tls.ca', base) }),
    ...(tls.certificate === undefined ? {} : { cert: pem(tls.certificate, 'tls.certificate', base) }),
    ...(tls.key === undefined ? {} : { key: pem(tls.key, 'tls.key', base) }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  }
}

function saslOf(sasl: KafkaOptions['sasl'], base: string | undefined): SASLOptions | undefined {
  if (sasl === undefined) return undefined
  const { mechanism, username, password, token } = sasl
  const needed = mechanism === 'OAUTHBEARER' ? { token } : { username, password }
  for (const [name, value] of Object.entries(needed)) {
    if (value === undefined) throw new KafkaError('KAFKA_OPTIONS_WRONG', `sasl.${name} is missing, which ${mechanism} needs`)
  }
  return {
    mechanism,
    ...(username === undefined ? {} : { username }),
    // Asked for at each connection, so that a secret can be changed in place.
    ...(password === undefined ? {} : { password: secret(password, 'sasl.password', base) }),
    ...(token === undefined ? {} : { token: secret(token, 'sasl.token', base) }),
  }
}

function pem(given: string, option: string, base: string | undefined): string {
  return given.includes('-----BEGIN') ? given : read(given, option, base)
}

function secret(given: Secret, option: string, base: string | undefined): string | (() => string) {
  if (typeof given === 'string') return given
  const get = (): string => {
    if ('file' in given) return read(given.file, option, base).replace(/\r?\n$/, '')
    const value = process.env[given.env]
    if (value === undefined)
      throw new KafkaError('KAFKA_OPTIONS_WRONG', `${option}: there is no environment variable ${given.env}`)
    return value
  }
  // A mistake shows at the start, not at the first reconnection.
  get()
  return get
}

function read(path: string, option: string, base: string | undefined): string {
  const file = base === undefined ? path : fileURLToPath(new URL(path, base))
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new KafkaError(
      'KAFKA_OPTIONS_WRONG',
      `${option}: ${file} cannot be read: ${(cause as Error).message}`,
      { file },
      { cause },
    )
  }
}
