import { sortUtf8 } from '../../model/utf8.ts'
import type { Height, Namespace, StateWrite } from '../../ports/state-db.ts'

/**
 * What the valid transactions of a block write, one final entry a key. Later transactions of the block see it as pending; the commit
 * turns it into one batch.
 */
export class UpdateBatch {
  private readonly byNamespace = new Map<Namespace, Map<string, StateWrite>>()
  private readonly sorted = new Map<Namespace, readonly string[]>()
  private count = 0

  get size(): number {
    return this.count
  }

  /** @param value undefined deletes the key */
  set(namespace: Namespace, key: string, value: Uint8Array | undefined, metadata: Uint8Array | undefined, version: Height): void {
    let updates = this.byNamespace.get(namespace)
    if (updates === undefined) {
      updates = new Map()
      this.byNamespace.set(namespace, updates)
    }
    const before = updates.size
    updates.set(key, { namespace, key, value, metadata, version })
    if (updates.size !== before) {
      this.count++
      this.sorted.delete(namespace)
    }
  }

  get(namespace: Namespace, key: string): StateWrite | undefined {
    return this.byNamespace.get(namespace)?.get(key)
  }

  /** Deletions count. */
  has(namespace: Namespace, key: string): boolean {
    return this.byNamespace.get(namespace)?.has(key) === true
  }

  touches(namespace: Namespace): boolean {
    return this.byNamespace.has(namespace)
  }

  /** Namespaces with updates, in byte order; those of hashed collections follow their chaincode's. */
  namespaces(): Namespace[] {
    return sortUtf8([...this.byNamespace.keys()])
  }

  /** Namespaces of hashed collections, in no particular order. */
  hashedNamespaces(): Namespace[] {
    const hashed: Namespace[] = []
    for (const namespace of this.byNamespace.keys()) if (namespace.includes('\u0000')) hashed.push(namespace)
    return hashed
  }

  /** Updated keys of a namespace in byte order. */
  sortedKeys(namespace: Namespace): readonly string[] {
    let keys = this.sorted.get(namespace)
    if (keys === undefined) {
      keys = sortUtf8([...(this.byNamespace.get(namespace)?.keys() ?? [])])
      this.sorted.set(namespace, keys)
    }
    return keys
  }

  /** All updates, in no particular order. */
  writes(): StateWrite[] {
    const writes: StateWrite[] = []
    for (const updates of this.byNamespace.values()) for (const write of updates.values()) writes.push(write)
    return writes
  }
}
