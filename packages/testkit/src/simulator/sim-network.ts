import { HeddleError, type RemoteNode, type Route, type Transport, TransportError } from '@heddle/core/plugin'
import type { Draw } from './draw.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import { SimLink } from './sim-stream.ts'

/** How the network of one seed behaves. Times in milliseconds, rates as probabilities. */
export interface NetworkTraits {
  /** One way. */
  readonly latency: number
  /** Added to single messages, up to this. Without `ordered` it makes later messages overtake earlier ones. */
  readonly jitter: number
  /** One-way messages of a link arrive in the order in which they were sent, as on one connection. */
  readonly ordered: boolean
  readonly loss: number
  /** A one-way message arrives again, perhaps much later. */
  readonly replay: number
  /** The latest that a replayed message arrives. */
  readonly replayDelay: number
  /** A stream or request breaks at any one of its messages. */
  readonly breaks: number
}

export interface NetworkCounts {
  sent: number
  delivered: number
  lost: number
  replayed: number
  overtaken: number
  /** Streams and requests that broke. */
  broken: number
}

type MessageHandler = (from: RemoteNode, message: Uint8Array) => void
type RequestHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>
type StreamHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array>

/** Sees one-way messages: for checkers. */
export interface MessageProbe<T = unknown> {
  /** As it is sent, before the network's faults. What it gives stands for the message later. */
  sent(from: string, route: Route, message: Uint8Array): T
  /** A node is about to take it; perhaps not for the first time. */
  delivered?(to: string, token: T): void
}

/** Time until a side notices that a connection is gone. */
const NOTICE = [200, 3_000] as const

/** A network between nodes by name. Faults are switched by whoever runs the simulation. */
export class SimNetwork {
  readonly counts: NetworkCounts = { sent: 0, delivered: 0, lost: 0, replayed: 0, overtaken: 0, broken: 0 }
  readonly scheduler: Scheduler
  readonly draw: Draw
  probe: MessageProbe | undefined
  #traits: NetworkTraits
  readonly #nodes = new Map<string, SimTransport>()
  /** Directions that carry nothing, `from\0to`. */
  readonly #cut = new Map<string, number>()
  /** Directions that hold everything back until a time. */
  readonly #stalled = new Map<string, number>()
  readonly #lastArrival = new Map<string, number>()
  readonly #links = new Set<SimLink>()

  constructor(scheduler: Scheduler, traits: NetworkTraits, draw: Draw) {
    this.scheduler = scheduler
    this.#traits = traits
    this.draw = draw
  }

  get traits(): NetworkTraits {
    return this.#traits
  }

  /** The transport of an incarnation of a node; reachable from `start` to `stop`, or until the incarnation dies. */
  connect(self: RemoteNode, owner: Owner): Transport {
    return new SimTransport(this, self, owner)
  }

  /** Nothing goes from one node to another any more. Cuts add up: as many heals end them. */
  cut(from: string, to: string): void {
    const key = direction(from, to)
    this.#cut.set(key, (this.#cut.get(key) ?? 0) + 1)
    for (const link of [...this.#links]) if (link.runsBetween(from, to)) this.breakSoon(link)
  }

  /** @returns whether the direction carries again */
  heal(from: string, to: string): boolean {
    const key = direction(from, to)
    const left = (this.#cut.get(key) ?? 0) - 1
    if (left > 0) this.#cut.set(key, left)
    else this.#cut.delete(key)
    return left <= 0
  }

  stall(from: string, to: string, until: number): void {
    this.#stalled.set(direction(from, to), until)
  }

  /** From now on nothing is lost, late or repeated. */
  healAll(latency: number): void {
    this.#cut.clear()
    this.#stalled.clear()
    this.#traits = { latency, jitter: 0, ordered: true, loss: 0, replay: 0, replayDelay: 0, breaks: 0 }
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(direction(from, to))
  }

  /** A node is gone, as its connections notice in time. */
  drop(transport: SimTransport): void {
    if (this.#nodes.get(transport.self) === transport) this.#nodes.delete(transport.self)
    for (const link of [...this.#links]) if (link.touches(transport.self)) this.breakSoon(link)
  }

  /** @internal */
  add(transport: SimTransport): void {
    this.#nodes.set(transport.self, transport)
  }

  /** @internal */
  find(name: string): SimTransport | undefined {
    const node = this.#nodes.get(name)
    return node?.owner.alive === true ? node : undefined
  }

  /** @internal */
  register(link: SimLink): void {
    this.#links.add(link)
  }

  /** @internal */
  unregister(link: SimLink): void {
    this.#links.delete(link)
  }

  /** @internal */
  breakSoon(link: SimLink): void {
    this.scheduler.after(this.draw.between(...NOTICE), undefined, () => link.fail())
  }

  /** @internal Milliseconds until a message that is sent now arrives. */
  delay(from: string, to: string): number {
    const { latency, jitter } = this.#traits
    const { now } = this.scheduler
    let arrival = now + latency + (jitter > 0 ? this.draw.between(0, jitter) : 0)
    const stalled = this.#stalled.get(direction(from, to))
    if (stalled !== undefined && stalled > arrival) arrival = stalled
    return arrival - now
  }

  /** @internal A one-way message. */
  carry(from: RemoteNode, route: Route, key: string, message: Uint8Array): void {
    const { counts, scheduler, draw } = this
    const traits = this.#traits
    counts.sent++
    const token = this.probe?.sent(from.name, route, message)
    const link = direction(from.name, route.to)
    if (this.#cut.has(link) || draw.chance(traits.loss)) {
      counts.lost++
      return
    }
    // The sender may use its buffer again.
    const copy = message.slice()
    let arrival = scheduler.now + this.delay(from.name, route.to)
    const last = this.#lastArrival.get(link) ?? 0
    if (arrival < last) {
      if (traits.ordered) arrival = last
      else counts.overtaken++
    }
    if (arrival > last) this.#lastArrival.set(link, arrival)
    this.#deliver(from, route.to, key, copy, arrival - scheduler.now, token)
    if (draw.chance(traits.replay)) {
      counts.replayed++
      this.#deliver(from, route.to, key, copy, arrival - scheduler.now + draw.between(0, traits.replayDelay), token)
    }
  }

  #deliver(from: RemoteNode, to: string, key: string, message: Uint8Array, delay: number, token: unknown): void {
    const take = (target: SimTransport): void => {
      this.counts.delivered++
      this.scheduler.trace.mix(message.length)
      this.probe?.delivered?.(to, token)
      target.take(from, key, message)
    }
    this.scheduler.after(delay, undefined, () => {
      const target = this.find(to)
      if (target === undefined) return
      this.scheduler.actor = target.owner
      // In a turn of the receiver, so that it waits while the receiver is paused.
      if (target.owner.pausedUntil > this.scheduler.now) this.scheduler.after(0, target.owner, () => take(target))
      else take(target)
    })
  }
}

/** The transport of one incarnation of a node. */
export class SimTransport implements Transport {
  readonly self: string
  readonly owner: Owner
  readonly identity: RemoteNode
  readonly network: SimNetwork
  readonly requests = new Map<string, RequestHandler>()
  readonly streams = new Map<string, StreamHandler>()
  readonly #messages = new Map<string, MessageHandler>()
  #started = false

  constructor(network: SimNetwork, identity: RemoteNode, owner: Owner) {
    this.network = network
    this.self = identity.name
    this.identity = identity
    this.owner = owner
  }

  async start(): Promise<void> {
    this.network.add(this)
    this.#started = true
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.network.drop(this)
  }

  send(route: Route, message: Uint8Array): void {
    if (this.#started && this.owner.alive) this.network.carry(this.identity, route, serviceKey(route), message)
  }

  onMessage(service: string, channel: string, handler: MessageHandler): void {
    register(this.self, this.#messages, { service, channel }, handler)
  }

  async request(route: Route, message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const link = this.#begin(route, signal)
    try {
      const handler = await link.reach((target) => target.requests.get(serviceKey(route)))
      return await link.ask(() => handler(this.identity, message.slice(), link.signal))
    } catch (error) {
      throw remoteError(error, route)
    } finally {
      link.end()
    }
  }

  onRequest(service: string, channel: string, handler: RequestHandler): void {
    register(this.self, this.requests, { service, channel }, handler)
  }

  async *stream(route: Route, message: Uint8Array, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const link = this.#begin(route, signal)
    let answers: AsyncIterator<Uint8Array> | undefined
    try {
      const handler = await link.reach((target) => target.streams.get(serviceKey(route)))
      answers = handler(this.identity, message.slice(), link.signal)[Symbol.asyncIterator]()
      for (;;) {
        const answer = await link.ask(() => answers!.next())
        if (answer.done === true) return
        yield answer.value
      }
    } catch (error) {
      throw remoteError(error, route)
    } finally {
      link.end()
      answers?.return?.().catch(() => {})
    }
  }

  onStream(service: string, channel: string, handler: StreamHandler): void {
    register(this.self, this.streams, { service, channel }, handler)
  }

  withdraw(service: string, channel: string): void {
    const key = serviceKey({ service, channel })
    this.#messages.delete(key)
    this.requests.delete(key)
    this.streams.delete(key)
  }

  /** @internal A one-way message has arrived. */
  take(from: RemoteNode, key: string, message: Uint8Array): void {
    if (this.#started) this.#messages.get(key)?.(from, message)
  }

  #begin(route: Route, signal: AbortSignal | undefined): SimLink {
    if (!this.#started) throw new TransportError('TRANSPORT_CLOSED', `${this.self} is stopped`, { node: this.self })
    return new SimLink(this, route, signal)
  }
}

function remoteError(error: unknown, route: Route): Error {
  if (error instanceof HeddleError) return error
  const message = `${route.service} on ${route.to} failed: ${(error as Error | undefined)?.message ?? error}`
  return new TransportError('TRANSPORT_HANDLER_FAILED', message, { ...route }, { cause: error })
}

function register<H>(node: string, handlers: Map<string, H>, at: { service: string; channel: string }, handler: H): void {
  const key = serviceKey(at)
  if (handlers.has(key))
    throw new TransportError('TRANSPORT_BAD_HANDLER', `${node} has a handler for ${at.service} of ${at.channel} already`, at)
  handlers.set(key, handler)
}

function serviceKey({ service, channel }: { readonly service: string; readonly channel: string }): string {
  return `${service}\0${channel}`
}

function direction(from: string, to: string): string {
  return `${from}\0${to}`
}
