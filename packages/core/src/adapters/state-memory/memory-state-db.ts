import { compareUtf8 } from '../../model/utf8.ts'
import type {
  Height,
  KeyedValue,
  StateDB,
  StateIterator,
  StateSnapshot,
  StateWrite,
  VersionedValue,
} from '../../ports/state-db.ts'
import { StateError } from './errors.ts'
import { SortedKeys } from './sorted-keys.ts'
import { ValuePool } from './value-pool.ts'

/** Snapshots at distinct heights that may be open at once: more means that someone forgets to release them. */
const MAX_SNAPSHOTS = 4096

/** One version of a key. The newest stands first; older ones hang behind it while a snapshot may still see them. */
class Version implements VersionedValue {
  readonly value: Uint8Array
  readonly metadata: Uint8Array | undefined
  readonly version: Height
  /** Number of the batch that wrote it. */
  readonly batch: number
  /** True for a deletion: `value` means nothing then. */
  readonly deleted: boolean
  older: Version | undefined

  constructor(value: Uint8Array, metadata: Uint8Array | undefined, version: Height, batch: number, deleted: boolean) {
    this.value = value
    this.metadata = metadata
    this.version = version
    this.batch = batch
    this.deleted = deleted
    this.older = undefined
  }
}

interface Slot {
  readonly key: string
  newest: Version
  /** Waits in the list of slots to tidy. */
  queued: boolean
}

class NamespaceState {
  readonly slots = new Map<string, Slot>()
  readonly order = new SortedKeys()
}

const NOTHING = new Uint8Array(0)

/**
 * World state in memory.
 *
 * A key has a chain of versions, of which only those are kept that an open snapshot can see. So a snapshot costs nothing but a number, a
 * commit costs its writes, whatever the number of keys, and neither waits for the other.
 */
export class MemoryStateDB implements StateDB {
  readonly capabilities = { snapshot: true, richQuery: false, durable: false }
  readonly #namespaces = new Map<string, NamespaceState>()
  readonly #values = new ValuePool()
  #batch = 0
  #savePoint: Height | undefined
  /** Open snapshots by the batch they see, with a count of holders, in ascending order of batch (insertion order). */
  readonly #open = new Map<number, number>()
  /** Slots that hold older versions or deletions, in the order in which they may be tidied. */
  #untidy: { readonly namespace: NamespaceState; readonly slot: Slot; readonly batch: number }[] = []
  #tidied = 0

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  savePoint(): Height | undefined {
    return this.#savePoint
  }

  get(namespace: string, key: string): VersionedValue | undefined {
    const newest = this.#namespaces.get(namespace)?.slots.get(key)?.newest
    return newest === undefined || newest.deleted ? undefined : newest
  }

  getMany(namespace: string, keys: readonly string[]): (VersionedValue | undefined)[] {
    const slots = this.#namespaces.get(namespace)?.slots
    const values = new Array<VersionedValue | undefined>(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const newest = slots?.get(keys[i]!)?.newest
      values[i] = newest === undefined || newest.deleted ? undefined : newest
    }
    return values
  }

  range(namespace: string, start: string, end: string): StateIterator {
    // An iterator sees the state of its creation, as LevelDB's do.
    const snapshot = this.snapshot()
    const iterator = snapshot.range(namespace, start, end)
    let open = true
    const close = (): void => {
      open = false
      snapshot.release()
    }
    return {
      next: (count) => {
        const page = open ? iterator.next(count) : []
        // At the end it closes by itself.
        if (page.length === 0 && count > 0) close()
        return page
      },
      close,
    }
  }

  snapshot(): MemorySnapshot {
    const holders = this.#open.get(this.#batch)
    if (holders === undefined && this.#open.size >= MAX_SNAPSHOTS) {
      throw new StateError('STATE_TOO_MANY_SNAPSHOTS', `more than ${MAX_SNAPSHOTS} snapshots are open`, { limit: MAX_SNAPSHOTS })
    }
    this.#open.set(this.#batch, (holders ?? 0) + 1)
    return new MemorySnapshot(this.#namespaces, this.#batch, this.#savePoint, (batch) => this.#release(batch))
  }

  commit(writes: readonly StateWrite[], savePoint: Height): void {
    const last = this.#savePoint
    if (last !== undefined && !isAbove(savePoint, last)) {
      throw new StateError('STATE_DB_NOT_ASCENDING', `batch at block ${savePoint.blockNumber}, state at ${last.blockNumber}`)
    }
    const batch = ++this.#batch
    const newestSnapshot = lastKey(this.#open)
    let name: string | undefined
    let namespace: NamespaceState | undefined
    for (let i = 0; i < writes.length; i++) {
      const write = writes[i]!
      if (write.namespace !== name) {
        name = write.namespace
        namespace = this.#namespaces.get(name)
        if (namespace === undefined) {
          namespace = new NamespaceState()
          this.#namespaces.set(name, namespace)
        }
      }
      this.#apply(namespace!, write, batch, newestSnapshot)
    }
    this.#savePoint = savePoint
    if (newestSnapshot === undefined) this.#tidy()
  }

  async *entries(): AsyncIterable<StateWrite & { value: Uint8Array }> {
    const snapshot = this.snapshot()
    try {
      const names = [...this.#namespaces.keys()].sort(compareUtf8)
      for (const namespace of names) {
        const iterator = snapshot.range(namespace, '', '')
        for (let page = iterator.next(256); page.length > 0; page = iterator.next(256)) {
          for (const { key, value, metadata, version } of page) yield { namespace, key, value, metadata, version }
        }
      }
    } finally {
      snapshot.release()
    }
  }

  /**
   * Takes the state back to a snapshot of this database that is still open: for tests that start again from a prepared network.
   * Cost: the keys written since. Newer snapshots must have been released.
   */
  revert(to: StateSnapshot): void {
    if (!(to instanceof MemorySnapshot) || lastKey(this.#open) !== to.batch) {
      throw new StateError('STATE_SNAPSHOT_RELEASED', 'a state goes back only to its own snapshot, with no newer one open')
    }
    for (let i = this.#tidied; i < this.#untidy.length; i++) {
      const { namespace, slot } = this.#untidy[i]!
      let version: Version | undefined = slot.newest
      while (version !== undefined && version.batch > to.batch) version = version.older
      slot.newest = version ?? new Version(NOTHING, undefined, slot.newest.version, 0, true)
      // What stays queued is tidied as ever; a key that did not exist goes now.
      if (version === undefined && namespace.slots.get(slot.key) === slot) {
        namespace.slots.delete(slot.key)
        namespace.order.remove(slot.key)
      }
    }
    // Heights start again below; batch numbers of this object never do, so that no old snapshot can be mistaken.
    this.#savePoint = to.height
  }

  #apply(namespace: NamespaceState, write: StateWrite, batch: number, newestSnapshot: number | undefined): void {
    const value = write.value
    const deleted = value === undefined
    const version = new Version(
      deleted ? NOTHING : this.#values.copy(value),
      deleted ? undefined : write.metadata && this.#values.copy(write.metadata),
      write.version,
      batch,
      deleted,
    )
    let slot = namespace.slots.get(write.key)
    if (slot === undefined) {
      if (deleted) return
      slot = { key: write.key, newest: version, queued: false }
      namespace.slots.set(write.key, slot)
      namespace.order.add(write.key)
      // Reverting needs to find keys that a snapshot does not have.
      if (newestSnapshot !== undefined) this.#queue(namespace, slot, batch)
      return
    }
    const previous = slot.newest
    // Every open snapshot is below this batch: the previous version is seen by one of them exactly if the newest of them sees it.
    version.older = newestSnapshot !== undefined && previous.batch <= newestSnapshot ? previous : previous.older
    slot.newest = version
    if (deleted || version.older !== undefined || newestSnapshot !== undefined) this.#queue(namespace, slot, batch)
  }

  #queue(namespace: NamespaceState, slot: Slot, batch: number): void {
    if (slot.queued) return
    slot.queued = true
    this.#untidy.push({ namespace, slot, batch })
  }

  #release(batch: number): void {
    const holders = this.#open.get(batch)
    if (holders === undefined) return
    if (holders > 1) {
      this.#open.set(batch, holders - 1)
      return
    }
    const oldest = firstKey(this.#open)
    this.#open.delete(batch)
    if (oldest === batch) this.#tidy()
  }

  /** Drops versions that no snapshot can see any more; each slot is visited once for each time it was queued. */
  #tidy(): void {
    const oldest = firstKey(this.#open) ?? this.#batch
    const queue = this.#untidy
    let i = this.#tidied
    const end = queue.length
    for (; i < end; i++) {
      const { namespace, slot, batch } = queue[i]!
      if (batch > oldest) break
      slot.queued = false
      if (slot.newest.batch > oldest) {
        this.#queue(namespace, slot, slot.newest.batch)
        continue
      }
      slot.newest.older = undefined
      if (slot.newest.deleted && namespace.slots.get(slot.key) === slot) {
        namespace.slots.delete(slot.key)
        namespace.order.remove(slot.key)
      }
    }
    this.#tidied = i
    if (i > 1024 && i * 2 > queue.length) {
      this.#untidy = queue.slice(i)
      this.#tidied = 0
    } else if (i === queue.length) {
      queue.length = 0
      this.#tidied = 0
    }
  }
}

class MemorySnapshot implements StateSnapshot {
  readonly height: Height | undefined
  readonly batch: number
  readonly #namespaces: ReadonlyMap<string, NamespaceState>
  readonly #onRelease: (batch: number) => void
  #released = false

  constructor(
    namespaces: ReadonlyMap<string, NamespaceState>,
    batch: number,
    height: Height | undefined,
    onRelease: (batch: number) => void,
  ) {
    this.#namespaces = namespaces
    this.batch = batch
    this.height = height
    this.#onRelease = onRelease
  }

  get(namespace: string, key: string): VersionedValue | undefined {
    this.#check()
    return this.#see(this.#namespaces.get(namespace)?.slots.get(key))
  }

  getMany(namespace: string, keys: readonly string[]): (VersionedValue | undefined)[] {
    this.#check()
    const slots = this.#namespaces.get(namespace)?.slots
    return keys.map((key) => this.#see(slots?.get(key)))
  }

  range(namespace: string, start: string, end: string): { next(count: number): readonly KeyedValue[]; close(): void } {
    this.#check()
    let position = start
    let after = false
    let ended = end !== '' && compareUtf8(start, end) >= 0
    return {
      next: (count: number): readonly KeyedValue[] => {
        this.#check()
        const state = this.#namespaces.get(namespace)
        const page: KeyedValue[] = []
        if (ended || state === undefined || count <= 0) return page
        // The walk starts anew on each page, as commits may have moved the keys meanwhile.
        for (const key of state.order.from(position, after)) {
          if (end !== '' && compareUtf8(key, end) >= 0) break
          const seen = this.#see(state.slots.get(key))
          if (seen === undefined) continue
          page.push({ key, value: seen.value, metadata: seen.metadata, version: seen.version })
          if (page.length === count) {
            position = key
            after = true
            return page
          }
        }
        ended = true
        return page
      },
      close: () => {
        ended = true
      },
    }
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#onRelease(this.batch)
  }

  #see(slot: Slot | undefined): VersionedValue | undefined {
    let version = slot?.newest
    while (version !== undefined && version.batch > this.batch) version = version.older
    return version === undefined || version.deleted ? undefined : version
  }

  #check(): void {
    if (this.#released) throw new StateError('STATE_SNAPSHOT_RELEASED', 'the snapshot was released')
  }
}

function isAbove(a: Height, b: Height): boolean {
  return a.blockNumber > b.blockNumber || (a.blockNumber === b.blockNumber && a.txNumber > b.txNumber)
}

function firstKey(map: ReadonlyMap<number, number>): number | undefined {
  for (const key of map.keys()) return key
  return undefined
}

function lastKey(map: ReadonlyMap<number, number>): number | undefined {
  let last: number | undefined
  for (const key of map.keys()) last = key
  return last
}
