import type { VersionedValue } from '../../ports/state-db.ts'
import { ValuePool } from '../state-memory/value-pool.ts'

/** What is known of a key: its committed value, or that it has none. */
export interface CachedValue {
  readonly value: VersionedValue | undefined
  /** Number of a batch since which it has not changed. */
  readonly since: number
}

/** Estimated bytes that an entry costs beside key and value. */
const OVERHEAD = 160

type Generation = Map<string, Map<string, CachedValue>>

/**
 * Latest committed values, bounded by bytes, in two generations: what is used moves to the young one; when that is full it becomes the
 * old one, and what was in the old one and not used since is forgotten. A hit costs no reordering, unlike in an LRU list.
 */
export class ValueCache {
  readonly #limit: number
  #young: Generation = new Map()
  #old: Generation = new Map()
  #bytes = 0
  /** Values of one generation lie together and go together. */
  readonly #pool = new ValuePool()

  /** `bytes` is the limit of both generations together. */
  constructor(bytes: number) {
    this.#limit = bytes / 2
  }

  get(namespace: string, key: string): CachedValue | undefined {
    const young = this.#young.get(namespace)?.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(namespace)?.get(key)
    if (old !== undefined) this.store(namespace, key, old.value, old.since)
    return old
  }

  /** Keeps a copy of a value: what is given may be part of something larger. */
  store(namespace: string, key: string, value: VersionedValue | undefined, since: number): void {
    this.#keep(namespace, key, value && this.#copy(value), since)
  }

  #keep(namespace: string, key: string, value: VersionedValue | undefined, since: number): void {
    let keys = this.#young.get(namespace)
    if (keys === undefined) {
      keys = new Map()
      this.#young.set(namespace, keys)
    }
    // An overwritten entry is counted twice, which only ends the generation a little early.
    this.#bytes += OVERHEAD + key.length + (value === undefined ? 0 : value.value.length + (value.metadata?.length ?? 0))
    keys.set(key, { value, since })
    if (this.#bytes < this.#limit) return
    this.#old = this.#young
    this.#young = new Map()
    this.#bytes = 0
  }

  #copy({ value, metadata, version }: VersionedValue): VersionedValue {
    return { value: this.#pool.copy(value), metadata: metadata && this.#pool.copy(metadata), version }
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#bytes = 0
  }
}
