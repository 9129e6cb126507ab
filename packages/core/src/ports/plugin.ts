import type { BlockStore } from './block-store.ts'
import type { ChaincodeRuntime } from './chaincode.ts'
import type { SignaturePool } from './crypto-provider.ts'
import type { Disk } from './disk.ts'
import type { Dissemination } from './dissemination.ts'
import type { Environment } from './environment.ts'
import type { IdentityProvider } from './identity.ts'
import type { Awaitable } from './lifecycle.ts'
import type { Consenter, OrderingCapabilities } from './ordering-service.ts'
import type { StateDBProvider } from './state-db.ts'

/** Version of the plugin interface. A plugin of another version is refused before its code runs. */
export const PLUGIN_API = 1

/** What the nodes of a network that run in one process have together. */
export interface LocalNodes {
  /** Their names, whether they run or not. */
  readonly nodes: readonly string[]
  /** A disk that belongs to none of them and outlives each; in memory when the network is. */
  disk(): Promise<Disk>
  /** The object of a name that all of them share: made by who asks first, kept as long as the network. */
  shared<T>(name: string, make: () => T): T
}

/** What a plugin may know of where it runs. */
export interface PluginContext {
  /** Name of the node; for a plugin of the whole network, of the network. */
  readonly node: string
  readonly mspId: string
  /** SerializedIdentity of the node; empty for a plugin of the whole network. */
  readonly identity: Uint8Array
  readonly environment: Environment
  /** Signature work on all cores; shared by the nodes of a process. */
  readonly signatures: SignaturePool
  /** URL of the folder that relative paths in options start from: the config file's folder, or the composing module's. */
  readonly base?: string
  /** Absent where a node is alone, and for a plugin of the whole network. */
  readonly local?: LocalNodes
}

/** Opens the block store of one channel on one node. */
export interface BlockStoreProvider {
  open(channel: string): Promise<BlockStore>
  close(): Promise<void>
}

/** What each kind of plugin makes, and what it declares about itself. */
export interface PluginKinds {
  ordering: { product: Consenter; capabilities: OrderingCapabilities }
  stateDb: {
    product: StateDBProvider
    capabilities: { readonly durable: boolean; readonly snapshot: boolean; readonly richQuery: boolean }
  }
  identity: { product: IdentityProvider; capabilities: { readonly verifies: boolean } }
  chaincodeRuntime: { product: ChaincodeRuntime; capabilities: { readonly isolated: boolean } }
  dissemination: { product: Dissemination; capabilities: Record<never, never> }
  blockStore: { product: BlockStoreProvider; capabilities: { readonly durable: boolean } }
}

/** A port that plugins implement. */
export type PluginKind = keyof PluginKinds

/** JSON Schema (draft 2020-12) of a plugin's options. */
export type OptionsSchema = Readonly<Record<string, unknown>>

/** A plugin: metadata that is checked first, and a function of its options. */
export interface Plugin<K extends PluginKind = PluginKind, O = unknown> {
  /** The package name by convention: it stands in the channel configuration as consensus type, in logs and in errors. */
  readonly name: string
  readonly provides: K
  readonly api: number
  readonly capabilities: PluginKinds[K]['capabilities']
  readonly options?: OptionsSchema
  create(context: PluginContext, options: O): Awaitable<PluginKinds[K]['product']>
  /**
   * Ordering plugins only: metadata of the consensus type in the genesis block of a new channel, in the plugin's own format. Pure.
   * Default: empty.
   */
  genesisMetadata?(nodes: readonly GenesisNode[], options: O): Uint8Array
}

/** An ordering node of a new channel. */
export interface GenesisNode {
  readonly name: string
  readonly mspId: string
  /** SerializedIdentity. */
  readonly identity: Uint8Array
  /** Where others reach it; absent where the network runs in one process. */
  readonly address?: { readonly host: string; readonly port: number }
}

const PLUGIN_BRAND: unique symbol = Symbol.for('@heddle/core/plugin') as never

/** Interface version of the copy of this package that made a plugin; undefined for a plain object. */
export function pluginBrand(plugin: unknown): number | undefined {
  const brand = (plugin as { [PLUGIN_BRAND]?: unknown } | null | undefined)?.[PLUGIN_BRAND]
  return typeof brand === 'number' ? brand : undefined
}

/**
 * Declares a plugin. Checks nothing but types: metadata is checked where the plugin is used, before its code runs, so that a
 * plain object of the same shape is a plugin as well.
 *
 * The brand lets a network tell a plugin of another copy of this package: same interface version, and it works; another, and it is
 * refused by name.
 */
export function definePlugin<K extends PluginKind, O = Record<string, never>>(
  plugin: Omit<Plugin<K, O>, 'api'> & { readonly api?: number },
): Plugin<K, O> {
  return Object.freeze({ api: PLUGIN_API, ...plugin, [PLUGIN_BRAND]: PLUGIN_API })
}
