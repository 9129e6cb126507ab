import type { Random } from '@heddle/core/plugin'
import type { FrameStream, GossipNetwork, Link, Topic, TopicHandlers } from '../src/network.ts'
import { type MeshShape, ModelTopic } from './model-topic.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Weather {
  /** Milliseconds one way. */
  readonly latency: { readonly min: number; readonly max: number }
  /** Bytes a millisecond that one peer sends. */
  readonly bandwidth: number
  /** Share of messages that are lost: gossip does not come, streams come late, as TCP sends again. */
  loss: number
}

/** Milliseconds until TCP sends again what was lost. */
const RESEND = 200
/** Milliseconds after which a connection over a cut ends. */
const CUT_NOTICED = 3_000

/** The network between all peers. */
export class SimWorld {
  readonly time: VirtualTime
  readonly random: Random
  readonly weather: Weather
  readonly shape: MeshShape
  readonly endpoints = new Map<string, SimEndpoint>()
  /** Side of a partition that a peer is on. */
  side: ((peer: string) => number) | undefined
  private links = 0
  /** Bytes that peers sent, of all kinds. */
  bytes = 0

  constructor(time: VirtualTime, random: Random, weather: Weather, shape: MeshShape) {
    this.time = time
    this.random = random
    this.weather = weather
    this.shape = shape
  }

  isCut(a: string, b: string): boolean {
    return this.side !== undefined && this.side(a) !== this.side(b)
  }

  isLost(): boolean {
    return this.random.float() < this.weather.loss
  }

  delay(bytes: number): number {
    const { min, max } = this.weather.latency
    this.bytes += bytes
    return min + this.random.float() * (max - min) + bytes / this.weather.bandwidth
  }

  /** Delay of what TCP sends until it arrives. */
  sureDelay(bytes: number): number {
    let delay = this.delay(bytes)
    for (let tries = 0; tries < 5 && this.isLost(); tries++) delay += RESEND * 2 ** tries
    return delay
  }

  nextLink(): string {
    return `link${this.links++}`
  }

  /** Ends the connections that a new partition cuts. */
  cut(side: ((peer: string) => number) | undefined): void {
    this.side = side
    this.time.after(CUT_NOTICED, () => {
      for (const endpoint of this.endpoints.values())
        for (const link of [...endpoint.open]) if (this.isCut(endpoint.self, link.peer)) link.close()
    })
  }
}

class SimLink implements Link {
  readonly id: string
  readonly peer: string
  readonly outbound: boolean
  readonly address: string
  readonly own: SimEndpoint
  other: SimLink | undefined
  isOpen = true
  private listeners: (() => void)[] = []
  private readonly streams = new Set<SimStream>()

  constructor(id: string, own: SimEndpoint, peer: string, outbound: boolean) {
    this.id = id
    this.own = own
    this.peer = peer
    this.outbound = outbound
    this.address = `/sim/${peer}`
  }

  async open(protocol: string): Promise<FrameStream> {
    const { world } = this.own
    await world.time.wait(world.sureDelay(64))
    const { other } = this
    const handler = other?.own.handlers.get(protocol)
    if (!this.isOpen || other === undefined || handler === undefined) throw new Error(`no ${protocol}`)
    const [mine, theirs] = [new SimStream(this), new SimStream(other)]
    mine.other = theirs
    theirs.other = mine
    this.streams.add(mine)
    other.streams.add(theirs)
    handler(other, theirs)
    return mine
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.own.open.delete(this)
    for (const stream of this.streams) stream.break()
    const { listeners, other } = this
    this.listeners = []
    for (const listener of listeners) listener()
    if (other?.isOpen === true) this.own.world.time.after(this.own.world.delay(64), () => other.close())
  }

  onClose(listener: () => void): void {
    if (this.isOpen) this.listeners.push(listener)
    else listener()
  }

  forget(stream: SimStream): void {
    this.streams.delete(stream)
  }
}

class SimStream implements FrameStream {
  other: SimStream | undefined
  private readonly link: SimLink
  private readonly received: Uint8Array[] = []
  private arrives = 0
  private ended = false
  private broken = false
  private wake: () => void = () => {}

  constructor(link: SimLink) {
    this.link = link
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.broken) throw new Error('the stream is broken')
    this.deliver(frame.length, () => this.other?.received.push(frame))
  }

  async *frames(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const frame = this.received.shift()
      if (frame !== undefined) {
        if (frame.length > maxBytes) throw Object.assign(new Error('too large'), { code: 'GOSSIP_FRAME_TOO_LARGE' })
        yield frame
      } else if (this.broken) throw new Error('the stream is broken')
      else if (this.ended) return
      else
        await new Promise<void>((resolve) => {
          this.wake = resolve
        })
    }
  }

  end(): void {
    this.deliver(16, () => {
      if (this.other !== undefined) this.other.ended = true
    })
    this.link.forget(this)
  }

  abort(): void {
    const { other } = this
    this.break()
    this.link.forget(this)
    if (other !== undefined) this.link.own.world.time.after(this.link.own.world.delay(16), () => other.break())
  }

  break(): void {
    this.broken = true
    this.wake()
  }

  /** In the order in which they were sent. */
  private deliver(bytes: number, arrive: () => void): void {
    const { world } = this.link.own
    this.arrives = Math.max(this.arrives, world.time.now + world.sureDelay(bytes))
    world.time.after(this.arrives - world.time.now, () => {
      if (!this.link.isOpen || this.other === undefined || world.isCut(this.link.own.self, this.link.peer)) return
      arrive()
      this.other.wake()
    })
  }
}

/** One peer's end of the network. */
export class SimEndpoint implements GossipNetwork {
  readonly self: string
  readonly world: SimWorld
  readonly handlers = new Map<string, (link: Link, stream: FrameStream) => void>()
  readonly open = new Set<SimLink>()
  readonly topics = new Map<string, ModelTopic>()
  private readonly listeners: ((link: Link) => void)[] = []
  private isUp = true

  constructor(world: SimWorld, self: string) {
    this.world = world
    this.self = self
    world.endpoints.set(self, this)
  }

  addresses(): readonly string[] {
    return [`/sim/${this.self}`]
  }

  async dial(address: string): Promise<Link> {
    const { world } = this
    const peer = address.slice('/sim/'.length)
    await world.time.wait(3 * world.sureDelay(200))
    const other = world.endpoints.get(peer)
    if (!this.isUp || other === undefined || !other.isUp || world.isCut(this.self, peer))
      throw new Error(`${peer} is not reached`)
    const id = world.nextLink()
    const [mine, theirs] = [new SimLink(`${id}a`, this, peer, true), new SimLink(`${id}b`, other, this.self, false)]
    mine.other = theirs
    theirs.other = mine
    this.open.add(mine)
    other.open.add(theirs)
    for (const listener of other.listeners) listener(theirs)
    for (const listener of this.listeners) listener(mine)
    return mine
  }

  onLink(listener: (link: Link) => void): void {
    this.listeners.push(listener)
  }

  async serve(protocol: string, _most: number, handler: (link: Link, stream: FrameStream) => void): Promise<void> {
    this.handlers.set(protocol, handler)
  }

  async topic(name: string, handlers: TopicHandlers): Promise<Topic> {
    const topic = new ModelTopic(this, name, handlers)
    this.topics.set(name, topic)
    return topic
  }

  async stop(): Promise<void> {
    this.crash()
  }

  /** The process ends without a word. */
  crash(): void {
    if (!this.isUp) return
    this.isUp = false
    if (this.world.endpoints.get(this.self) === this) this.world.endpoints.delete(this.self)
    for (const topic of this.topics.values()) void topic.stop()
    for (const link of [...this.open]) link.close()
  }
}
