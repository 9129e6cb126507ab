import { HeddleError } from '../../model/errors.ts'
import type { Counter, Metrics } from '../../ports/metrics.ts'
import type { RemoteNode, Route, Transport } from '../../ports/transport.ts'
import { noMetrics } from './metrics.ts'
import { TransportError } from './transport-errors.ts'

export interface HubOptions {
  /** Largest message. Default 128 MiB: a block of Fabric's absolute limit many times over. */
  readonly maxMessageBytes?: number
  /** One-way messages that wait for one receiver, per sender; then the oldest is dropped. Default 4,096. */
  readonly maxQueue?: number
  /** Requests and streams from one node to another at once. Default 4,096. */
  readonly maxRequests?: number
}

type MessageHandler = (from: RemoteNode, message: Uint8Array) => void
type RequestHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>
type StreamHandler = (from: RemoteNode, message: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array>

/** One-way messages handled in one turn before timers and disks get theirs. */
const MESSAGES_A_TURN = 256

/**
 * Connects nodes of one process: the same interface as a network, but a message is handed over as it is, without a copy.
 * Who takes part is authenticated by having been given the hub. Messages are never handled inside the sender's call.
 */
export class InProcessHub {
  readonly limits: Required<HubOptions>
  readonly #nodes = new Map<string, InProcessTransport>()
  readonly #cut = new Set<string>()

  constructor(options: HubOptions = {}) {
    this.limits = { maxMessageBytes: 128 << 20, maxQueue: 4096, maxRequests: 4096, ...options }
  }

  /** A node's transport; it is reachable from `start` to `stop`. */
  connect(self: RemoteNode, metrics: Metrics = noMetrics): Transport {
    return new InProcessTransport(this, self, metrics)
  }

  /** Cuts the connection between two nodes, for tests: messages are lost, requests fail, streams end. */
  cut(a: string, b: string): void {
    this.#cut.add(linkKey(a, b))
    this.#nodes.get(a)?.dropLinks(b)
    this.#nodes.get(b)?.dropLinks(a)
  }

  /** Heals the connection between two nodes; without arguments, all. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) this.#cut.clear()
    else this.#cut.delete(linkKey(a, b))
  }

  /** @internal */
  add(transport: InProcessTransport): void {
    const known = this.#nodes.get(transport.self)
    if (known !== undefined && known !== transport) {
      throw new TransportError('TRANSPORT_BAD_HANDLER', `two nodes are called ${transport.self}`, { node: transport.self })
    }
    this.#nodes.set(transport.self, transport)
  }

  /** @internal */
  drop(transport: InProcessTransport): void {
    if (this.#nodes.get(transport.self) === transport) this.#nodes.delete(transport.self)
    for (const other of this.#nodes.values()) other.dropLinks(transport.self)
  }

  /** @internal */
  find(from: string, to: string): InProcessTransport | undefined {
    return this.#cut.has(linkKey(from, to)) ? undefined : this.#nodes.get(to)
  }
}

class InProcessTransport implements Transport {
  readonly self: string
  readonly #hub: InProcessHub
  readonly #identity: RemoteNode
  readonly #dropped: Counter
  readonly #messages = new Map<string, MessageHandler>()
  readonly #requests = new Map<string, RequestHandler>()
  readonly #streams = new Map<string, StreamHandler>()
  /** One-way messages that came in, by sender. */
  readonly #inbox = new Map<string, { readonly from: RemoteNode; readonly key: string; readonly message: Uint8Array }[]>()
  /** What is under way, by the node at the other end. */
  readonly #links = new Map<string, Set<AbortController>>()
  #draining = false
  #started = false

  constructor(hub: InProcessHub, identity: RemoteNode, metrics: Metrics) {
    this.self = identity.name
    this.#hub = hub
    this.#identity = identity
    this.#dropped = metrics.counter(
      'heddle_transport_dropped_messages_total',
      'One-way messages dropped because the receiver was slow',
    )
  }

  async start(): Promise<void> {
    this.#hub.add(this)
    this.#started = true
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.#hub.drop(this)
    for (const to of [...this.#links.keys()]) this.dropLinks(to)
    this.#inbox.clear()
  }

  send(route: Route, message: Uint8Array): void {
    this.#checkSize(message)
    if (!this.#started) return
    this.#hub.find(this.self, route.to)?.take(this.#identity, serviceKey(route), message)
  }

  onMessage(service: string, channel: string, handler: MessageHandler): void {
    this.#register(this.#messages, service, channel, handler)
  }

  async request(route: Route, message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const { target, link, end } = this.#begin(route, message, signal)
    try {
      // Never inside the caller's turn, as with a network.
      await undefined
      const handler = target.#requests.get(serviceKey(route))
      if (handler === undefined) throw noService(route)
      return await raceAbort(handler(this.#identity, message, link.signal), link)
    } catch (error) {
      throw remoteError(error, route, link)
    } finally {
      end()
    }
  }

  onRequest(service: string, channel: string, handler: RequestHandler): void {
    this.#register(this.#requests, service, channel, handler)
  }

  async *stream(route: Route, message: Uint8Array, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const { target, link, end } = this.#begin(route, message, signal)
    let answers: AsyncIterator<Uint8Array> | undefined
    try {
      await undefined
      const handler = target.#streams.get(serviceKey(route))
      if (handler === undefined) throw noService(route)
      answers = handler(this.#identity, message, link.signal)[Symbol.asyncIterator]()
      for (;;) {
        const answer = await raceAbort(answers.next(), link)
        if (answer.done === true) return
        this.#checkSize(answer.value)
        yield answer.value
      }
    } catch (error) {
      throw remoteError(error, route, link)
    } finally {
      end()
      link.abort(new TransportError('TRANSPORT_ABORTED', 'the reader left'))
      // A handler that waits for something else than the signal must not hold up the reader.
      answers?.return?.().catch(() => {})
    }
  }

  onStream(service: string, channel: string, handler: StreamHandler): void {
    this.#register(this.#streams, service, channel, handler)
  }

  withdraw(service: string, channel: string): void {
    const key = serviceKey({ service, channel })
    this.#messages.delete(key)
    this.#requests.delete(key)
    this.#streams.delete(key)
  }

  /** Ends what is under way with another node. */
  dropLinks(to: string): void {
    for (const link of this.#links.get(to) ?? []) {
      link.abort(
        new TransportError('TRANSPORT_CLOSED', `the connection between ${this.self} and ${to} ended`, { from: this.self, to }),
      )
    }
    this.#inbox.delete(to)
  }

  /** A one-way message from another node. */
  take(from: RemoteNode, key: string, message: Uint8Array): void {
    let queue = this.#inbox.get(from.name)
    if (queue === undefined) {
      queue = []
      this.#inbox.set(from.name, queue)
    }
    if (queue.length >= this.#hub.limits.maxQueue) {
      queue.shift()
      this.#dropped.add()
    }
    queue.push({ from, key, message })
    if (this.#draining) return
    this.#draining = true
    queueMicrotask(() => this.#drain())
  }

  #drain(): void {
    let left = MESSAGES_A_TURN
    for (const [name, queue] of this.#inbox) {
      this.#inbox.delete(name)
      for (let i = 0; i < queue.length; i++) {
        if (left-- === 0) {
          const rest = queue.slice(i)
          this.#inbox.set(name, rest.concat(this.#inbox.get(name) ?? []))
          setImmediate(() => this.#drain())
          return
        }
        const { from, key, message } = queue[i]!
        try {
          this.#messages.get(key)?.(from, message)
        } catch (error) {
          // A broken handler ends the process, as an uncaught error does, but not the delivery to others.
          setImmediate(() => {
            throw error
          })
        }
      }
    }
    this.#draining = false
  }

  #begin(
    route: Route,
    message: Uint8Array,
    signal: AbortSignal | undefined,
  ): { target: InProcessTransport; link: AbortController; end(): void } {
    this.#checkSize(message)
    if (!this.#started) throw new TransportError('TRANSPORT_CLOSED', `${this.self} is stopped`, { node: this.self })
    if (signal?.aborted === true) throw aborted(route, signal)
    const target = this.#hub.find(this.self, route.to)
    if (target === undefined) {
      throw new TransportError('TRANSPORT_UNREACHABLE', `${this.self} cannot reach ${route.to}`, {
        from: this.self,
        to: route.to,
      })
    }
    let links = this.#links.get(route.to)
    if (links === undefined) {
      links = new Set()
      this.#links.set(route.to, links)
    }
    if (links.size >= this.#hub.limits.maxRequests) {
      throw new TransportError('TRANSPORT_BUSY', `${links.size} requests from ${this.self} to ${route.to} are waiting`, {
        to: route.to,
      })
    }
    const link = new AbortController()
    const giveUp = (): void => link.abort(aborted(route, signal!))
    signal?.addEventListener('abort', giveUp, { once: true })
    links.add(link)
    const end = (): void => {
      links.delete(link)
      signal?.removeEventListener('abort', giveUp)
    }
    return { target, link, end }
  }

  #register<H>(handlers: Map<string, H>, service: string, channel: string, handler: H): void {
    const key = serviceKey({ service, channel })
    if (handlers.has(key)) {
      throw new TransportError('TRANSPORT_BAD_HANDLER', `${this.self} has a handler for ${service} of ${channel} already`, {
        service,
        channel,
      })
    }
    handlers.set(key, handler)
  }

  #checkSize(message: Uint8Array): void {
    const { maxMessageBytes } = this.#hub.limits
    if (message.length > maxMessageBytes) {
      const data = { bytes: message.length, limit: maxMessageBytes }
      throw new TransportError(
        'TRANSPORT_TOO_LARGE',
        `a message of ${message.length} bytes, at most ${maxMessageBytes} are carried`,
        data,
      )
    }
  }
}

/** The promise, or the reason of the abort when that comes first. */
function raceAbort<T>(promise: Promise<T>, link: AbortController): Promise<T> {
  const { signal } = link
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (): void => signal.removeEventListener('abort', onAbort)
    promise.then(
      (value) => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
  })
}

/** What the caller sees of an error at the other end: a typed one as it is, anything else without its inside. */
function remoteError(error: unknown, route: Route, link: AbortController): Error {
  if (link.signal.aborted && link.signal.reason instanceof TransportError) return link.signal.reason as Error
  if (error instanceof HeddleError) return error
  const message = `${route.service} on ${route.to} failed: ${(error as Error | undefined)?.message ?? error}`
  return new TransportError('TRANSPORT_HANDLER_FAILED', message, { ...route }, { cause: error })
}

function aborted(route: Route, signal: AbortSignal): TransportError {
  const data = { ...route }
  return new TransportError('TRANSPORT_ABORTED', `${route.service} on ${route.to} was given up`, data, { cause: signal.reason })
}

function noService(route: Route): TransportError {
  const message = `${route.to} does not serve ${route.service} of channel ${route.channel}`
  return new TransportError('TRANSPORT_NO_SERVICE', message, { ...route })
}

function serviceKey({ service, channel }: { service: string; channel: string }): string {
  return `${service}\0${channel}`
}

function linkKey(a: string, b: string): string {
  return a < b ? `${a}\0${b}` : `${b}\0${a}`
}

/** A hub that connects the nodes of one process. */
export function inProcessHub(options?: HubOptions): InProcessHub {
  return new InProcessHub(options)
}
