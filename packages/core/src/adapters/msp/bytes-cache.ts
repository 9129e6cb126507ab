/** Entries that share a hash; more would only be an attack. */
const MAX_BUCKET = 4

interface Entry<V> {
  readonly key: Uint8Array
  readonly value: V
}

/**
 * A bounded map from byte strings, compared by content. Keys are hashed by a few samples and then compared, which is several times
 * cheaper than making a string of them. Holds between `capacity / 2` and `capacity` of the entries used last (two generations).
 */
export class BytesCache<V> {
  readonly #half: number
  #young = new Map<number, Entry<V>[]>()
  #old = new Map<number, Entry<V>[]>()
  #count = 0

  constructor(capacity: number) {
    this.#half = Math.max(1, capacity >> 1)
  }

  get(key: Uint8Array): V | undefined {
    const hash = sample(key)
    const found = find(this.#young.get(hash), key)
    if (found !== undefined) return found.value
    const aged = find(this.#old.get(hash), key)
    if (aged === undefined) return undefined
    this.#insert(hash, aged)
    return aged.value
  }

  /** The key is copied: callers' bytes may be views of larger buffers. */
  set(key: Uint8Array, value: V): void {
    this.#insert(sample(key), { key: Uint8Array.from(key), value })
  }

  #insert(hash: number, entry: Entry<V>): void {
    if (this.#count >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
      this.#count = 0
    }
    const bucket = this.#young.get(hash)
    if (bucket === undefined) this.#young.set(hash, [entry])
    else {
      if (bucket.length >= MAX_BUCKET) bucket.shift()
      bucket.push(entry)
    }
    this.#count++
  }
}

function find<V>(bucket: readonly Entry<V>[] | undefined, key: Uint8Array): Entry<V> | undefined {
  if (bucket === undefined) return undefined
  for (const entry of bucket) if (entry.key.length === key.length && Buffer.compare(entry.key, key) === 0) return entry
  return undefined
}

/** FNV-1a over 24 bytes spread over the key; the end of a PEM certificate is its signature, so that part is sampled densest. */
function sample(key: Uint8Array): number {
  const { length } = key
  let hash = 0x811c9dc5 ^ length
  const stride = Math.max(1, length >> 3)
  for (let i = 0; i < length; i += stride) hash = Math.imul(hash ^ key[i]!, 0x01000193)
  for (let i = Math.max(0, length - 46); i < length - 30; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193)
  return hash
}
