import type { Block } from '../../model/block.ts'

/** Recent blocks up to a number of serialized bytes; what was decoded of them is not kept. The least recently used go first. */
export class BlockCache {
  readonly #capacity: number
  readonly #blocks = new Map<number, { readonly block: Block; readonly bytes: number }>()
  #bytes = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(number: number): Block | undefined {
    const entry = this.#blocks.get(number)
    if (entry === undefined) return undefined
    this.#blocks.delete(number)
    this.#blocks.set(number, entry)
    return entry.block
  }

  add(block: Block, bytes: number): void {
    if (bytes > this.#capacity || this.#blocks.has(block.number)) return
    this.#blocks.set(block.number, { block: block.undecoded(), bytes })
    this.#bytes += bytes
    for (const [number, entry] of this.#blocks) {
      if (this.#bytes <= this.#capacity) break
      this.#blocks.delete(number)
      this.#bytes -= entry.bytes
    }
  }
}
