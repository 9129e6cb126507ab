import type {
  Height,
  KeyedValue,
  StateDB,
  StateIterator,
  StateSnapshot,
  StateWrite,
  VersionedValue,
} from '../../ports/state-db.ts'
import { nameEnd, nameKey, splitName } from '../level/keys.ts'
import { type LevelBatch, LevelStore, levelFailure } from '../level/level-store.ts'
import { StateError } from '../state-memory/errors.ts'
import { SharedSnapshot } from './shared-snapshot.ts'
import { ValueCache } from './value-cache.ts'
import { decodeHeight, decodeValue, encodeHeight, encodeValue } from './value-codec.ts'

export interface LevelStateOptions {
  /** Latest values kept decoded in memory, in bytes. Default 32 MiB: the working set of most networks. */
  readonly cacheBytes?: number
  /** LevelDB's own cache of uncompressed blocks. Default 16 MiB. */
  readonly blockCacheBytes?: number
  /** LevelDB's write buffer; two are in memory. Default 4 MiB: what is in it is read again at the start after a crash. */
  readonly writeBufferBytes?: number
}

const FORMAT = '1'
const SAVE_POINT = 'p'
/** From this many keys on, reading in the thread pool costs the main thread less than reading at once. */
const MANY = 64
/** Snapshots and iterators open at once. */
const MAX_READERS = 10_000

/**
 * World state in LevelDB. Keys: `p` save point; `s` NAMESPACE KEY values.
 *
 * Reads answer at once: getSync is some ten times cheaper than a trip through the thread pool. While a batch is being written, readers
 * go on seeing the state before it, through a snapshot; they see the whole batch when `commit` resolves.
 */
export class LevelStateDB implements StateDB {
  readonly capabilities = { snapshot: true, richQuery: false, durable: true }
  readonly #path: string
  readonly #options: Required<LevelStateOptions>
  readonly #cache: ValueCache
  readonly #prefixes = new Map<string, string>()
  #store: LevelStore | undefined
  #savePoint: Height | undefined
  /** Number of the last batch of this session. */
  #batch = 0
  /** Snapshot of the latest batch, while somebody holds it. */
  #latest: SharedSnapshot | undefined
  #committing = false
  #readers = 0

  constructor(path: string, options: LevelStateOptions = {}) {
    this.#path = path
    this.#options = { cacheBytes: 32 << 20, blockCacheBytes: 16 << 20, writeBufferBytes: 4 << 20, ...options }
    this.#cache = new ValueCache(this.#options.cacheBytes)
  }

  async open(): Promise<void> {
    try {
      this.#store = await LevelStore.open(this.#path, {
        format: FORMAT,
        cacheBytes: this.#options.blockCacheBytes,
        writeBufferBytes: this.#options.writeBufferBytes,
      })
      const savePoint = this.#store.get(SAVE_POINT)
      this.#savePoint = savePoint && decodeHeight(savePoint)
    } catch (error) {
      throw this.#error(error)
    }
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    this.#cache.clear()
    await store?.close()
  }

  savePoint(): Height | undefined {
    return this.#savePoint
  }

  get(namespace: string, key: string): VersionedValue | undefined {
    const cached = this.#cache.get(namespace, key)
    if (cached !== undefined) return cached.value
    const value = this.#load(namespace, key, this.#committing ? this.#latest : undefined)
    // A copy: each value comes from the store with memory of its own, which the collector would have to account for as long as it is kept.
    this.#cache.store(namespace, key, value, this.#batch)
    return value
  }

  getMany(
    namespace: string,
    keys: readonly string[],
  ): readonly (VersionedValue | undefined)[] | Promise<readonly (VersionedValue | undefined)[]> {
    const values = new Array<VersionedValue | undefined>(keys.length)
    let missing: number[] | undefined
    for (let i = 0; i < keys.length; i++) {
      const cached = this.#cache.get(namespace, keys[i]!)
      if (cached !== undefined) values[i] = cached.value
      else if (missing === undefined) missing = [i]
      else missing.push(i)
    }
    if (missing === undefined) return values
    if (missing.length < MANY) {
      for (const i of missing) values[i] = this.get(namespace, keys[i]!)
      return values
    }
    const shared = this.#acquire()
    return this.#loadMany(namespace, keys, missing, values, shared).finally(() => this.#done(shared))
  }

  range(namespace: string, start: string, end: string): StateIterator {
    const shared = this.#acquire()
    return this.#iterate(namespace, start, end, shared, () => this.#done(shared))
  }

  snapshot(): StateSnapshot {
    const shared = this.#acquire()
    let released = false
    const check = (): void => {
      if (released) throw new StateError('STATE_SNAPSHOT_RELEASED', 'the snapshot was released')
    }
    return {
      height: shared.height,
      get: (namespace, key) => {
        check()
        return this.#getAt(namespace, key, shared)
      },
      getMany: (namespace, keys) => {
        check()
        return keys.map((key) => this.#getAt(namespace, key, shared))
      },
      range: (namespace, start, end) => {
        check()
        shared.hold()
        return this.#iterate(namespace, start, end, shared, () => this.#drop(shared))
      },
      release: () => {
        if (released) return
        released = true
        this.#done(shared)
      },
    }
  }

  async commit(writes: readonly StateWrite[], savePoint: Height): Promise<void> {
    const store = this.#open()
    const last = this.#savePoint
    if (this.#committing || (last !== undefined && !isAbove(savePoint, last))) {
      const data = { savePoint, last }
      throw new StateError(
        'STATE_DB_NOT_ASCENDING',
        `batch at block ${savePoint.blockNumber}, state at ${last?.blockNumber}`,
        data,
      )
    }
    const before = this.#share()
    this.#committing = true
    try {
      const batch = store.batch()
      this.#fill(batch, writes)
      batch.put(SAVE_POINT, encodeHeight(savePoint))
      await store.write(batch)
      this.#batch++
      this.#savePoint = savePoint
      this.#latest = undefined
      for (let i = 0; i < writes.length; i++) {
        const { namespace, key, value, metadata, version } = writes[i]!
        this.#cache.store(namespace, key, value && { value, metadata, version }, this.#batch)
      }
    } catch (error) {
      throw this.#error(error)
    } finally {
      this.#committing = false
      this.#drop(before)
    }
  }

  async *entries(): AsyncIterable<StateWrite & { value: Uint8Array }> {
    const shared = this.#acquire()
    const iterator = this.#open().db.iterator({ gte: 's', lt: 't', snapshot: shared.level, highWaterMarkBytes: 1 << 20 })
    try {
      for (let page = await iterator.nextv(1000); page.length > 0; page = await iterator.nextv(1000)) {
        for (const [stored, bytes] of page) {
          const { name, rest } = splitName(stored.slice(1))
          yield { namespace: name, key: rest, ...this.#decode(bytes, name, rest) }
        }
      }
    } catch (error) {
      throw this.#error(error)
    } finally {
      await iterator.close()
      this.#done(shared)
    }
  }

  #fill(batch: LevelBatch, writes: readonly StateWrite[]): void {
    for (let i = 0; i < writes.length; i++) {
      const write = writes[i]!
      const key = this.#prefix(write.namespace) + write.key
      if (write.value === undefined) batch.del(key)
      else batch.put(key, encodeValue(write.value, write.metadata, write.version))
    }
  }

  #getAt(namespace: string, key: string, shared: SharedSnapshot): VersionedValue | undefined {
    const cached = this.#cache.get(namespace, key)
    if (cached !== undefined && cached.since <= shared.batch) return cached.value
    const value = this.#load(namespace, key, shared)
    if (shared.batch === this.#batch) this.#cache.store(namespace, key, value, shared.batch)
    return value
  }

  #load(namespace: string, key: string, shared: SharedSnapshot | undefined): VersionedValue | undefined {
    const { db } = this.#open()
    let bytes: Buffer | undefined
    try {
      const stored = this.#prefix(namespace) + key
      bytes = shared === undefined ? db.getSync(stored) : db.getSync(stored, { snapshot: shared.level } as never)
    } catch (error) {
      throw this.#error(error)
    }
    return bytes && this.#decode(bytes, namespace, key)
  }

  async #loadMany(
    namespace: string,
    keys: readonly string[],
    missing: readonly number[],
    values: (VersionedValue | undefined)[],
    shared: SharedSnapshot,
  ): Promise<(VersionedValue | undefined)[]> {
    const prefix = this.#prefix(namespace)
    let found: (Buffer | undefined)[]
    try {
      found = await this.#open().db.getMany(
        missing.map((i) => prefix + keys[i]!),
        { snapshot: shared.level } as never,
      )
    } catch (error) {
      throw this.#error(error)
    }
    for (let j = 0; j < missing.length; j++) {
      const i = missing[j]!
      const bytes = found[j]
      values[i] = bytes && this.#decode(bytes, namespace, keys[i]!)
      // A commit may have come in between: what was read is not the latest then.
      if (shared.batch === this.#batch) this.#cache.store(namespace, keys[i]!, values[i], shared.batch)
    }
    return values
  }

  #iterate(namespace: string, start: string, end: string, shared: SharedSnapshot, done: () => void): StateIterator {
    const prefix = this.#prefix(namespace)
    const limit = end === '' ? `s${nameEnd(namespace)}` : prefix + end
    const iterator = this.#open().db.iterator({
      gte: prefix + start,
      lt: limit,
      snapshot: shared.level,
      highWaterMarkBytes: 256 << 10,
    })
    let closed = false
    const close = async (): Promise<void> => {
      if (closed) return
      closed = true
      await iterator.close()
      done()
    }
    return {
      next: async (count: number): Promise<readonly KeyedValue[]> => {
        if (closed || count <= 0) return []
        let page: [string, Buffer][]
        try {
          page = await iterator.nextv(count)
        } catch (error) {
          throw this.#error(error)
        }
        // At the end it closes by itself.
        if (page.length === 0) await close()
        return page.map(([stored, bytes]) => {
          const key = stored.slice(prefix.length)
          const { value, metadata, version } = this.#decode(bytes, namespace, key)
          return { key, value, metadata, version }
        })
      },
      close,
    }
  }

  #prefix(namespace: string): string {
    let prefix = this.#prefixes.get(namespace)
    if (prefix === undefined) {
      prefix = `s${nameKey(namespace)}`
      if (this.#prefixes.size > 10_000) this.#prefixes.clear()
      this.#prefixes.set(namespace, prefix)
    }
    return prefix
  }

  #decode(bytes: Uint8Array, namespace: string, key: string): VersionedValue {
    try {
      return decodeValue(bytes)
    } catch (error) {
      throw new StateError(
        'STATE_DB_CORRUPT',
        `the value of ${JSON.stringify(key)} is damaged`,
        { namespace, key },
        { cause: error },
      )
    }
  }

  /** The shared snapshot of the latest batch, held once more. */
  #share(): SharedSnapshot {
    const { db } = this.#open()
    if (this.#latest === undefined) this.#latest = new SharedSnapshot(db.snapshot(), this.#batch, this.#savePoint)
    this.#latest.hold()
    return this.#latest
  }

  #acquire(): SharedSnapshot {
    if (this.#readers >= MAX_READERS) {
      throw new StateError('STATE_TOO_MANY_SNAPSHOTS', `${MAX_READERS} snapshots and ranges are open`, { limit: MAX_READERS })
    }
    const shared = this.#share()
    this.#readers++
    return shared
  }

  #done(shared: SharedSnapshot): void {
    this.#readers--
    this.#drop(shared)
  }

  #drop(shared: SharedSnapshot): void {
    if (shared.drop() && this.#latest === shared) this.#latest = undefined
  }

  #open(): LevelStore {
    if (this.#store === undefined) throw new StateError('STATE_DB_CLOSED', 'the state database is not open')
    return this.#store
  }

  #error(error: unknown): StateError {
    if (error instanceof StateError) return error as StateError
    const failure = levelFailure(error)
    const data = { folder: this.#path }
    const options = { cause: error }
    if (failure.kind === 'locked') return new StateError('STATE_DB_LOCKED', `${this.#path} is open elsewhere`, data, options)
    if (failure.kind === 'format') return new StateError('STATE_DB_FORMAT_UNKNOWN', failure.message, data, options)
    if (failure.kind === 'closed') return new StateError('STATE_DB_CLOSED', 'the state database is closed', data, options)
    const what = `${this.#path}: ${failure.message}`
    if (failure.kind === 'failed') return new StateError('STATE_DB_FAILED', what, data, options)
    return new StateError('STATE_DB_CORRUPT', `${what}. Remove the folder: it is rebuilt from the blocks`, data, options)
  }
}

function isAbove(a: Height, b: Height): boolean {
  return a.blockNumber > b.blockNumber || (a.blockNumber === b.blockNumber && a.txNumber > b.txNumber)
}
