import type { Block } from '@heddle/core/model'
import type { BlockStore } from '@heddle/core/plugin'

/** A block store whose every durable block somebody hears of, before who stored it does. */
export class RecordingStore implements BlockStore {
  readonly #store: BlockStore
  readonly #stored: (blocks: readonly Block[]) => void

  constructor(store: BlockStore, stored: (blocks: readonly Block[]) => void) {
    this.#store = store
    this.#stored = stored
  }

  get height(): number {
    return this.#store.height
  }

  get lastHash(): Uint8Array | undefined {
    return this.#store.lastHash
  }

  async append(block: Block): Promise<void> {
    await this.#store.append(block)
    this.#stored([block])
  }

  async appendAll(blocks: readonly Block[]): Promise<void> {
    await this.#store.appendAll(blocks)
    this.#stored(blocks)
  }

  get(number: number) {
    return this.#store.get(number)
  }

  byHash(hash: Uint8Array) {
    return this.#store.byHash(hash)
  }

  transaction(txId: string) {
    return this.#store.transaction(txId)
  }

  knownTransactions(txIds: readonly string[]) {
    return this.#store.knownTransactions(txIds)
  }

  read(from: number, to?: number) {
    return this.#store.read(from, to)
  }

  close() {
    return this.#store.close()
  }
}
