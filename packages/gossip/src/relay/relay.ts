import { Block, type DecodeLimits, defaultDecodeLimits } from '@heddle/core/model'
import type { Clock } from '@heddle/core/plugin'
import type { Judgement } from '../network.ts'
import { type Signed, TopicMessage } from '../wire/messages.ts'
import type { Chain, Taken } from './chain.ts'

export interface RelayLimits {
  /** Bytes of a block that travels whole. */
  readonly whole: number
  /** Bytes of any block. */
  readonly largest: number
  /** Blocks that came before the one they follow, and wait for it. */
  readonly early: number
  readonly earlyBytes: number
  /** Milliseconds that they wait. */
  readonly earlyTime: number
}

export interface RelayParts {
  readonly chain: Pick<Chain, 'next' | 'take' | 'advance'>
  readonly clock: Clock
  readonly limits: RelayLimits
  /** A claim to lead: what is to become of it. */
  readonly claim: (from: string, claim: Signed) => Promise<Judgement>
  /** Gets a block whose header was announced; throws when it does not come. */
  readonly fetch: (from: string, number: number, size: number) => Promise<Block>
  /** A neighbour has blocks up to this number. */
  readonly seen: (from: string, number: number) => void
  /** A neighbour sent what no honest one sends. */
  readonly liar: (from: string, why: string) => void
  /** A neighbour sent what is of no use: false when it does so too often. */
  readonly useless: (from: string) => boolean
  /** A block came by gossip and is good. */
  readonly arrived: (block: Block, from: string, message: Pick<TopicMessage, 'origin' | 'sentAt'>) => void
  readonly isBanned: (peer: string) => boolean
}

interface Early {
  readonly from: string
  readonly size: number
  readonly release: (again: boolean) => void
}

/** Decides what is passed on: only what was checked, and what is checked only once. Rules: the package's README, "What is passed on". */
export class Relay {
  private readonly parts: RelayParts
  private readonly early = new Map<number, Early[]>()
  private earlyCount = 0
  private earlyBytes = 0
  private readonly decodeLimits: DecodeLimits

  constructor(parts: RelayParts) {
    this.parts = parts
    this.decodeLimits = { ...defaultDecodeLimits }
  }

  async judge(from: string, data: Uint8Array): Promise<Judgement> {
    const { limits } = this.parts
    // What was under way when its sender was found out.
    if (this.parts.isBanned(from)) return 'reject'
    let message: TopicMessage
    let block: Block | undefined
    try {
      message = TopicMessage.decode(data)
      const bytes = message.block.length > 0 ? message.block : message.announced
      if (bytes.length > limits.whole) return this.reject(from, `a message with a block of ${bytes.length} bytes`)
      if (bytes.length > 0) block = Block.decode(bytes, this.decodeLimits)
    } catch {
      return this.reject(from, 'a message that cannot be read')
    }
    if (block !== undefined && message.block.length > 0) return this.judgeBlock(from, block, message)
    if (block !== undefined) return this.judgeAnnouncement(from, block, message)
    if (message.claim !== undefined) return this.judgeClaim(from, message.claim)
    return this.reject(from, 'an empty message')
  }

  /** The chain has moved: what waited for its turn has it now. */
  advanced(): void {
    const { next } = this.parts.chain
    for (const [number, waiting] of [...this.early]) {
      if (number > next) continue
      this.early.delete(number)
      for (const { release } of waiting) release(true)
    }
  }

  stop(): void {
    for (const waiting of this.early.values()) for (const { release } of waiting) release(false)
    this.early.clear()
  }

  get waiting(): number {
    return this.earlyCount
  }

  private async judgeClaim(from: string, claim: Signed): Promise<Judgement> {
    const judgement = await this.parts.claim(from, claim)
    if (judgement === 'reject') return this.reject(from, 'a false claim to lead')
    return judgement
  }

  private async judgeBlock(from: string, block: Block, message: TopicMessage): Promise<Judgement> {
    const taken = await this.inTurn(from, block.number, message.block.length, () => this.parts.chain.take(block, from))
    return this.concluded(from, taken, block, message)
  }

  /** A large block: its header is judged by itself, the rest comes from the neighbour that announced it, and only then is it passed on. */
  private async judgeAnnouncement(from: string, header: Block, message: TopicMessage): Promise<Judgement> {
    const { chain, fetch, limits } = this.parts
    if (header.data.length > 0 || message.size <= limits.whole || message.size > limits.largest)
      return this.reject(from, `an announcement of a block of ${message.size} bytes`)
    const { number } = header
    if (number < chain.next) return this.concluded(from, 'known', header, message)
    const taken = await this.inTurn(from, number, message.announced.length, async (): Promise<Taken> => {
      if (number < chain.next) return 'known'
      let block: Block
      try {
        block = await fetch(from, number, message.size)
      } catch {
        return 'full'
      }
      if (block.number !== number || Buffer.compare(block.hash(), header.hash()) !== 0) return 'refused'
      const outcome = await chain.take(block, from)
      if (outcome === 'accepted') this.parts.arrived(block, from, message)
      return outcome
    })
    return this.concluded(from, taken, undefined, message)
  }

  /** Blocks overtake each other on their way: one that is early by a little waits for those before it, so that it can be passed on. */
  private async inTurn(from: string, number: number, size: number, take: () => Promise<Taken>): Promise<Taken> {
    const { chain, limits, seen } = this.parts
    if (number > chain.next) {
      seen(from, number)
      if (number > chain.next + limits.early || !(await this.turn(from, number, size))) return 'ahead'
    }
    return take()
  }

  /** @returns whether its turn came */
  private turn(from: string, number: number, size: number): Promise<boolean> {
    const { limits, clock } = this.parts
    if (this.earlyCount >= limits.early || this.earlyBytes + size > limits.earlyBytes) return Promise.resolve(false)
    return new Promise((resolve) => {
      const waiting = this.early.get(number) ?? []
      this.early.set(number, waiting)
      this.earlyCount++
      this.earlyBytes += size
      const entry: Early = {
        from,
        size,
        release: (again) => {
          timer.cancel()
          this.earlyCount--
          this.earlyBytes -= size
          resolve(again)
        },
      }
      const timer = clock.setTimer(limits.earlyTime, () => {
        const still = waiting.indexOf(entry)
        if (still < 0) return
        waiting.splice(still, 1)
        if (waiting.length === 0) this.early.delete(number)
        entry.release(false)
      })
      waiting.push(entry)
    })
  }

  private concluded(from: string, taken: Taken, block: Block | undefined, message: TopicMessage): Judgement {
    switch (taken) {
      case 'accepted':
        if (block !== undefined) this.parts.arrived(block, from, message)
        return 'accept'
      case 'refused':
        return this.reject(from, 'a forged block')
      case 'known':
      case 'ahead':
        if (!this.parts.useless(from)) return this.reject(from, 'a flood of blocks that are of no use')
        return 'ignore'
      case 'forked':
      case 'full':
      case 'stopped':
        return 'ignore'
    }
  }

  private reject(from: string, why: string): 'reject' {
    this.parts.liar(from, why)
    return 'reject'
  }
}

/** A block as it travels: whole, or its header and signatures when it is larger than `whole`. */
export function blockMessage(block: Block, whole: number, origin: string, sentAt: number): Uint8Array {
  const bytes = block.encode()
  if (bytes.length <= whole) return TopicMessage.encode({ block: bytes, origin, sentAt })
  const announced = Block.of(block.header, [], block.metadata).encode()
  return TopicMessage.encode({ announced, size: bytes.length, origin, sentAt })
}

export function claimMessage(claim: Signed): Uint8Array {
  return TopicMessage.encode({ claim })
}
