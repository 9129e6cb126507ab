import type { Link, Topic, TopicHandlers } from '../src/network.ts'
import type { SimEndpoint } from './sim-network.ts'

/** As the gossipsub specification names them. */
export interface MeshShape {
  readonly degree: number
  readonly lowDegree: number
  readonly highDegree: number
  /** Milliseconds. */
  readonly heartbeat: number
  /** Peers outside the mesh that hear of late messages at each heartbeat. */
  readonly lazy: number
  /** Heartbeats for which a message is spoken of, and for which it is kept. */
  readonly gossiped: number
  readonly kept: number
  /** Milliseconds that a peer checks a message before it passes it on. */
  readonly check: number
}

export const MESH: MeshShape = {
  degree: 6,
  lowDegree: 4,
  highDegree: 12,
  heartbeat: 700,
  lazy: 6,
  gossiped: 3,
  kept: 5,
  check: 0.3,
}

interface Message {
  readonly data: Uint8Array
  readonly id: object
}

/**
 * gossipsub as a model: eager push over a mesh that each heartbeat mends, IHAVE to some others, IWANT from those, IDONTWANT for what is here.
 * No scores: who misbehaves is expelled by the code that stands above, which is the shipped one. `calibration.test.ts` compares it with five
 * real nodes.
 */
export class ModelTopic implements Topic {
  private readonly endpoint: SimEndpoint
  private readonly name: string
  private readonly handlers: TopicHandlers
  private readonly admitted = new Set<string>()
  private readonly meshPeers = new Set<string>()
  private readonly seen = new WeakSet<object>()
  private readonly unwanted = new Map<string, WeakSet<object>>()
  /** Messages by heartbeat, the latest first. */
  private cache: Message[][] = [[]]
  private copies = 0
  private running = true

  constructor(endpoint: SimEndpoint, name: string, handlers: TopicHandlers) {
    this.endpoint = endpoint
    this.name = name
    this.handlers = handlers
    const { time, random, shape } = endpoint.world
    time.after(random.float() * shape.heartbeat, () => this.beat())
  }

  admit({ peer }: Link): void {
    this.admitted.add(peer)
    const { time, shape } = this.endpoint.world
    // The subscription travels; then the mesh takes the peer in where there is room.
    time.after(this.endpoint.world.sureDelay(100), () => {
      if (this.meshPeers.size < shape.degree && this.isIn(peer)) this.graft(peer)
    })
  }

  expel(peer: string): void {
    this.admitted.delete(peer)
    this.meshPeers.delete(peer)
    this.unwanted.delete(peer)
  }

  async publish(data: Uint8Array): Promise<readonly string[]> {
    const message = { data, id: {} }
    this.seen.add(message.id)
    this.cache[0]!.push(message)
    const { degree } = this.endpoint.world.shape
    const to = [...this.meshPeers]
    if (to.length < degree)
      to.push(
        ...this.some(
          [...this.admitted].filter((peer) => !this.meshPeers.has(peer)),
          degree - to.length,
        ),
      )
    for (const peer of to) this.send(peer, message)
    return to
  }

  mesh(): readonly string[] {
    return [...this.meshPeers]
  }

  mute(): readonly string[] {
    return []
  }

  duplicates(): number {
    return this.copies
  }

  async stop(): Promise<void> {
    this.running = false
    for (const peer of this.meshPeers) this.at(peer)?.meshPeers.delete(this.endpoint.self)
    this.meshPeers.clear()
    this.admitted.clear()
  }

  private at(peer: string): ModelTopic | undefined {
    return this.endpoint.world.endpoints.get(peer)?.topics.get(this.name)
  }

  /** Whether both have admitted each other. */
  private isIn(peer: string): boolean {
    return this.running && this.admitted.has(peer) && this.at(peer)?.admitted.has(this.endpoint.self) === true
  }

  private graft(peer: string): void {
    this.meshPeers.add(peer)
    this.at(peer)!.meshPeers.add(this.endpoint.self)
  }

  private beat(): void {
    if (!this.running) return
    const { time, shape } = this.endpoint.world
    const others = [...this.admitted].filter((peer) => this.isIn(peer))
    for (const peer of this.meshPeers) if (!this.isIn(peer)) this.meshPeers.delete(peer)
    if (this.meshPeers.size < shape.lowDegree) {
      const free = others.filter((peer) => !this.meshPeers.has(peer))
      for (const peer of this.some(free, shape.degree - this.meshPeers.size)) this.graft(peer)
    }
    if (this.meshPeers.size > shape.highDegree)
      for (const peer of this.some([...this.meshPeers], this.meshPeers.size - shape.degree)) {
        this.meshPeers.delete(peer)
        this.at(peer)?.meshPeers.delete(this.endpoint.self)
      }
    const spoken = this.cache.slice(0, shape.gossiped).flat()
    if (spoken.length > 0)
      for (const peer of this.some(
        others.filter((each) => !this.meshPeers.has(each)),
        shape.lazy,
      ))
        this.speakOf(peer, spoken)
    this.cache = [[], ...this.cache.slice(0, shape.kept - 1)]
    time.after(shape.heartbeat, () => this.beat())
  }

  /** IHAVE, and IWANT from the other side. */
  private speakOf(peer: string, messages: readonly Message[]): void {
    const { world } = this.endpoint
    if (world.isLost() || world.isCut(this.endpoint.self, peer)) return
    world.time.after(world.delay(40 * messages.length), () => {
      const other = this.at(peer)
      if (other === undefined || !this.isIn(peer)) return
      const wanted = messages.filter(({ id }) => !other.seen.has(id))
      if (wanted.length === 0 || world.isLost()) return
      world.time.after(world.delay(40 * wanted.length), () => {
        for (const message of wanted) this.send(peer, message)
      })
    })
  }

  private send(peer: string, message: Message): void {
    const { world, self } = this.endpoint
    if (!this.isIn(peer) || this.unwanted.get(peer)?.has(message.id) === true) return
    if (world.isCut(self, peer)) return
    const delay = world.delay(message.data.length + 100)
    if (world.isLost()) return
    world.time.after(delay, () => {
      if (this.isIn(peer)) void this.at(peer)!.take(self, message)
    })
  }

  private async take(from: string, message: Message): Promise<void> {
    const { world, self } = this.endpoint
    if (this.seen.has(message.id)) {
      this.copies++
      return
    }
    this.seen.add(message.id)
    for (const peer of this.meshPeers) {
      if (peer === from) continue
      world.time.after(world.delay(60), () => this.at(peer)?.without(self, message.id))
    }
    await world.time.wait(world.shape.check)
    if ((await this.handlers.judge(from, message.data)) !== 'accept' || !this.running) return
    this.cache[0]!.push(message)
    for (const peer of this.meshPeers) if (peer !== from) this.send(peer, message)
  }

  /** IDONTWANT. */
  private without(peer: string, id: object): void {
    const known = this.unwanted.get(peer) ?? new WeakSet<object>()
    this.unwanted.set(peer, known)
    known.add(id)
  }

  private some(from: readonly string[], count: number): string[] {
    const { random } = this.endpoint.world
    const list = [...from]
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(random.float() * (i + 1))
      ;[list[i], list[j]] = [list[j]!, list[i]!]
    }
    return list.slice(0, Math.max(0, count))
  }
}
