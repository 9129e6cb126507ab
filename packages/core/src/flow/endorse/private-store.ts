import { sha256Hex } from '../../model/sha256.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { PrivateWrite } from './read-write-set.ts'

/**
 * Private values that this peer keeps, such as its organisation's approvals of chaincode definitions. They are found by their hash,
 * which the world state holds: so a value that was kept for a transaction that never committed is never seen, and no commit has to be
 * followed.
 */
export interface PrivateStore {
  /** Keeps the values of a simulated transaction; resolves when they are as durable as the store makes them. */
  keep(txId: string, writes: readonly PrivateWrite[]): Awaitable<void>
  get(namespace: string, collection: string, valueHash: Uint8Array): Awaitable<Uint8Array | undefined>
}

/** Values that a memory store keeps: the oldest go first. Approvals are few, and five values each. */
const MAX_VALUES = 100_000

/** Keeps private values in memory. A peer that keeps its ledger on disk needs a durable one. */
export class MemoryPrivateStore implements PrivateStore {
  private readonly values = new Map<string, Uint8Array>()

  keep(_txId: string, writes: readonly PrivateWrite[]): void {
    for (const { namespace, collection, value } of writes) {
      if (value === undefined) continue
      const id = `${namespace}\u0000${collection}\u0000${sha256Hex(value)}`
      // Written again, it becomes the newest.
      this.values.delete(id)
      this.values.set(id, value.slice())
    }
    for (const id of this.values.keys()) {
      if (this.values.size <= MAX_VALUES) break
      this.values.delete(id)
    }
  }

  get(namespace: string, collection: string, valueHash: Uint8Array): Uint8Array | undefined {
    return this.values.get(`${namespace}\u0000${collection}\u0000${Buffer.from(valueHash).toString('hex')}`)
  }
}
