import type { Block } from '../../model/block.ts'
import type { BlockStore } from '../../ports/block-store.ts'

/** Most blocks of one append: the readers of the first should not wait for the last of a long queue. */
const GROUP_BLOCKS = 64

/** A block on its way to the disk. */
interface Waiting {
  readonly number: number
  /** Set when signatures (and, for a config block, its second check) are there. */
  sealed: Block | undefined
  readonly done: PromiseWithResolvers<void>
}

/**
 * Brings blocks to the disk in order: each waits for its signature, which is made meanwhile; those that are ready go in groups with one
 * datasync. The first failure is final, as a failed datasync must be.
 */
export class BlockWriter {
  /** Blocks that are durable: the next one's number. */
  height: number
  private readonly store: BlockStore
  private readonly onDurable: (blocks: readonly Block[]) => void
  private readonly onFailure: (error: Error) => void
  private readonly queue: Waiting[] = []
  private writing: Promise<void> | undefined
  private failure: Error | undefined

  constructor(store: BlockStore, onDurable: (blocks: readonly Block[]) => void, onFailure: (error: Error) => void) {
    this.store = store
    this.height = store.height
    this.onDurable = onDurable
    this.onFailure = onFailure
  }

  /** Blocks that wait for signature or disk. */
  get waiting(): number {
    return this.queue.length
  }

  /**
   * @param sealing the block with its metadata complete
   * @returns resolves when the block is durable
   */
  push(number: number, sealing: Block | Promise<Block>): Promise<void> {
    const done = Promise.withResolvers<void>()
    // Whoever decides need not look at the outcome: a failure halts the channel anyway.
    done.promise.catch(ignore)
    if (this.failure !== undefined) {
      done.reject(this.failure)
      return done.promise
    }
    const waiting: Waiting = { number, sealed: undefined, done }
    this.queue.push(waiting)
    if (sealing instanceof Promise) {
      sealing.then(
        (block) => {
          waiting.sealed = block
          this.write()
        },
        (error) => this.fail(error),
      )
    } else {
      waiting.sealed = sealing
      this.write()
    }
    return done.promise
  }

  /** Resolves when a block that was pushed, or stored before, is durable. */
  durable(number: number): Promise<void> {
    if (number < this.height) return Promise.resolve()
    const waiting = this.queue.find((each) => each.number === number)
    return waiting?.done.promise ?? Promise.reject(this.failure ?? new RangeError(`no block ${number}`))
  }

  /** Waits for the append under way, then refuses everything that is left. */
  async stop(reason: Error): Promise<void> {
    while (this.writing !== undefined && this.failure === undefined) await this.writing
    this.refuse(reason)
  }

  private write(): void {
    if (this.writing !== undefined || this.failure !== undefined || this.queue[0]?.sealed === undefined) return
    this.writing = this.writeGroups().finally(() => {
      this.writing = undefined
      this.write()
    })
  }

  private async writeGroups(): Promise<void> {
    const group: Block[] = []
    for (const { sealed } of this.queue) {
      if (sealed === undefined || group.length === GROUP_BLOCKS) break
      group.push(sealed)
    }
    try {
      await (group.length === 1 ? this.store.append(group[0]!) : this.store.appendAll(group))
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (this.failure !== undefined) return
    this.height += group.length
    // Readers first: who hears of a durable block must find it.
    this.onDurable(group)
    for (const { done } of this.queue.splice(0, group.length)) done.resolve()
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return
    this.refuse(error)
    this.onFailure(error)
  }

  private refuse(error: Error): void {
    this.failure ??= error
    for (const { done } of this.queue.splice(0)) done.reject(this.failure)
  }
}

function ignore(): void {}
