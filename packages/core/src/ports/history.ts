import type { Awaitable } from './lifecycle.ts'
import type { Height, Namespace } from './state-db.ts'

/** A key that a valid transaction wrote or deleted. */
export interface HistoryWrite {
  readonly namespace: Namespace
  readonly key: string
  readonly txNumber: number
}

/**
 * Which transactions wrote a key: positions only, values stand in the blocks. One for each channel of a peer; it may lag behind the
 * block store and is brought forward from it.
 */
export interface HistoryStore {
  /** Number of the last block that was committed; undefined in a new store. */
  savePoint(): Awaitable<number | undefined>
  /** All or nothing, with the save point. Blocks come in ascending order; a block may have no writes. */
  commit(blockNumber: number, writes: readonly HistoryWrite[]): Awaitable<void>
  /** Up to `count` writes of a key, newest first, below `before` (exclusive) when it is given. */
  writes(namespace: Namespace, key: string, count: number, before?: Height): Awaitable<readonly Height[]>
  close(): Promise<void>
}
