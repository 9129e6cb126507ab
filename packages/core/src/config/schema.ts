import { DEFAULTS } from './defaults.ts'

/** The part of JSON Schema that describes a network. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | false
  /** Applies to every key of a map. */
  readonly propertyNames?: Schema
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  /** The first whose `type` fits the value decides. */
  readonly anyOf?: readonly Schema[]
  /** Anything that only code can give: a function, a plugin object. Absent from the schema for editors. */
  readonly code?: true
}

type DefaultPath = keyof typeof DEFAULTS

const withDefault = (path: DefaultPath, schema: Schema): Schema => ({
  ...schema,
  description: `${schema.description ?? ''} Default: ${describe(DEFAULTS[path].value)}. ${DEFAULTS[path].reason}`.trim(),
})

function describe(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Names of organisations, nodes and identities: they become parts of file names and certificates. */
const NAME: Schema = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9._-]*$', maxLength: 64 }
const NAMES: Schema = { type: 'array', items: NAME, minItems: 1, uniqueItems: true }
const COUNT = (most: number): Schema => ({ type: 'integer', minimum: 1, maximum: most })
const MSP_ID: Schema = { type: 'string', pattern: '^[A-Za-z0-9._-]+$', maxLength: 64 }

const PLUGIN_OBJECT: Schema = { code: true }

function plugin(path: DefaultPath, description: string): Schema {
  const use: Schema = {
    anyOf: [{ type: 'string', minLength: 1, description: 'Name of a built-in plugin, a package, or a path.' }, PLUGIN_OBJECT],
  }
  return withDefault(path, {
    description,
    anyOf: [
      { type: 'string', minLength: 1 },
      {
        type: 'object',
        properties: { use, options: { type: 'object', additionalProperties: {} } },
        required: ['use'],
        additionalProperties: false,
      },
      PLUGIN_OBJECT,
    ],
  })
}

const BATCH: Schema = {
  type: 'object',
  description: 'Limits of a block.',
  additionalProperties: false,
  properties: {
    maxMessages: withDefault('channels.batch.maxMessages', { ...COUNT(1_000_000), description: 'Transactions in a block.' }),
    preferredMaxBytes: withDefault('channels.batch.preferredMaxBytes', {
      ...COUNT(2 ** 30),
      description: 'Bytes of a block; one larger transaction stands alone.',
    }),
    absoluteMaxBytes: withDefault('channels.batch.absoluteMaxBytes', {
      ...COUNT(2 ** 30),
      description: 'Bytes of a transaction.',
    }),
    timeout: withDefault('channels.batch.timeout', {
      ...COUNT(3_600_000),
      description: 'Milliseconds that a transaction waits for others at most.',
    }),
  },
}

const ORGANIZATION: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: NAME,
    mspId: withDefault('organizations.mspId', MSP_ID),
    peers: withDefault('organizations.peers', {
      description: 'How many peers, or their names.',
      anyOf: [{ type: 'integer', minimum: 0, maximum: 100 }, NAMES],
    }),
    clients: withDefault('organizations.clients', { ...NAMES, description: 'Names of client identities.' }),
  },
}

const ORDERERS: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    organization: withDefault('orderers.organization', NAME),
    mspId: withDefault('organizations.mspId', MSP_ID),
    nodes: withDefault('orderers.nodes', { description: 'How many ordering nodes, or their names.', anyOf: [COUNT(100), NAMES] }),
  },
}

const CHANNEL: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    organizations: withDefault('channels.organizations', { ...NAMES, description: 'Names of the member organisations.' }),
    batch: BATCH,
    policies: {
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
      description: 'Policies of the Application group by name.',
    },
    acls: { type: 'object', additionalProperties: { type: 'string', minLength: 1 }, description: 'Policy path by resource.' },
  },
}

const CHAINCODE: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    chaincode: { code: true },
    module: {
      type: 'string',
      minLength: 1,
      description: 'Module that exports the chaincode: a path from this file, or a package.',
    },
    export: { type: 'string', minLength: 1, description: 'Name of the export. Default: `default`.' },
    version: withDefault('chaincodes.version', { type: 'string', minLength: 1, maxLength: 64 }),
    sequence: { type: 'integer', minimum: 1, description: 'Sequence of the definition. Default: 1, or what the ledger has.' },
    endorsement: withDefault('chaincodes.endorsement', {
      type: 'string',
      minLength: 1,
      description: "Signature policy such as AND('Org1MSP.peer','Org2MSP.peer'), or the path of a channel policy.",
    }),
    initRequired: withDefault('chaincodes.initRequired', { type: 'boolean' }),
    channels: { ...NAMES, description: 'Default: all.' },
    organizations: { ...NAMES, description: 'Organisations whose peers run it. Default: all.' },
    timeout: withDefault('chaincodes.timeout', {
      ...COUNT(3_600_000),
      description: 'Milliseconds that one invocation may take.',
    }),
    runtime: plugin('chaincodeRuntime.use', 'Runtime of this chaincode.'),
  },
}

const ADDRESS: Schema = {
  type: 'string',
  pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$',
  maxLength: 260,
  description: 'host:port; an IPv6 host in brackets.',
}

const LEVEL: Schema = { type: 'string', enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] }

/** What a network's definition may hold. */
export const NETWORK_SCHEMA: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['organizations'],
  properties: {
    name: withDefault('name', NAME),
    organizations: {
      type: 'array',
      minItems: 1,
      description: 'Organisations that run peers and clients: a name, or an object.',
      items: { anyOf: [NAME, ORGANIZATION] },
    },
    orderers: withDefault('orderers', {
      description: 'Ordering nodes: their number, or their organisations.',
      anyOf: [COUNT(100), ORDERERS, { type: 'array', minItems: 1, items: ORDERERS }],
    }),
    channels: withDefault('channels', {
      type: 'object',
      description: 'Channels by name.',
      propertyNames: { type: 'string', pattern: '^[a-z][a-z0-9.-]*$', maxLength: 249 },
      additionalProperties: CHANNEL,
    }),
    chaincodes: {
      type: 'object',
      description: 'Chaincodes by name.',
      propertyNames: { type: 'string', pattern: '^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$', maxLength: 64 },
      additionalProperties: CHAINCODE,
    },
    ordering: plugin('ordering.use', 'The ordering service.'),
    stateDb: plugin('stateDb.use', 'The state database.'),
    identity: plugin('identity.use', 'Identities and signatures.'),
    chaincodeRuntime: plugin('chaincodeRuntime.use', 'Where chaincode runs.'),
    dissemination: plugin('dissemination.use', 'How blocks reach peers.'),
    blockStore: plugin('blockStore.use', 'Where blocks are kept.'),
    storage: withDefault('storage', {
      description: 'Where the network keeps its data.',
      anyOf: [
        { type: 'string', enum: ['memory'] },
        {
          type: 'object',
          additionalProperties: false,
          required: ['folder'],
          properties: { folder: { type: 'string', minLength: 1 } },
        },
      ],
    }),
    services: {
      type: 'object',
      description:
        "Where nodes serve clients that speak Fabric's gRPC services, host:port by name of the node. Port 0: any free one.",
      propertyNames: NAME,
      additionalProperties: ADDRESS,
    },
    nodes: {
      type: 'object',
      description:
        'Addresses of all nodes by name: the network then runs over TCP with mutual TLS, in one process or many. Absent: in one process, without a network.',
      propertyNames: NAME,
      additionalProperties: {
        anyOf: [
          ADDRESS,
          {
            type: 'object',
            additionalProperties: false,
            required: ['address'],
            properties: {
              address: { ...ADDRESS, description: 'Where others reach the node, host:port.' },
              listen: { ...ADDRESS, description: 'Where it listens, such as 0.0.0.0:7050. Default: the address.' },
              operations: {
                type: 'integer',
                minimum: 0,
                maximum: 65535,
                description: 'Port of /metrics, /healthz and /readyz of a process that runs this node. Absent: none.',
              },
            },
          },
        ],
      },
    },
    seed: {
      type: 'string',
      minLength: 1,
      maxLength: 256,
      description: 'Makes all identities and random choices a function of this text. For tests only.',
    },
    log: {
      type: 'object',
      additionalProperties: false,
      properties: {
        level: withDefault('log.level', LEVEL),
        subsystems: { type: 'object', additionalProperties: LEVEL, description: 'Level by subsystem.' },
      },
    },
    operations: {
      type: 'object',
      additionalProperties: false,
      required: ['port'],
      description: 'HTTP with /metrics, /healthz and /readyz. Absent: none.',
      properties: {
        port: { type: 'integer', minimum: 0, maximum: 65535 },
        host: withDefault('operations.host', { type: 'string', minLength: 1 }),
      },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: {
        concurrentEndorsements: withDefault('limits.concurrentEndorsements', COUNT(1_000_000)),
        pendingBlocks: withDefault('limits.pendingBlocks', COUNT(1000)),
      },
    },
  },
}
