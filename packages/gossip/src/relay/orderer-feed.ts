import type { Block } from '@heddle/core/model'
import type { Clock, DeliverEndpoint, Logger, Random } from '@heddle/core/plugin'
import type { Chain } from './chain.ts'

export interface OrdererFeedParts {
  readonly chain: Pick<Chain, 'next' | 'take'>
  readonly orderers: () => readonly DeliverEndpoint[]
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Milliseconds before an orderer that failed is tried again, at first and at most. */
  readonly backOff: { readonly min: number; readonly max: number }
  /** Resolves when no neighbour has blocks that this peer has not, or none gives them. */
  readonly caughtUp: (signal: AbortSignal) => Promise<void>
  readonly onBlock: (block: Block) => void
}

/** What a leader does: pulls blocks from one orderer, and goes on with another when that one fails or gives a bad block. */
export class OrdererFeed {
  private readonly parts: OrdererFeedParts
  private current: { readonly abort: AbortController; readonly done: Promise<void> } | undefined
  /** The orderer that blocks come from now. */
  source: string | undefined
  /** Since when no orderer gave anything; milliseconds of the monotonic clock. */
  failingSince: number | undefined
  failures = 0
  readonly refused: Record<string, number> = {}

  constructor(parts: OrdererFeedParts) {
    this.parts = parts
  }

  start(): void {
    if (this.current !== undefined) return
    const abort = new AbortController()
    this.current = { abort, done: this.run(abort.signal) }
  }

  async stop(): Promise<void> {
    const { current } = this
    this.current = undefined
    current?.abort.abort()
    await current?.done
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { chain, orderers, backOff, random, caughtUp, clock } = this.parts
    // Leaders begin at different orderers, so that none feeds them all.
    let turn = Math.floor(random.float() * 1000)
    let wait = backOff.min
    this.failingSince = undefined
    while (!signal.aborted) {
      await caughtUp(signal)
      if (signal.aborted) return
      const list = orderers()
      const orderer = list[turn++ % Math.max(1, list.length)]
      const before = chain.next
      if (orderer !== undefined) await this.pull(orderer, signal)
      if (signal.aborted) return
      if (chain.next > before) {
        wait = backOff.min
        this.failingSince = undefined
      } else this.failingSince ??= clock.monotonic()
      if (list.length === 0 || turn % list.length === 0 || chain.next === before) {
        await this.pause(wait * (0.5 + random.float() / 2), signal)
        wait = Math.min(wait * 2, backOff.max)
      }
    }
  }

  private async pull(orderer: DeliverEndpoint, signal: AbortSignal): Promise<void> {
    const { chain, logger, onBlock } = this.parts
    // An end of its own: leaving the loop must end the orderer's side as well.
    const ended = new AbortController()
    const end = (): void => ended.abort()
    signal.addEventListener('abort', end, { once: true })
    this.source = orderer.name
    try {
      for await (const block of orderer.deliver(chain.next, ended.signal)) {
        if (signal.aborted) return
        const taken = await chain.take(block, orderer.name, true)
        if (taken === 'accepted') {
          this.failingSince = undefined
          onBlock(block)
        }
        if (taken === 'refused') {
          this.refused[orderer.name] = (this.refused[orderer.name] ?? 0) + 1
          logger.warn({ orderer: orderer.name, block: block.number }, 'refused a block; going on with another orderer')
        }
        if (taken !== 'accepted' && taken !== 'known') return
      }
    } catch (error) {
      if (signal.aborted) return
      this.failures++
      logger.debug({ orderer: orderer.name, err: error }, 'deliver ended; going on with another orderer')
    } finally {
      this.source = undefined
      signal.removeEventListener('abort', end)
      ended.abort()
    }
  }

  private pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.parts.clock.setTimer(milliseconds, done)
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
