import type { ChannelHost } from '@heddle/core/plugin'
import type { Alarms } from '../driver/alarms.ts'

export interface BlockFollowerParts {
  readonly host: ChannelHost
  readonly alarms: Alarms
  /** Asks another orderer how long its chain is. */
  readonly ask: (member: string) => void
  /** Milliseconds between two rounds of questions. */
  readonly interval: number
}

/**
 * Keeps up with a channel without taking part in its consensus: asks the others for their heights and pulls the blocks that are missing. So
 * does a node that is no consenter (yet, or any more), and one that has heard from no leader for so long that it may have been removed.
 */
export class BlockFollower {
  readonly #parts: BlockFollowerParts
  readonly #abort = new AbortController()
  #isFollowing = false
  /** When somebody was last asked because this node seemed to be behind. */
  #hintedAt = Number.NEGATIVE_INFINITY
  #pulling: Promise<void> | undefined

  constructor(parts: BlockFollowerParts) {
    this.#parts = parts
  }

  /** Asks now, and again and again. */
  follow(): void {
    if (this.#isFollowing) return
    this.#isFollowing = true
    this.#ask()
  }

  /** Asks no more. A pull under way ends by itself. */
  rest(): void {
    this.#isFollowing = false
    this.#parts.alarms.set('follow', Number.POSITIVE_INFINITY, () => {})
  }

  /** Another orderer seems to know a later configuration: its blocks tell. Asks it at most once an interval. */
  hint(member: string): void {
    const { host, ask, interval } = this.#parts
    const now = host.environment.clock.monotonic()
    if (this.#isFollowing || now - this.#hintedAt < interval) return
    this.#hintedAt = now
    ask(member)
  }

  /** Somebody has this many durable blocks. */
  heard(height: number): void {
    const { host, interval } = this.#parts
    const isAsked = this.#isFollowing || host.environment.clock.monotonic() - this.#hintedAt < interval
    if (!isAsked || height <= host.tip.number + 1) return
    void this.pull(height - 1).catch((err: unknown) => {
      host.environment.logger.debug({ err, height }, 'missing blocks could not be had yet')
    })
  }

  /** Brings the chain up to a block. One pull at a time; rejects when the blocks could not be had. */
  async pull(to: number): Promise<void> {
    const { host } = this.#parts
    while (this.#pulling !== undefined) await this.#pulling.catch(() => {})
    if (host.tip.number >= to || this.#abort.signal.aborted) return
    this.#pulling = host.pull(host.tip.number + 1, to, this.#abort.signal)
    try {
      await this.#pulling
    } finally {
      this.#pulling = undefined
    }
  }

  async stop(): Promise<void> {
    this.rest()
    this.#abort.abort()
    await this.#pulling?.catch(() => {})
  }

  #ask(): void {
    if (!this.#isFollowing) return
    const { host, alarms, ask, interval } = this.#parts
    for (const member of host.members) if (member !== host.node) ask(member)
    alarms.set('follow', host.environment.clock.monotonic() + interval, () => this.#ask())
  }
}
