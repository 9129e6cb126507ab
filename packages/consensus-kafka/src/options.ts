import { type Pace, paceSchema } from '@heddle/core/plugin'

/** Where the brokers are, how to reach them, and what the topic must be like. Without brokers: the embedded log. */
export interface KafkaOptions {
  /** Addresses, `host:port`, of some brokers of the cluster. */
  readonly brokers?: readonly string[]
  readonly clientId?: string
  readonly topicPrefix?: string
  /** Names of topics by channel, in place of prefix, channel and chain. */
  readonly topics?: Readonly<Record<string, string>>
  readonly createTopics?: boolean
  readonly replicationFactor?: number
  readonly minInsyncReplicas?: number
  readonly allowSingleBroker?: boolean
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly tls?: TlsOptions | boolean
  readonly sasl?: SaslOptions
  readonly timeouts?: {
    /** Milliseconds, all of them. */
    readonly connect?: number
    readonly request?: number
    readonly poll?: number
    readonly start?: number
    readonly retry?: number
  }
  readonly requests?: {
    readonly records?: number
    readonly bytes?: number
    readonly fetchBytes?: number
  }
  readonly pace?: Partial<Pace>
}

/** PEM files, relative to the config file, or PEM text itself. */
export interface TlsOptions {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
  readonly passphrase?: string
  readonly serverName?: string
}

export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  readonly username?: string
  /** The password itself, or the file or environment variable that holds it. */
  readonly password?: Secret
  readonly token?: Secret
}

export type Secret = string | { readonly file: string } | { readonly env: string }

const DURATION = { type: 'integer', minimum: 1 } as const
const SECRET = {
  oneOf: [
    { type: 'string' },
    { type: 'object', additionalProperties: false, required: ['file'], properties: { file: { type: 'string' } } },
    { type: 'object', additionalProperties: false, required: ['env'], properties: { env: { type: 'string' } } },
  ],
} as const

/** JSON Schema of the options. The reasons for the defaults stand in the descriptions and in the README. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    brokers: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', pattern: '^[^\\s:]+:[0-9]{1,5}$|^\\[[0-9a-fA-F:]+\\]:[0-9]{1,5}$' },
      description:
        'Addresses host:port of some brokers; the others are learnt from them. Default: the environment variable HEDDLE_KAFKA_BROKERS (separated by commas); without it the embedded log.',
    },
    clientId: { type: 'string', minLength: 1, description: 'Name in the logs and quotas of the brokers. Default: heddle-NODE.' },
    topicPrefix: {
      type: 'string',
      pattern: '^[a-zA-Z0-9._-]{0,100}$',
      default: 'heddle.',
      description:
        'A topic is named PREFIX CHANNEL . GENESIS, with the first eight hex digits of the genesis hash, so that a network that is made anew never meets the records of the old one.',
    },
    topics: {
      type: 'object',
      additionalProperties: { type: 'string', pattern: '^[a-zA-Z0-9._-]{1,249}$' },
      description: 'Names of topics by channel, where an operator makes the topics and names them.',
    },
    createTopics: {
      type: 'boolean',
      default: true,
      description: 'Create a missing topic with the settings that ordering needs. Off: a missing topic is an error.',
    },
    replicationFactor: {
      type: 'integer',
      minimum: 1,
      maximum: 32767,
      default: 3,
      description: 'Replicas of a topic that is created: three survive the loss of one broker without an intake stop.',
    },
    minInsyncReplicas: {
      type: 'integer',
      minimum: 1,
      maximum: 32767,
      default: 2,
      description:
        'Replicas that must have a record before it counts, of a topic that is created. Between one and the number of replicas: one loses acknowledged records with one broker, all of them stop intake with one broker.',
    },
    allowSingleBroker: {
      type: 'boolean',
      default: false,
      description:
        'For development: take a topic with one replica, whose broker alone decides whether a record survives. Missing topics are created so.',
    },
    compression: {
      enum: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      default: 'none',
      description: 'Of the records. Signatures and read-write sets compress little, and the processor is what is short.',
    },
    tls: {
      oneOf: [
        { type: 'boolean' },
        {
          type: 'object',
          additionalProperties: false,
          properties: {
            ca: { type: 'string', description: 'Authorities that the brokers are trusted by. Default: those of the machine.' },
            certificate: { type: 'string', description: 'Of this client, where the brokers ask for one.' },
            key: { type: 'string' },
            passphrase: { type: 'string' },
            serverName: { type: 'string', description: "Name in the brokers' certificates. Default: the host of the address." },
          },
        },
      ],
      description:
        'TLS to the brokers: true, or PEM files relative to the config file (or PEM text). There is no way to skip the check.',
    },
    sasl: {
      type: 'object',
      additionalProperties: false,
      required: ['mechanism'],
      properties: {
        mechanism: { enum: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] },
        username: { type: 'string' },
        password: SECRET,
        token: SECRET,
      },
      description:
        'Who this client is. A password or token is text, { file: PATH } or { env: NAME }, read anew for each connection.',
    },
    timeouts: {
      type: 'object',
      additionalProperties: false,
      description: 'Milliseconds.',
      properties: {
        connect: {
          ...DURATION,
          default: 5000,
          description: 'For a connection, handshakes included; then another broker is tried.',
        },
        request: {
          ...DURATION,
          default: 15000,
          description:
            "For an answer, and for replicas to have a record: beyond a broker's usual stalls, within a client's patience.",
        },
        poll: { ...DURATION, default: 5000, description: 'How long a broker holds a fetch that finds nothing new.' },
        start: {
          ...DURATION,
          default: 60000,
          description: 'How long a start waits for brokers, a leader, or a topic of others to appear.',
        },
        retry: {
          ...DURATION,
          default: 30000,
          description: 'How long an append that fails is tried again before the submitter hears of it.',
        },
      },
    },
    requests: {
      type: 'object',
      additionalProperties: false,
      properties: {
        records: {
          type: 'integer',
          minimum: 1,
          maximum: 10000,
          default: 1000,
          description: 'Most records of one produce request. Requests fill by themselves while the one before is under way.',
        },
        bytes: {
          type: 'integer',
          minimum: 1024,
          default: 1048576,
          description:
            'Most bytes of one produce request, if a single record is not larger: larger ones only delay their first record.',
        },
        fetchBytes: {
          type: 'integer',
          minimum: 1024,
          default: 4194304,
          description: 'Most bytes of one fetch: two such answers are in memory at most for each channel.',
        },
      },
    },
    pace: paceSchema,
  },
} as const
