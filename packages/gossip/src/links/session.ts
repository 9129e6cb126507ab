import type { Clock, Timer } from '@heddle/core/plugin'
import type { Proven } from '../binding/binding.ts'
import { GossipError } from '../errors.ts'
import { deadline } from '../limits/deadline.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import type { FrameStream, Link } from '../network.ts'
import { LinkMessage, type Signed } from '../wire/messages.ts'

export const LINK_PROTOCOL = '/heddle/gossip/1/link'

export interface SessionLimits {
  readonly messageBytes: number
  readonly burst: number
  readonly perSecond: number
  readonly uselessBurst: number
  readonly uselessPerSecond: number
}

export interface SessionParts {
  readonly link: Link
  readonly clock: Clock
  readonly limits: SessionLimits
  /** Milliseconds until the other side must have proved who it is. */
  readonly timeout: number
  /** This node's own statement. */
  readonly hello: () => Signed
  /** Checks the other side's; throws. */
  readonly prove: (hello: Signed, peer: string) => Promise<Proven>
  /** The other side is who it says. */
  readonly onProven: (session: Session) => void
  /** The next message is read when this one is dealt with. */
  readonly onMessage: (session: Session, message: LinkMessage) => Promise<void>
  readonly onClosed: (session: Session, reason: Error | undefined) => void
}

/**
 * One connection and the stream of messages on it. Both sides prove first who they are: the one that dialled begins, and the other one
 * shows its own statement only to a member.
 */
export class Session {
  readonly link: Link
  /** What the other side has joined, and how far it is. */
  readonly joined = new Map<string, number>()
  proven: Proven | undefined
  /** Whether the other side has said what it has joined, and before that, who leads there. */
  hasTold = false
  /** When something was heard last; milliseconds of the monotonic clock. */
  heardAt: number
  private readonly parts: SessionParts
  private readonly messages: TokenBucket
  private readonly useless: TokenBucket
  private readonly deadline: Timer
  private stream: FrameStream | undefined
  private closed = false
  private sending: Promise<void> = Promise.resolve()
  private queued = 0
  private settle: (proven: boolean) => void = () => {}
  /** Whether the other side proved itself; settled by then, or when the connection closed. */
  readonly outcome: Promise<boolean>

  constructor(parts: SessionParts) {
    this.parts = parts
    this.link = parts.link
    const { limits, clock } = parts
    const now = clock.monotonic()
    this.heardAt = now
    this.messages = new TokenBucket(limits.burst, limits.perSecond, now)
    this.useless = new TokenBucket(limits.uselessBurst, limits.uselessPerSecond, now)
    this.outcome = new Promise((resolve) => {
      this.settle = resolve
    })
    this.deadline = clock.setTimer(parts.timeout, () => {
      if (this.proven === undefined) this.close(new GossipError('GOSSIP_BAD_BINDING', 'the peer did not prove who it is in time'))
    })
    parts.link.onClose(() => this.close(undefined))
    if (parts.link.outbound) void this.greet()
  }

  get peer(): string {
    return this.link.peer
  }

  get isOpen(): boolean {
    return !this.closed
  }

  /** The stream that the side that dialled opened. */
  accept(stream: FrameStream): void {
    if (this.closed || this.link.outbound || this.stream !== undefined) stream.abort()
    else void this.read(stream)
  }

  send(message: Parameters<typeof LinkMessage.encode>[0]): void {
    const { stream } = this
    if (this.closed || stream === undefined) return
    // A neighbour that does not read is not written to without end; its silence ends the session.
    if (this.queued >= 64) return
    const frame = LinkMessage.encode(message)
    this.queued++
    this.sending = this.sending
      .then(() => stream.send(frame))
      .catch((error) => this.close(error))
      .finally(() => {
        this.queued--
      })
  }

  /** The other side sent what is of no use. @returns false when it does so too often */
  wasUseless(): boolean {
    return !this.isFlood(this.useless)
  }

  close(reason: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    this.deadline.cancel()
    this.stream?.abort()
    this.link.close()
    this.settle(false)
    this.parts.onClosed(this, reason)
  }

  private isFlood(bucket: TokenBucket): boolean {
    const { clock } = this.parts
    // Where a test holds the clock still, no rate can be told.
    return clock.manual !== true && !bucket.take(clock.monotonic())
  }

  private async greet(): Promise<void> {
    const { signal, done } = deadline(this.parts.clock, this.parts.timeout)
    try {
      const stream = await this.link.open(LINK_PROTOCOL, signal).finally(done)
      if (this.closed) return stream.abort()
      this.stream = stream
      await stream.send(LinkMessage.encode({ hello: this.parts.hello() }))
      await this.read(stream)
    } catch (error) {
      this.close(error as Error)
    }
  }

  private async read(stream: FrameStream): Promise<void> {
    this.stream = stream
    const { limits, clock } = this.parts
    try {
      for await (const frame of stream.frames(limits.messageBytes)) {
        if (this.closed) return
        this.heardAt = clock.monotonic()
        if (this.isFlood(this.messages)) throw new GossipError('GOSSIP_BAD_MESSAGE', 'a flood of messages')
        await this.take(read(frame))
      }
      this.close(undefined)
    } catch (error) {
      this.close(error as Error)
    }
  }

  private async take(message: LinkMessage): Promise<void> {
    if (message.hello !== undefined) {
      const isFirst = this.proven === undefined
      const proven = await this.parts.prove(message.hello, this.peer)
      if (this.closed) return
      if (!isFirst && this.proven?.mspId !== proven.mspId)
        throw new GossipError('GOSSIP_BAD_BINDING', 'the peer became somebody else')
      this.proven = proven
      if (isFirst) {
        this.deadline.cancel()
        if (!this.link.outbound) this.send({ hello: this.parts.hello() })
        this.parts.onProven(this)
        this.settle(!this.closed)
      }
    } else if (this.proven === undefined) {
      throw new GossipError('GOSSIP_BAD_BINDING', 'the peer speaks before it has proved who it is')
    } else await this.parts.onMessage(this, message)
  }
}

function read(frame: Uint8Array): LinkMessage {
  try {
    return LinkMessage.decode(frame)
  } catch (cause) {
    throw new GossipError('GOSSIP_BAD_MESSAGE', 'a message cannot be read', {}, { cause })
  }
}
