import type { BlockStore } from './block-store.ts'
import type { ChaincodeRuntime } from './chaincode.ts'
import type { SignaturePool } from './crypto-provider.ts'
import type { Dissemination } from './dissemination.ts'
import type { Environment } from './environment.ts'
import type { IdentityProvider } from './identity.ts'
import type { Awaitable } from './lifecycle.ts'
import type { Consenter, OrderingCapabilities } from './ordering-service.ts'
import type { StateDBProvider } from './state-db.ts'

/** Version of the plugin interface. A plugin of another version is refused before its code runs. */
export const PLUGIN_API = 1

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
}

/** Opens the block store of one channel on one node. */
export interface BlockStoreProvider {
  open(channel: string): Promise<BlockStore>
  close(): Promise<void>
}

/** What each kind of plugin makes, and what it declares about itself. */
export interface PluginKinds {
  ordering: { product: Consenter; capabilities: OrderingCapabilities }
  stateDb: { product: StateDBProvider; capabilities: { readonly durable: boolean; readonly snapshot: boolean; readonly richQuery: boolean } }
  identity: { product: IdentityProvider; capabilities: { readonly verifies: boolean } }
  chaincodeRuntime: { product: ChaincodeRuntime; capabilities: { readonly isolated: boolean } }
  dissemination: { product: Dissemination; capabilities: Record<never, never> }
  blockStore: { product: BlockStoreProvider; capabilities: { readonly durable: boolean } }
}

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
}
