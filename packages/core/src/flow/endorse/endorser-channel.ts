import type { Block } from '../../model/block.ts'
import type { ChaincodeInstance } from '../../ports/chaincode.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { StateSnapshot } from '../../ports/state-db.ts'

/** What endorsement needs of a channel's configuration; a ChannelConfig has it. One object a configuration. */
export interface EndorserChannelConfig {
  readonly membership: Membership
  readonly policies: { policy(path: string): { evaluate(identities: readonly Identity[]): boolean } | undefined }
  /** Policies that replace the default of a resource, by resource name. */
  readonly acls: ReadonlyMap<string, string>
  readonly organizations: { readonly application: readonly { readonly mspId: string }[] }
}

/** The definition of a chaincode that an endorsement runs under. */
export interface RunningDefinition {
  readonly name: string
  readonly version: string
  readonly sequence: number
  /** Which package the peer's organisation approved; undefined when it named none. */
  readonly packageId: string | undefined
}

export interface HistoryEntry {
  readonly txId: string
  readonly value: Uint8Array
  readonly timestamp: { readonly seconds: number; readonly nanos: number }
  readonly isDelete: boolean
}

/** The blocks of a channel, for the system chaincodes that show them. */
export interface EndorserBlocks {
  readonly height: number
  get(number: number): Awaitable<Block | undefined>
  byHash(hash: Uint8Array): Awaitable<Block | undefined>
  transaction(
    txId: string,
  ): Awaitable<{ readonly blockNumber: number; readonly txNumber: number; readonly code: number } | undefined>
}

/** One channel of a peer, as its endorser sees it. */
export interface EndorserChannel {
  readonly name: string
  /** The configuration in force now. */
  readonly config: EndorserChannelConfig
  /** A consistent state; the endorser releases it. */
  snapshot(): Awaitable<StateSnapshot>
  /** Whether a transaction id is in the ledger. */
  hasTransaction(txId: string): Awaitable<boolean>
  /** The code that runs a definition on this peer. */
  chaincode(definition: RunningDefinition): ChaincodeInstance | undefined
  /** Changes of a key, newest first; absent when the peer keeps no history. */
  readonly history?: ((namespace: string, key: string) => AsyncIterable<HistoryEntry>) | undefined
  readonly blocks?: EndorserBlocks | undefined
  /** Number of the last config block. */
  readonly lastConfigBlock?: (() => Awaitable<number>) | undefined
}
