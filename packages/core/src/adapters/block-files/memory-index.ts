import type { TransactionLocation } from '../../ports/block-store.ts'
import { type BlockIndex, type IndexEntry, NONE_KNOWN } from './block-index.ts'
import type { BlockLocation } from './segment.ts'

/** Index for disks in memory, where the blocks themselves are in memory too. */
export class MemoryBlockIndex implements BlockIndex {
  readonly height = 0
  readonly #blocks: BlockLocation[] = []
  readonly #hashes = new Map<string, number>()
  readonly #transactions = new Map<string, TransactionLocation>()

  add(entry: IndexEntry): undefined {
    const { number, segment, offset, length } = entry
    this.#blocks[number] = { segment, offset, length }
    this.#hashes.set(hashKey(entry.hash), number)
    for (const { txId, txNumber, code } of entry.transactions) {
      if (!this.#transactions.has(txId)) this.#transactions.set(txId, { blockNumber: number, txNumber, code })
    }
  }

  block(number: number): BlockLocation | undefined {
    return this.#blocks[number]
  }

  numberOf(hash: Uint8Array): number | undefined {
    return this.#hashes.get(hashKey(hash))
  }

  transaction(txId: string): TransactionLocation | undefined {
    return this.#transactions.get(txId)
  }

  known(txIds: readonly string[]): ReadonlySet<string> {
    let found: Set<string> | undefined
    for (const txId of txIds) {
      if (!this.#transactions.has(txId)) continue
      found ??= new Set()
      found.add(txId)
    }
    return found ?? NONE_KNOWN
  }

  async close(): Promise<void> {}
}

export function hashKey(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('base64')
}
