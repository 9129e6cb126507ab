import type { Block } from '@heddle/core/model'
import type { BlockFinding, Logger, PeerChannelHost } from '@heddle/core/plugin'

export type ChainHost = Pick<PeerChannelHost, 'height' | 'examine' | 'receive' | 'block' | 'forked'>

/**
 * What became of a block: `accepted` follows the chain; `known` is held already; `ahead` leaves a gap; `refused` is forged or damaged;
 * `forked` is validly signed and contradicts what is held; `full` found no room; `stopped` came after the end.
 */
export type Taken = 'accepted' | 'known' | 'ahead' | 'refused' | 'forked' | 'full' | 'stopped'

export interface ChainLimits {
  /** Blocks that were checked and wait for the peer. */
  readonly blocks: number
  readonly bytes: number
  /** Blocks that wait to be checked. */
  readonly unchecked: number
}

export interface ChainParts {
  readonly host: ChainHost
  readonly limits: ChainLimits
  readonly logger: Logger
  /** A block was checked and will be committed. */
  readonly onAccepted: (block: Block, from: string) => void
  /** Two blocks of one height that the orderers signed. Resolves when the evidence is safe. */
  readonly onFork: (held: Block, other: Block, from: string) => Promise<void>
  /** The peer takes no more blocks: its channel halted or stops. */
  readonly onEnded: () => void
}

/** Hashes of late headers at hand, so that most copies are known without a trip to the disk. */
const RECENT_HEADERS = 512

interface Waiting {
  readonly block: Block
  readonly from: string
  readonly size: number
}

/**
 * The end of a channel's chain as far as it was checked here, and the way from there into the peer.
 *
 * Blocks come from several sides at once; one after the other is checked against the last that was found good, may be passed on to others
 * from then on, and waits in a bounded queue until the peer has room.
 */
export class Chain {
  private readonly parts: ChainParts
  private tip: Block | undefined
  private readonly headers = new Map<number, Uint8Array>()
  private readonly queue: Waiting[] = []
  private queuedBytes = 0
  private turn: Promise<unknown> = Promise.resolve()
  private unchecked = 0
  private feeding: Promise<void> | undefined
  private roomWaiters: (() => void)[] = []
  private advanceWaiters: (() => void)[] = []
  private ended = false
  /** Examinations that were begun ahead of their turn. */
  private readonly prepared = new WeakMap<Block, { readonly after: Block; readonly found: Promise<BlockFinding | undefined> }>()

  constructor(parts: ChainParts) {
    this.parts = parts
  }

  /** Number of the next block that would be accepted. */
  get next(): number {
    const { host } = this.parts
    // The peer may get blocks past this plugin.
    if (this.tip !== undefined && host.height > this.tip.number + 1) this.tip = undefined
    return this.tip === undefined ? host.height : this.tip.number + 1
  }

  get isFull(): boolean {
    const { limits } = this.parts
    return this.queue.length >= limits.blocks || this.queuedBytes >= limits.bytes
  }

  get waiting(): number {
    return this.queue.length
  }

  /**
   * Checks a block and hands it on.
   *
   * @param patient waits for room instead of answering `full`
   */
  async take(block: Block, from: string, patient = false): Promise<Taken> {
    if (this.ended) return 'stopped'
    if (block.number > this.next) return 'ahead'
    if (this.unchecked >= this.parts.limits.unchecked && !patient) return 'full'
    this.unchecked++
    const mine = this.turn.then(() => this.check(block, from, patient))
    this.turn = mine.catch(() => {})
    try {
      return await mine
    } catch (error) {
      this.fail(error)
      return 'stopped'
    } finally {
      this.unchecked--
    }
  }

  /**
   * Begins to examine a block that will be taken after another one: signatures of several are checked at once. Only a good outcome is used,
   * since the configuration may change in between; the peer looks again where it has.
   */
  prepare(block: Block, after: Block): void {
    if (this.ended || this.prepared.has(block) || block.number !== after.number + 1) return
    const found = this.parts.host.examine(block, { after }).catch(() => undefined)
    this.prepared.set(block, { after, found })
  }

  /** Resolves when `next` has moved, or the chain ended. */
  advance(): Promise<void> {
    if (this.ended) return Promise.resolve()
    return new Promise((resolve) => this.advanceWaiters.push(resolve))
  }

  async stop(): Promise<void> {
    this.ended = true
    this.wake()
    await this.turn
    await this.feeding
    this.queue.length = 0
  }

  private async check(block: Block, from: string, patient: boolean): Promise<Taken> {
    while (patient && this.isFull && !this.ended) await new Promise<void>((resolve) => this.roomWaiters.push(resolve))
    if (this.ended) return 'stopped'
    const { next } = this
    if (block.number > next) return 'ahead'
    if (block.number < next) return this.compare(block, from)
    if (this.isFull) return 'full'
    const { tip } = this
    const prepared = this.prepared.get(block)
    const early = prepared !== undefined && prepared.after === tip ? await prepared.found : undefined
    const found = early === 'good' ? early : await this.parts.host.examine(block, tip === undefined ? {} : { after: tip })
    if (this.ended) return 'stopped'
    if (found === 'not-next') return block.number < this.next ? this.compare(block, from) : 'ahead'
    if (found === 'bad') return 'refused'
    if (found === 'forked') {
      const held = tip ?? (await this.parts.host.block(block.number - 1))
      if (held === undefined) return 'refused'
      await this.parts.onFork(held, block, from)
      return 'forked'
    }
    this.accept(block, from)
    return 'accepted'
  }

  private accept(block: Block, from: string): void {
    this.tip = block
    this.headers.set(block.number, block.hash())
    if (this.headers.size > RECENT_HEADERS) this.headers.delete(this.headers.keys().next().value!)
    const size = sizeOf(block)
    this.queue.push({ block, from, size })
    this.queuedBytes += size
    this.parts.onAccepted(block, from)
    const waiters = this.advanceWaiters
    this.advanceWaiters = []
    for (const resolve of waiters) resolve()
    this.feeding ??= this.feed()
  }

  /** A block of a height that is held: the same, a forgery, or proof that the orderers signed two. */
  private async compare(block: Block, from: string): Promise<Taken> {
    const { host } = this.parts
    const known = this.headers.get(block.number)
    if (known !== undefined && Buffer.compare(known, block.hash()) === 0) return 'known'
    const held = this.queue.find((each) => each.block.number === block.number)?.block ?? (await host.block(block.number))
    // Between the queue and the store: it is being committed.
    if (held === undefined) return 'known'
    this.headers.set(block.number, held.hash())
    if (Buffer.compare(held.hash(), block.hash()) === 0) return 'known'
    const parent = block.number === 0 ? undefined : await host.block(block.number - 1)
    if (parent === undefined) return 'refused'
    const found = await host.examine(block, { after: parent })
    if (found !== 'good' && found !== 'forked') return 'refused'
    await this.parts.onFork(held, block, from)
    return 'forked'
  }

  private async feed(): Promise<void> {
    const { host, logger } = this.parts
    try {
      for (let next = this.queue[0]; next !== undefined && !this.ended; next = this.queue[0]) {
        const verdict = await host.receive(next.block, next.from)
        if (verdict === 'refused' || verdict === 'ahead') {
          logger.warn(
            { block: next.block.number, from: next.from, verdict },
            'the peer did not take a block that had been checked',
          )
          this.queue.length = 0
          this.queuedBytes = 0
          this.tip = undefined
        } else {
          this.queue.shift()
          this.queuedBytes -= next.size
        }
        this.wakeRoom()
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.feeding = undefined
      if (this.ended) this.wake()
    }
  }

  /** The peer's channel halted or stops: it says why itself. */
  private fail(error: unknown): void {
    if (this.ended) return
    this.parts.logger.debug({ err: error }, 'the channel takes no more blocks')
    this.ended = true
    this.queue.length = 0
    this.wake()
    this.parts.onEnded()
  }

  private wakeRoom(): void {
    const waiters = this.roomWaiters
    this.roomWaiters = []
    for (const resolve of waiters) resolve()
  }

  private wake(): void {
    this.wakeRoom()
    const waiters = this.advanceWaiters
    this.advanceWaiters = []
    for (const resolve of waiters) resolve()
  }
}

export function sizeOf(block: Block): number {
  let bytes = 0
  for (const entry of block.data) bytes += entry.length
  for (const slot of block.metadata) bytes += slot.length
  return bytes
}
