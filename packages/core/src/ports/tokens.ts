import type { BlockStore } from './block-store.ts'
import type { ChaincodeRuntime } from './chaincode.ts'
import type { Clock } from './clock.ts'
import type { SignaturePool } from './crypto-provider.ts'
import type { Disk } from './disk.ts'
import type { Dissemination } from './dissemination.ts'
import type { Environment } from './environment.ts'
import type { IdentityProvider, Signer } from './identity.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { Consenter } from './ordering-service.ts'
import type { BlockStoreProvider } from './plugin.ts'
import type { Random } from './random.ts'
import type { StateDB, StateDBProvider } from './state-db.ts'
import type { Transport } from './transport.ts'

/** Name under which a part is registered, with the type of the part. Versioned, so that two copies of this package agree on it. */
export type Token<T> = symbol & { readonly __part?: T }

const token = <T>(name: string): Token<T> => Symbol.for(`@heddle/core/1/${name}`) as Token<T>

/**
 * What an override may replace, by the level at which it is registered: a network's container is the parent of its nodes', a node's
 * the parent of its channels'.
 */
export const Tokens = {
  // Network
  /** One clock for all nodes of the process. */
  Clock: token<Clock>('Clock'),
  /** Randomness; each node gets a stream of its own forked from it. */
  Random: token<Random>('Random'),
  Logger: token<Logger>('Logger'),
  Metrics: token<Metrics>('Metrics'),
  SignaturePool: token<SignaturePool>('SignaturePool'),
  /** Checks what clients of this process sign for; nodes have one each. */
  IdentityProvider: token<IdentityProvider>('IdentityProvider'),

  // Node
  Disk: token<Disk>('Disk'),
  Transport: token<Transport>('Transport'),
  /** All of the above, as one node sees it. */
  Environment: token<Environment>('Environment'),
  /** The node's own identity. */
  Signer: token<Signer>('Signer'),
  /** Name of the node. */
  NodeName: token<string>('NodeName'),
  StateDBProvider: token<StateDBProvider>('StateDBProvider'),
  BlockStoreProvider: token<BlockStoreProvider>('BlockStoreProvider'),
  ChaincodeRuntime: token<ChaincodeRuntime>('ChaincodeRuntime'),
  Consenter: token<Consenter>('Consenter'),
  Dissemination: token<Dissemination>('Dissemination'),

  // Channel of a node
  /** Name of the channel. */
  ChannelName: token<string>('ChannelName'),
  StateDB: token<StateDB>('StateDB'),
  BlockStore: token<BlockStore>('BlockStore'),
} as const
