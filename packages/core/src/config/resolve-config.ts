import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PluginKind } from '../ports/plugin.ts'
import { checkShape, type Problem, pathText } from './check-shape.ts'
import { DEFAULTS } from './defaults.ts'
import type {
  Address,
  BatchConfig,
  ChaincodeConfig,
  ChaincodeDefinition,
  ChannelDefinition,
  ChannelMembers,
  NetworkConfig,
  NetworkDefinition,
  NodeAddressConfig,
  NodeDefinition,
  OrdererDefinition,
  OrdererOrganizationConfig,
  OrganizationConfig,
  OrganizationDefinition,
  PluginChoice,
  PluginReference,
} from './definition.ts'
import { ConfigError } from './errors.ts'
import { suggestion } from './nearest.ts'
import { NETWORK_SCHEMA } from './schema.ts'

/** Where a definition comes from, which decides some defaults. */
export interface ConfigOrigin {
  /** File URL of the config file or of the composing module; relative paths and plugin names start there. */
  readonly base?: string | undefined
  /** From a file: worker runtime, folder storage. From code: inline, memory. */
  readonly from: 'code' | 'file'
  /** Adds the place in the file to a problem. */
  readonly locate?: (path: readonly (string | number)[]) => string
}

/**
 * Checks a definition, fills in every default and freezes the result.
 *
 * @throws ConfigError CONFIG_INVALID for shapes and names, CONFIG_CONTRADICTION for relations between options
 */
export function resolveConfig(definition: NetworkDefinition, origin: ConfigOrigin): NetworkConfig {
  refuse('CONFIG_INVALID', checkShape(NETWORK_SCHEMA, definition), origin)
  const organizations = definition.organizations.map(organization)
  const orderers = ordererOrganizations(definition.orderers)
  const channels = Object.entries<ChannelDefinition>(definition.channels ?? DEFAULTS.channels.value).map(
    ([name, channel]): ChannelMembers => {
      const { organizations: members, batch, policies, acls } = channel ?? {}
      return {
        name,
        organizations: members ?? organizations.map((each) => each.name),
        batch: batchOf(batch),
        givenBatch: batch ?? {},
        policies: policies ?? {},
        acls: acls ?? {},
      }
    },
  )
  const chaincodes = Object.entries(definition.chaincodes ?? {}).map(([name, each]) => chaincode(name, each ?? {}, channels))
  const folder = folderOf(definition, origin)
  const config: NetworkConfig = {
    name: definition.name ?? DEFAULTS.name.value,
    base: origin.base,
    organizations,
    orderers,
    channels,
    chaincodes,
    ordering: reference(definition.ordering, DEFAULTS['ordering.use'].value),
    stateDb: reference(definition.stateDb, folder === undefined ? 'memory' : 'level'),
    identity: reference(definition.identity, DEFAULTS['identity.use'].value),
    chaincodeRuntime: reference(definition.chaincodeRuntime, origin.from === 'file' ? 'worker' : 'inline'),
    dissemination: reference(definition.dissemination, DEFAULTS['dissemination.use'].value),
    blockStore: reference(definition.blockStore, DEFAULTS['blockStore.use'].value),
    folder,
    nodes: Object.entries(definition.nodes ?? {}).map(([name, given]) => nodeAddress(name, given)),
    services: Object.entries(definition.services ?? {}).map(([name, address]) => ({ name, address: parseAddress(address) })),
    seed: definition.seed,
    log: { level: definition.log?.level ?? DEFAULTS['log.level'].value, subsystems: definition.log?.subsystems ?? {} },
    operations:
      definition.operations === undefined
        ? undefined
        : { port: definition.operations.port, host: definition.operations.host ?? DEFAULTS['operations.host'].value },
    limits: {
      concurrentEndorsements: definition.limits?.concurrentEndorsements ?? DEFAULTS['limits.concurrentEndorsements'].value,
      pendingBlocks: definition.limits?.pendingBlocks ?? DEFAULTS['limits.pendingBlocks'].value,
    },
  }
  refuse('CONFIG_CONTRADICTION', contradictions(config), origin)
  return freeze(config)
}

/** The organisation that a name or an object defines. */
export function organization(given: string | OrganizationDefinition): OrganizationConfig {
  const { name, mspId, peers, clients }: OrganizationDefinition = typeof given === 'string' ? { name: given } : given
  const domain = name.toLowerCase()
  const names =
    typeof peers === 'object'
      ? peers
      : Array.from({ length: peers ?? DEFAULTS['organizations.peers'].value }, (_, i) => `peer${i}`)
  return {
    name,
    mspId: mspId ?? `${name}MSP`,
    peers: names.map((peer) => `${peer}.${domain}`),
    clients: clients ?? DEFAULTS['organizations.clients'].value,
  }
}

function ordererOrganizations(given: NetworkDefinition['orderers']): OrdererOrganizationConfig[] {
  const list: readonly OrdererDefinition[] = Array.isArray(given)
    ? given
    : typeof given === 'object'
      ? [given as OrdererDefinition]
      : [{ nodes: given ?? DEFAULTS.orderers.value }]
  return list.map(
    ({ organization: name = DEFAULTS['orderers.organization'].value, mspId, nodes = DEFAULTS['orderers.nodes'].value }) => {
      const domain = name.toLowerCase()
      const names = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => `orderer${i}`) : nodes
      return { name, mspId: mspId ?? `${name}MSP`, nodes: names.map((node) => `${node}.${domain}`) }
    },
  )
}

function batchOf(given: Partial<BatchConfig> | undefined): BatchConfig {
  return {
    maxMessages: given?.maxMessages ?? DEFAULTS['channels.batch.maxMessages'].value,
    preferredMaxBytes: given?.preferredMaxBytes ?? DEFAULTS['channels.batch.preferredMaxBytes'].value,
    absoluteMaxBytes: given?.absoluteMaxBytes ?? DEFAULTS['channels.batch.absoluteMaxBytes'].value,
    timeout: given?.timeout ?? DEFAULTS['channels.batch.timeout'].value,
  }
}

function chaincode(name: string, given: ChaincodeDefinition, channels: readonly ChannelMembers[]): ChaincodeConfig {
  return {
    name,
    chaincode: given.chaincode,
    module: given.module,
    export: given.export,
    version: given.version ?? DEFAULTS['chaincodes.version'].value,
    sequence: given.sequence,
    endorsement: given.endorsement ?? DEFAULTS['chaincodes.endorsement'].value,
    initRequired: given.initRequired ?? DEFAULTS['chaincodes.initRequired'].value,
    channels: given.channels ?? channels.map((channel) => channel.name),
    organizations: given.organizations,
    timeout: given.timeout ?? DEFAULTS['chaincodes.timeout'].value,
    runtime: given.runtime === undefined ? undefined : reference(given.runtime, ''),
  }
}

/** Checks one chaincode of a running network as one of a definition. */
export function resolveChaincode(name: string, given: ChaincodeDefinition, channels: readonly ChannelMembers[]): ChaincodeConfig {
  refuse('CONFIG_INVALID', checkShape(NETWORK_SCHEMA.properties!.chaincodes!, { [name]: given }), { from: 'code' })
  const config = chaincode(name, given, channels)
  refuse('CONFIG_CONTRADICTION', sourceProblems(config), { from: 'code' })
  return config
}

function reference<K extends PluginKind>(choice: PluginChoice<K> | undefined, otherwise: string): PluginReference<K> {
  if (choice === undefined) return { use: otherwise, options: {} }
  if (typeof choice === 'object' && 'use' in choice) return { use: choice.use, options: choice.options ?? {} }
  return { use: choice, options: {} }
}

function folderOf({ storage }: NetworkDefinition, { base, from }: ConfigOrigin): string | undefined {
  const folder =
    storage === undefined ? (from === 'file' ? './data' : undefined) : storage === 'memory' ? undefined : storage.folder
  if (folder === undefined || isAbsolute(folder)) return folder
  return base === undefined ? resolve(folder) : resolve(fileURLToPath(new URL('.', base)), folder)
}

function nodeAddress(name: string, given: NodeDefinition): NodeAddressConfig {
  const {
    address,
    listen = address,
    operations,
  }: Exclude<NodeDefinition, string> = typeof given === 'string' ? { address: given } : given
  return { name, address: parseAddress(address), listen: parseAddress(listen), operations }
}

function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) }
}

/** What is wrong with the addresses of the nodes. */
function addressProblems({ nodes, services, orderers, organizations, seed }: NetworkConfig): Problem[] {
  const names = [...orderers.flatMap((each) => each.nodes), ...organizations.flatMap((each) => each.peers)]
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  for (const { name, address } of services) {
    const path = ['services', name]
    if (!names.includes(name)) problems.push({ path, message: `is no node of the network${suggestion(name, names)}` })
    if (address.port > 65_535) problems.push({ path, message: `has the port ${address.port}` })
    const place = `${address.host}:${address.port}`
    const other = taken.get(place)
    if (other !== undefined && address.port > 0) problems.push({ path, message: `has the address of ${other}, ${place}` })
    taken.set(place, `the services of ${name}`)
  }
  if (nodes.length === 0) return problems
  for (const { name, address, listen } of nodes) {
    const path = ['nodes', name]
    if (!names.includes(name)) problems.push({ path, message: `is no node of the network${suggestion(name, names)}` })
    for (const { port } of [address, listen])
      if (port < 1 || port > 65_535) problems.push({ path, message: `has the port ${port}` })
    const place = `${address.host}:${address.port}`
    const other = taken.get(place)
    if (other !== undefined) problems.push({ path, message: `has the address of ${other}, ${place}` })
    taken.set(place, name)
  }
  for (const name of names)
    if (!nodes.some((node) => node.name === name))
      problems.push({ path: ['nodes'], message: `has no address of ${name}: give one to every node, or to none` })
  if (seed !== undefined)
    problems.push({ path: ['seed'], message: 'makes keys that anyone can compute: only for networks in one process' })
  return problems
}

function sourceProblems(each: ChaincodeConfig): Problem[] {
  const path = ['chaincodes', each.name]
  if ((each.chaincode === undefined) === (each.module === undefined))
    return [{ path, message: "needs either 'module' or, in code, 'chaincode'" }]
  if (each.export !== undefined && each.module === undefined)
    return [{ path: [...path, 'export'], message: "goes with 'module'" }]
  return []
}

/** MSP ids in a signature policy that no organisation has: nobody could ever satisfy that part. */
function strangersIn(
  endorsement: string,
  organizations: readonly { readonly mspId: string }[],
): { readonly mspId: string; readonly known: readonly string[] }[] {
  const known = organizations.map(({ mspId }) => mspId)
  // Only what has the form of a principal: a policy that does not parse is refused, with its place, when the channel compiles it.
  const named = [...endorsement.matchAll(/'([^'.]+(?:\.[^'.]+)*)\.(?:member|admin|client|peer|orderer)'/gi)].map(
    ([, mspId]) => mspId!,
  )
  return [...new Set(named)].filter((mspId) => !known.includes(mspId)).map((mspId) => ({ mspId, known }))
}

/** What no single option shows. */
function contradictions(config: NetworkConfig): Problem[] {
  const problems: Problem[] = []
  const say = (path: (string | number)[], message: string) => problems.push({ path, message })
  const names = config.organizations.map((each) => each.name)
  const channelNames = config.channels.map((each) => each.name)

  const twice = (path: string, what: string, list: readonly string[]) => {
    for (const name of new Set(list.filter((each, index) => list.indexOf(each) !== index)))
      say([path], `has the ${what} '${name}' twice`)
  }
  const organizations = [...config.organizations, ...config.orderers]
  twice(
    'organizations',
    'name',
    organizations.map((each) => each.name.toLowerCase()),
  )
  twice(
    'organizations',
    'MSP id',
    organizations.map((each) => each.mspId),
  )
  twice(
    'organizations',
    'peer',
    config.organizations.flatMap((each) => each.peers),
  )
  twice(
    'orderers',
    'node',
    config.orderers.flatMap((each) => each.nodes),
  )

  if (channelNames.length === 0) say(['channels'], 'needs at least one channel')
  for (const channel of config.channels) {
    const path = ['channels', channel.name]
    channel.organizations.forEach((name, index) => {
      if (!names.includes(name))
        say([...path, 'organizations', index], `names the organisation '${name}', which is not defined${suggestion(name, names)}`)
    })
    const { preferredMaxBytes, absoluteMaxBytes } = channel.batch
    if (preferredMaxBytes > absoluteMaxBytes)
      say([...path, 'batch', 'preferredMaxBytes'], `is ${preferredMaxBytes}, more than absoluteMaxBytes, ${absoluteMaxBytes}`)
  }
  for (const each of config.chaincodes) {
    problems.push(...sourceProblems(each))
    const path = ['chaincodes', each.name]
    each.channels.forEach((name, index) => {
      if (!channelNames.includes(name))
        say([...path, 'channels', index], `names the channel '${name}', which is not defined${suggestion(name, channelNames)}`)
    })
    for (const { mspId, known } of strangersIn(each.endorsement, organizations))
      say([...path, 'endorsement'], `names the MSP '${mspId}', which is not defined${suggestion(mspId, known)}`)
    each.organizations?.forEach((name, index) => {
      if (!names.includes(name))
        say([...path, 'organizations', index], `names the organisation '${name}', which is not defined${suggestion(name, names)}`)
    })
  }
  problems.push(...addressProblems(config))
  if (config.seed !== undefined && config.folder !== undefined)
    say(['seed'], 'makes keys that anyone can compute: only for networks in memory, and this one has a data folder')
  return problems
}

function refuse(code: 'CONFIG_INVALID' | 'CONFIG_CONTRADICTION', problems: readonly Problem[], origin: ConfigOrigin): void {
  if (problems.length === 0) return
  const lines = problems.map(({ path, message }) => {
    const place = origin.locate?.(path)
    return `${place === undefined ? '' : `${place}: `}${path.length === 0 ? 'the network' : pathText(path)} ${message}`
  })
  throw new ConfigError(code, lines.join('\n'), {
    problems: problems.map(({ path, message }) => ({ path: pathText(path), message, place: origin.locate?.(path) })),
  })
}

/** Freezes plain objects and lists, and leaves what code gave (plugins, chaincode) alone. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) return value
  for (const [key, item] of Object.entries(value)) if (key !== 'chaincode' && key !== 'use') freeze(item)
  return Object.freeze(value)
}
