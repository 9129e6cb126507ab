import type { Plugin, PluginKind } from '../ports/plugin.ts'

/** A plugin by name of a built-in one, by package or path, or itself; with its options. */
export type PluginChoice<K extends PluginKind = PluginKind> =
  | string
  | Plugin<K, never>
  | { readonly use: string | Plugin<K, never>; readonly options?: Readonly<Record<string, unknown>> }

/** An organisation with its peers and clients. */
export interface OrganizationDefinition {
  readonly name: string
  readonly mspId?: string
  /** How many peers, or their names. */
  readonly peers?: number | readonly string[]
  /** Names of client identities that exist from the start. An `admin` always exists. */
  readonly clients?: readonly string[]
}

/** Ordering nodes of one organisation. */
export interface OrdererDefinition {
  readonly organization?: string
  readonly mspId?: string
  /** How many ordering nodes, or their names. */
  readonly nodes?: number | readonly string[]
}

/** When a block is cut. What is left out has the default of `DEFAULTS`. */
export interface BatchDefinition {
  readonly maxMessages?: number
  readonly preferredMaxBytes?: number
  readonly absoluteMaxBytes?: number
  /** Milliseconds. */
  readonly timeout?: number
}

/** A channel: its members, batch limits, policies and access rules. */
export interface ChannelDefinition {
  /** Names of member organisations. Default: all. */
  readonly organizations?: readonly string[]
  readonly batch?: BatchDefinition
  /** Policies of the Application group by name: `MAJORITY Endorsement`, or `AND('Org1MSP.peer', ...)`. */
  readonly policies?: Readonly<Record<string, string>>
  /** Policy path by resource, such as `peer/Propose`. */
  readonly acls?: Readonly<Record<string, string>>
}

/** A chaincode: where its code is, and what the channel agrees on about it. */
export interface ChaincodeDefinition {
  /** The chaincode itself: a function, an object with `invoke(stub)`, or a class. In code only. */
  readonly chaincode?: unknown
  /** Module that exports it: a path from the file's folder, or a package. */
  readonly module?: string
  readonly export?: string
  readonly version?: string
  /** Sequence of the definition. Default: 1, or what the ledger has. */
  readonly sequence?: number
  /** Signature policy (`AND('Org1MSP.peer', ...)`) or the path of a channel policy. */
  readonly endorsement?: string
  readonly initRequired?: boolean
  /** Default: all channels. */
  readonly channels?: readonly string[]
  /** Organisations whose peers run it. Default: all of the channel. */
  readonly organizations?: readonly string[]
  /** Milliseconds that one invocation may take. */
  readonly timeout?: number
  /** Runtime of this chaincode, where it differs from the network's. */
  readonly runtime?: PluginChoice<'chaincodeRuntime'>
}

/**
 * Where a node is reached by others, `host:port`; where it listens, when that is another address, such as `0.0.0.0:7050`; and the port of
 * its metrics and health, when it runs in a process of its own.
 */
export type NodeDefinition = string | { readonly address: string; readonly listen?: string; readonly operations?: number }

export type StorageDefinition = 'memory' | { readonly folder: string }

export type LogLevelName = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** A network as its author writes it, in code or in network.yaml. What is left out has a default: see `DEFAULTS`. */
export interface NetworkDefinition {
  readonly name?: string
  readonly organizations: readonly (string | OrganizationDefinition)[]
  readonly orderers?: number | OrdererDefinition | readonly OrdererDefinition[]
  readonly channels?: Readonly<Record<string, ChannelDefinition>>
  readonly chaincodes?: Readonly<Record<string, ChaincodeDefinition>>
  readonly ordering?: PluginChoice<'ordering'>
  readonly stateDb?: PluginChoice<'stateDb'>
  readonly identity?: PluginChoice<'identity'>
  readonly chaincodeRuntime?: PluginChoice<'chaincodeRuntime'>
  readonly dissemination?: PluginChoice<'dissemination'>
  readonly blockStore?: PluginChoice<'blockStore'>
  readonly storage?: StorageDefinition
  /** Addresses of all nodes by name: the network then runs over TCP, in as many processes as one likes. Absent: in one process. */
  readonly nodes?: Readonly<Record<string, NodeDefinition>>
  /** Where nodes serve clients that speak Fabric's gRPC services, `host:port` by name of the node; `heddle up` and `heddle node start` open them. */
  readonly services?: Readonly<Record<string, string>>
  /** Makes identities, keys and every random choice a function of this text: for tests only, since anyone can repeat it. */
  readonly seed?: string
  readonly log?: { readonly level?: LogLevelName; readonly subsystems?: Readonly<Record<string, LogLevelName>> }
  /** HTTP with /metrics, /healthz and /readyz. Absent: none. */
  readonly operations?: { readonly port: number; readonly host?: string }
  readonly limits?: { readonly concurrentEndorsements?: number; readonly pendingBlocks?: number }
}

/** A chosen plugin, not yet loaded. */
export interface PluginReference<K extends PluginKind = PluginKind> {
  readonly use: string | Plugin<K, never>
  readonly options: Readonly<Record<string, unknown>>
}

export interface OrganizationConfig {
  readonly name: string
  readonly mspId: string
  /** Names of its peers, unique in the network. */
  readonly peers: readonly string[]
  readonly clients: readonly string[]
}

export interface OrdererOrganizationConfig {
  readonly name: string
  readonly mspId: string
  /** Names of its ordering nodes, unique in the network. */
  readonly nodes: readonly string[]
}

export interface BatchConfig {
  readonly maxMessages: number
  readonly preferredMaxBytes: number
  readonly absoluteMaxBytes: number
  readonly timeout: number
}

export interface ChannelMembers {
  readonly name: string
  readonly organizations: readonly string[]
  readonly batch: BatchConfig
  /** What of `batch` the author wrote: only that is compared with a ledger. */
  readonly givenBatch: BatchDefinition
  readonly policies: Readonly<Record<string, string>>
  readonly acls: Readonly<Record<string, string>>
}

export interface ChaincodeConfig {
  readonly name: string
  readonly chaincode: unknown
  readonly module: string | undefined
  readonly export: string | undefined
  readonly version: string
  readonly sequence: number | undefined
  readonly endorsement: string
  readonly initRequired: boolean
  readonly channels: readonly string[]
  readonly organizations: readonly string[] | undefined
  readonly timeout: number
  readonly runtime: PluginReference<'chaincodeRuntime'> | undefined
}

/** Host and port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Addresses of a node. */
export interface NodeAddressConfig {
  readonly name: string
  readonly address: Address
  readonly listen: Address
  /** Port of /metrics, /healthz and /readyz of a process that runs this node. */
  readonly operations: number | undefined
}

/** A network with every option decided and every relation checked. Frozen. */
export interface NetworkConfig {
  readonly name: string
  /** URL of the folder that relative paths and plugin names start from. */
  readonly base: string | undefined
  readonly organizations: readonly OrganizationConfig[]
  readonly orderers: readonly OrdererOrganizationConfig[]
  readonly channels: readonly ChannelMembers[]
  readonly chaincodes: readonly ChaincodeConfig[]
  readonly ordering: PluginReference<'ordering'>
  readonly stateDb: PluginReference<'stateDb'>
  readonly identity: PluginReference<'identity'>
  readonly chaincodeRuntime: PluginReference<'chaincodeRuntime'>
  readonly dissemination: PluginReference<'dissemination'>
  readonly blockStore: PluginReference<'blockStore'>
  /** Absolute path of the data folder; undefined: memory. */
  readonly folder: string | undefined
  /** Addresses of all nodes, or of none: then the network runs in one process. */
  readonly nodes: readonly NodeAddressConfig[]
  /** Where nodes serve Fabric's clients. */
  readonly services: readonly { readonly name: string; readonly address: Address }[]
  readonly seed: string | undefined
  readonly log: { readonly level: LogLevelName; readonly subsystems: Readonly<Record<string, LogLevelName>> }
  readonly operations: { readonly port: number; readonly host: string } | undefined
  readonly limits: { readonly concurrentEndorsements: number; readonly pendingBlocks: number }
}
