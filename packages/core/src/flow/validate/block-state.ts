import { hashedNamespace } from '../../model/namespace.ts'
import type { NsRwSet, TxRwSet } from '../../model/rwset-view.ts'
import type { Namespace, StateReader, VersionedValue } from '../../ports/state-db.ts'

/** Hex of a key hash: its key in a hashed namespace. Sorts as the bytes do. */
export function keyOfHash(keyHash: Uint8Array): string {
  return Buffer.from(keyHash.buffer, keyHash.byteOffset, keyHash.byteLength).toString('hex')
}

/** Whether a namespace in a read-write set can name a chaincode's public state; U+0000 is reserved for hashed collections. */
export function isPublicNamespace(namespace: string): boolean {
  return !namespace.includes('\u0000')
}

/**
 * The committed state that a block's transactions touch, read in one go: one `getMany` for each namespace instead of a read for each
 * key. Everything that validation looks up by key was announced by a read-write set, so look-ups are synchronous.
 */
export class BlockState {
  private readonly reader: StateReader
  private readonly values = new Map<Namespace, Map<string, VersionedValue | undefined>>()

  private constructor(reader: StateReader) {
    this.reader = reader
  }

  /** @param parts which keys to load: `all` for validation, `writes` when only write sets are applied */
  static async load(reader: StateReader, rwsets: Iterable<TxRwSet>, parts: 'all' | 'writes'): Promise<BlockState> {
    const state = new BlockState(reader)
    for (const { namespaces } of rwsets) {
      for (const nsRwSet of namespaces) if (isPublicNamespace(nsRwSet.namespace)) state.announce(nsRwSet, parts === 'all')
    }
    for (const [namespace, entries] of state.values) {
      const keys = [...entries.keys()]
      const found = reader.getMany(namespace, keys)
      const values = found instanceof Promise ? await found : found
      for (let i = 0; i < keys.length; i++) entries.set(keys[i]!, values[i])
    }
    return state
  }

  get(namespace: Namespace, key: string): VersionedValue | undefined {
    return this.values.get(namespace)?.get(key)
  }

  /** The committed state itself, for ranges. */
  get committed(): StateReader {
    return this.reader
  }

  private announce({ namespace, kv, collections }: NsRwSet, reads: boolean): void {
    const entries = this.entries(namespace)
    if (reads) {
      for (let i = 0; i < kv.reads.length; i++) entries.set(kv.reads[i]!.key, undefined)
      for (const { itrExhausted, endKey } of kv.rangeQueriesInfo) if (!itrExhausted) entries.set(endKey, undefined)
    }
    for (let i = 0; i < kv.writes.length; i++) entries.set(kv.writes[i]!.key, undefined)
    for (const { key } of kv.metadataWrites) entries.set(key, undefined)
    for (const { name, hashed } of collections) {
      const hashes = this.entries(hashedNamespace(namespace, name))
      if (reads) for (const { keyHash } of hashed.hashedReads) hashes.set(keyOfHash(keyHash), undefined)
      for (const { keyHash } of hashed.hashedWrites) hashes.set(keyOfHash(keyHash), undefined)
      for (const { keyHash } of hashed.metadataWrites) hashes.set(keyOfHash(keyHash), undefined)
    }
  }

  private entries(namespace: Namespace): Map<string, VersionedValue | undefined> {
    let entries = this.values.get(namespace)
    if (entries === undefined) {
      entries = new Map()
      this.values.set(namespace, entries)
    }
    return entries
  }
}
