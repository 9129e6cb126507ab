import type { Awaitable, Lifecycle } from './lifecycle.ts'

/** Answer of a chaincode. Status below 400 is endorsed; 500 and above is an error of the chaincode. */
export interface ChaincodeResponse {
  readonly status: number
  readonly message: string
  readonly payload: Uint8Array
}

/** What a chaincode is asked, as the signed proposal states it. Equal on every endorser. */
export interface Invocation {
  readonly channelId: string
  readonly txId: string
  readonly chaincode: string
  readonly args: readonly Uint8Array[]
  readonly isInit: boolean
  /** SerializedIdentity of the client, as it signed. */
  readonly creator: Uint8Array
  readonly nonce: Uint8Array
  readonly transient: ReadonlyMap<string, Uint8Array>
  /** The client's header timestamp. */
  readonly timestamp: { readonly seconds: number; readonly nanos: number }
  readonly signedProposal: Uint8Array
  readonly decorations: ReadonlyMap<string, Uint8Array>
}

/** How many records a page holds, and where the next one begins (empty at the end). */
export interface StateQueryMetadata {
  readonly fetchedRecordsCount: number
  readonly bookmark: string
}

/** A part of the results of a query, in order. */
export interface QueryPage {
  readonly results: readonly { readonly key: string; readonly value: Uint8Array }[]
  /** Opaque handle for `queryNext`, undefined when the query is exhausted. */
  readonly cursor: string | undefined
  /** Of a paged query. */
  readonly metadata?: StateQueryMetadata | undefined
}

/** A part of the changes of a key, newest first. */
export interface HistoryPage {
  readonly results: readonly {
    readonly txId: string
    readonly value: Uint8Array
    readonly timestamp: { readonly seconds: number; readonly nanos: number }
    readonly isDelete: boolean
  }[]
  readonly cursor: string | undefined
}

/**
 * The ledger as one invocation may see it: reads are recorded, writes collected. Plain data only, so that it crosses a thread or a socket.
 * Methods answer at once where the state database can. Errors are ChaincodeError with a code.
 */
export interface LedgerAccess {
  getState(key: string): Awaitable<Uint8Array | undefined>
  /** In the order of the keys. */
  getStates(keys: readonly string[]): Awaitable<readonly (Uint8Array | undefined)[]>
  putState(key: string, value: Uint8Array): Awaitable<void>
  deleteState(key: string): Awaitable<void>
  getStateMetadata(key: string): Awaitable<ReadonlyMap<string, Uint8Array> | undefined>
  putStateMetadata(key: string, name: string, value: Uint8Array): Awaitable<void>
  getStateByRange(start: string, end: string, page?: { size: number; bookmark: string }): Awaitable<QueryPage>
  getQueryResult(query: string, page?: { size: number; bookmark: string }): Awaitable<QueryPage>
  getHistoryForKey(key: string): Awaitable<HistoryPage>
  queryNext(cursor: string): Awaitable<QueryPage | HistoryPage>
  queryClose(cursor: string): Awaitable<void>
  getPrivateDataHash(collection: string, key: string): Awaitable<Uint8Array | undefined>
  invokeChaincode(chaincode: string, args: readonly Uint8Array[], channel: string): Awaitable<ChaincodeResponse>
  setEvent(name: string, payload: Uint8Array): Awaitable<void>
}

/** A loaded chaincode, ready for invocations. */
export interface ChaincodeInstance {
  /**
   * Runs one invocation. Fails only for what is no answer of the chaincode (CHAINCODE_CRASHED, CHAINCODE_BAD_RESPONSE, ...); what
   * chaincode throws is a response of status 500. `signal` aborts at the time limit: the endorser no longer waits by then, and the
   * ledger refuses all further calls; a runtime that can, stops the code.
   */
  invoke(invocation: Invocation, ledger: LedgerAccess, signal: AbortSignal): Awaitable<ChaincodeResponse>
  /** False: `invoke` takes no notice of its signal, and is spared one that could abort. Default true. */
  readonly heedsSignal?: boolean
  close(): Promise<void>
}

/** Where a chaincode's code comes from. */
export type ChaincodeSource =
  /**
   * A function of the stub, an object or class with `invoke(stub)`, or contract classes: only runtimes of this thread take it. `base`
   * is the file URL from which optional packages that it needs are resolved.
   */
  | { readonly kind: 'object'; readonly value: unknown; readonly base?: string }
  /** An absolute module URL (or resolved path) and the name of its export, `default` when absent. */
  | { readonly kind: 'module'; readonly url: string; readonly export?: string }

/** Runs chaincode: in the host's thread, in a worker, later in other processes. */
export interface ChaincodeRuntime extends Lifecycle {
  readonly name: string
  /** Loads a chaincode under a name; throws ChaincodeError CHAINCODE_LOAD_FAILED. Each call makes an instance of its own. */
  load(name: string, source: ChaincodeSource): Promise<ChaincodeInstance>
}
