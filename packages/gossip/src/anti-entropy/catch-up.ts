import type { Block } from '@heddle/core/model'
import { type Clock, HeddleError, type Logger, type Random, type Timer } from '@heddle/core/plugin'
import type { Chain } from '../relay/chain.ts'
import { type Pull, type PullLimits, PullPlan } from './pull-plan.ts'
import { BlockParts, type PulledBlocks } from './pull-protocol.ts'

export interface CatchUpParts {
  readonly chain: Pick<Chain, 'next' | 'take' | 'prepare'>
  readonly limits: PullLimits
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Milliseconds that gossip has to bring what a neighbour has, before it is asked for. */
  readonly grace: number
  /** Blocks behind from which on nobody waits for gossip. */
  readonly far: number
  /** Bytes of any block. */
  readonly largest: number
  readonly fetch: (pull: Pull, signal: AbortSignal) => Promise<PulledBlocks>
  /** A block came this way. */
  readonly onPulled: () => void
  /** A neighbour answered what no honest one does. */
  readonly liar: (peer: string, why: string) => void
}

/** Blocks of an answer whose signatures are checked while those before them are taken. */
const AHEAD = 16

/** Gets blocks that gossip did not bring from neighbours that say they have them, in several windows at a time, and hands them on in order. */
export class CatchUp {
  private readonly parts: CatchUpParts
  private readonly plan: PullPlan
  /** Answers by the first block of their range, with who gave them. */
  private readonly answers = new Map<number, { readonly blocks: readonly Block[]; readonly source: string }>()
  private readonly parted = new Map<number, BlockParts>()
  private readonly abort = new AbortController()
  private readonly running = new Set<Promise<void>>()
  private taking: Promise<void> | undefined
  private timer: Timer | undefined
  private lastNext = -1
  private behindSince: number | undefined

  constructor(parts: CatchUpParts) {
    this.parts = parts
    this.plan = new PullPlan(parts.limits, parts.random)
  }

  heard(peer: string, height: number): void {
    this.plan.has(peer, height)
    this.pump()
  }

  gone(peer: string): void {
    this.plan.gone(peer)
  }

  /** Blocks that neighbours have and this peer has not. */
  get lag(): number {
    return Math.max(0, this.plan.best(this.now) - this.parts.chain.next)
  }

  /** Milliseconds since which blocks are missing that at least two neighbours, or the only one, say they have. */
  get stalled(): number {
    const isMissing = this.behindSince !== undefined && this.plan.agreed(this.now) > this.parts.chain.next
    return isMissing ? this.now - this.behindSince! : 0
  }

  /** Looks whether something is to be asked for. To be called when the chain has moved. */
  pump(): void {
    if (this.abort.signal.aborted) return
    const { chain, grace, far } = this.parts
    const { now } = this
    const { next } = chain
    if (next !== this.lastNext) {
      this.lastNext = next
      this.behindSince = undefined
    }
    for (const from of this.answers.keys()) if (from + this.answers.get(from)!.blocks.length <= next) this.answers.delete(from)
    if (this.answerFor(next) !== undefined) this.take()
    const best = this.plan.best(now)
    if (best <= next) {
      this.behindSince = undefined
      const at = this.plan.wakeAt(now)
      if (at !== undefined) this.wakeIn(at - now)
      return
    }
    this.behindSince ??= now
    const waited = now - this.behindSince
    if (best - next < far && waited < grace && this.plan.busy === 0) {
      this.wakeIn(grace - waited)
      return
    }
    for (const pull of this.plan.due(next, now)) this.start(pull)
    const at = this.plan.wakeAt(now)
    if (this.plan.busy === 0 && at !== undefined) this.wakeIn(at - now)
  }

  async stop(): Promise<void> {
    this.abort.abort()
    this.timer?.cancel()
    await Promise.all([...this.running])
    await this.taking
    this.answers.clear()
  }

  private get now(): number {
    return this.parts.clock.monotonic()
  }

  private wakeIn(milliseconds: number): void {
    this.timer?.cancel()
    this.timer = this.parts.clock.setTimer(Math.max(1, milliseconds), () => this.pump())
  }

  private start(pull: Pull): void {
    const run = this.run(pull).finally(() => {
      this.running.delete(run)
      this.pump()
    })
    this.running.add(run)
  }

  private async run(pull: Pull): Promise<void> {
    const { fetch, logger, liar } = this.parts
    try {
      const answer = await fetch(pull, this.abort.signal)
      if (this.abort.signal.aborted) return
      const blocks = answer.kind === 'blocks' ? answer.blocks : this.part(pull, answer.bytes, answer.total)
      if (blocks === undefined) return
      this.plan.answered(pull, blocks.length)
      if (blocks.length === 0) return this.plan.failed(pull, this.now)
      this.answers.set(pull.from, { blocks, source: pull.source })
      this.take()
    } catch (error) {
      this.parted.delete(pull.from)
      this.plan.failed(pull, this.now)
      if (this.abort.signal.aborted) return
      logger.debug({ peer: pull.source, from: pull.from, count: pull.count, err: error }, 'a neighbour did not give blocks')
      if (error instanceof HeddleError && error.code === 'GOSSIP_BAD_MESSAGE') liar(pull.source, error.message)
    }
  }

  /** @returns the block when it is whole; otherwise the next part was asked for */
  private part(pull: Pull, bytes: Uint8Array, total: number): readonly Block[] | undefined {
    const parts = this.parted.get(pull.from) ?? new BlockParts(this.parts.largest)
    if (pull.offset !== parts.received) throw new Error('a part of another attempt')
    this.parted.set(pull.from, parts)
    const block = parts.add(bytes, total)
    if (block === undefined) {
      this.start(this.plan.continued(pull, parts.received))
      return undefined
    }
    this.parted.delete(pull.from)
    return [block]
  }

  private take(): void {
    this.taking ??= this.takeAll().finally(() => {
      this.taking = undefined
      this.pump()
    })
  }

  private async takeAll(): Promise<void> {
    const { chain, liar } = this.parts
    for (let found = this.answerFor(chain.next); found !== undefined; found = this.answerFor(chain.next)) {
      const { from, blocks, source } = found
      const at = chain.next - from
      const block = blocks[at]!
      for (let ahead = at + 1; ahead <= at + AHEAD && ahead < blocks.length; ahead++)
        chain.prepare(blocks[ahead]!, blocks[ahead - 1]!)
      const taken = await chain.take(block, source, true)
      if (taken === 'stopped' || taken === 'forked') this.abort.abort()
      if (this.abort.signal.aborted) return
      if (taken === 'accepted') this.parts.onPulled()
      if (taken !== 'refused') continue
      // One false block: nothing that this neighbour gave is worth keeping.
      for (const [start, answer] of [...this.answers]) if (answer.source === source) this.answers.delete(start)
      this.plan.dropped(from)
      this.plan.gone(source)
      for (const start of this.answers.keys()) if (start >= from) this.answers.delete(start)
      liar(source, 'a forged block in answer to a request')
    }
  }

  private answerFor(number: number): { from: number; blocks: readonly Block[]; source: string } | undefined {
    for (const [from, { blocks, source }] of this.answers)
      if (from <= number && number < from + blocks.length) return { from, blocks, source }
    return undefined
  }
}
