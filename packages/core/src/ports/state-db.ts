import type { Awaitable } from './lifecycle.ts'

/** Position of a write in the chain: version of a value, and save point of a store. */
export interface Height {
  readonly blockNumber: number
  readonly txNumber: number
}

/** A value with the position of the transaction that wrote it. */
export interface VersionedValue {
  readonly value: Uint8Array
  /** Serialized metadata entries (key-level policies), or undefined. */
  readonly metadata: Uint8Array | undefined
  readonly version: Height
}

/** An entry of a range or query. */
export interface KeyedValue extends VersionedValue {
  readonly key: string
}

/**
 * Where a value lives. `namespace` is a chaincode name; hashed private collections use namespaces of the form
 * `chaincode\u0000collection`, with the hex of the key hash as key. Made by `hashedNamespace` (model/namespace.ts).
 */
export type Namespace = string

/** Values in ascending byte order of their keys. Ends by itself at `end`; `close` early when not consumed. */
export interface StateIterator {
  /** Up to `count` further entries; an empty list means the end. */
  next(count: number): Awaitable<readonly KeyedValue[]>
  close(): Awaitable<void>
}

/** Results of a query in the store's own language. */
export interface StateQueryIterator extends StateIterator {
  /** Of a paged query: where the next page begins, empty at the end. Asked once the page has been read. */
  bookmark?(): Awaitable<string>
}

/** Reads of the world state. */
export interface StateReader {
  get(namespace: Namespace, key: string): Awaitable<VersionedValue | undefined>
  /** In the order of the keys. */
  getMany(namespace: Namespace, keys: readonly string[]): Awaitable<readonly (VersionedValue | undefined)[]>
  /** `start` inclusive, `end` exclusive; an empty `end` means to the end of the namespace. */
  range(namespace: Namespace, start: string, end: string): StateIterator
  /** Entries matched by a query of the store's own language; present where `capabilities.richQuery`. No phantom protection. */
  query?(namespace: Namespace, query: string, page?: { readonly size: number; readonly bookmark: string }): StateQueryIterator
}

/** One consistent state; later commits do not show. Must be released. */
export interface StateSnapshot extends StateReader {
  readonly height: Height | undefined
  release(): Awaitable<void>
}

/** One write or deletion of a batch. */
export interface StateWrite {
  readonly namespace: Namespace
  readonly key: string
  /** Undefined deletes the key and its metadata. */
  readonly value: Uint8Array | undefined
  readonly metadata: Uint8Array | undefined
  readonly version: Height
}

/** World state: versioned key-value pairs by namespace, with one atomic batch a block. */
export interface StateDB extends StateReader {
  readonly capabilities: {
    /** `snapshot()` gives an isolated view; otherwise the host holds a read/commit lock. */
    readonly snapshot: boolean
    readonly richQuery: boolean
    /** Survives the process. */
    readonly durable: boolean
  }
  open(): Promise<void>
  close(): Promise<void>
  /** Height of the last batch, undefined in a new store. */
  savePoint(): Awaitable<Height | undefined>
  snapshot(): Awaitable<StateSnapshot>
  /** All or nothing, with the save point. Batches come in ascending height. Need not be synced to disk: the block store is ahead of it. */
  commit(writes: readonly StateWrite[], savePoint: Height): Awaitable<void>
  /** Every entry in order of namespace, then key: for hashes, snapshots and audits. */
  entries(): AsyncIterable<StateWrite & { value: Uint8Array }>
}

/** Opens the state of one channel on one peer. */
export interface StateDBProvider {
  open(channel: string): Promise<StateDB>
  close(): Promise<void>
}
