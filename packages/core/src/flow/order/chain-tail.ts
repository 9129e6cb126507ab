import type { Block } from '../../model/block.ts'
import type { BlockStore } from '../../ports/block-store.ts'

/** Blocks at hand, decoded, for those who follow the chain closely. Slower readers go to the store. Decoded they take ten times their bytes. */
const RECENT_BLOCKS = 12
const RECENT_BYTES = 8 * 1024 * 1024

/**
 * The durable end of the chain, for readers that follow it: they hear of new blocks and get those of late without a trip to the disk,
 * as the same decoded objects. Memory is bounded whatever readers do.
 */
export class ChainTail {
  private readonly store: BlockStore
  private readonly opened: number
  private readonly recent: Block[] = []
  private recentBytes = 0
  private readonly waiting = new Set<() => void>()
  private end: Error | undefined

  constructor(store: BlockStore) {
    this.store = store
    this.opened = store.height
  }

  /** Blocks that are durable: the number of the first that is not there yet. */
  get height(): number {
    const last = this.recent.at(-1)
    // The store counts what it was given before that is durable; only its state at the start is safe to read.
    return last === undefined ? this.opened : last.number + 1
  }

  /** The chain grew. */
  extended(blocks: readonly Block[]): void {
    for (const block of blocks) {
      this.recent.push(block)
      this.recentBytes += sizeOf(block)
    }
    while (this.recent.length > 1 && (this.recent.length > RECENT_BLOCKS || this.recentBytes > RECENT_BYTES)) {
      this.recentBytes -= sizeOf(this.recent.shift()!)
    }
    this.wake()
  }

  /** No more blocks will come: readers end, with the error if there is one, once they have read what is there. */
  close(error: Error | undefined): void {
    this.end = error ?? CLOSED
    this.wake()
  }

  /**
   * Blocks `from`..`to` in order; waits for those that do not exist yet. Ends quietly when aborted or closed.
   */
  async *follow(from: number, to: number, signal?: AbortSignal): AsyncGenerator<Block, void, undefined> {
    for (let number = from; number <= to; number++) {
      while (number >= this.height) {
        if (signal?.aborted === true || this.end === CLOSED) return
        if (this.end !== undefined) throw this.end
        await this.change(signal)
      }
      if (signal?.aborted === true) return
      const block = this.recentBlock(number) ?? (await this.store.get(number))
      if (block === undefined) throw new RangeError(`block ${number} is below the height of the chain but not in its store`)
      yield block
    }
  }

  /** A block that is at hand without a trip to the disk. */
  recentBlock(number: number): Block | undefined {
    const first = this.recent[0]
    return first === undefined ? undefined : this.recent[number - first.number]
  }

  private change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.waiting.add(done)
      signal?.addEventListener('abort', done)
    })
  }

  private wake(): void {
    for (const done of [...this.waiting]) done()
  }
}

const CLOSED = new Error('closed')

function sizeOf(block: Block): number {
  return block.data.reduce((sum, envelope) => sum + envelope.length, 0)
}
