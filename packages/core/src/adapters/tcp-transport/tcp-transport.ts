import type { TLSSocket } from 'node:tls'
import { errorCatalogue } from '../../model/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Random } from '../../ports/random.ts'
import type { Route, Transport } from '../../ports/transport.ts'
import { inProcessHub } from '../environment/in-process-transport.ts'
import { TransportError } from '../environment/transport-errors.ts'
import type { Admission, Admitted, Credentials } from './admission.ts'
import { Dialer } from './dialer.ts'
import type { FrameReader, Hello, Lane } from './frame.ts'
import { MAX_CHANNEL, MAX_SERVICE } from './frame.ts'
import { greet } from './greeting.ts'
import type { Budget } from './inbox.ts'
import { TCP_LIMITS, type TcpLimits } from './limits.ts'
import { Link, type LinkCounts } from './link.ts'
import { type Endpoint, Listener } from './listener.ts'
import type { RouteName } from './outbox.ts'
import { type MessageHandler, type RequestHandler, Services, type StreamHandler, serviceKey } from './services.ts'

export interface TcpTransportOptions {
  /** Name of the node, as its certificate has it. */
  readonly self: string
  /** SerializedIdentity of the node. */
  readonly identity: Uint8Array
  readonly credentials: Credentials
  /** Where to listen. Absent: this side only calls others. */
  readonly listen?: Endpoint
  /** Where a node can be reached; asked at each attempt. */
  readonly addressOf: (name: string) => Endpoint | undefined
  readonly admission: Admission
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits?: Partial<TcpLimits>
}

/** Connections of one lane that a node may have to this one at a time: a restarted one comes before its old connections are known dead. */
const CONNECTIONS_OF_NODE = 3

/**
 * The transport between processes: TLS 1.3 with the nodes' own certificates on both sides, judged by the network's membership.
 *
 * Each side calls the other over connections of its own, so that nobody has to agree on who calls whom: what a node asks goes over its
 * connections, the answers come back on them. It has two to a node, made when first used: one for messages and requests, one for streams.
 * What was written to a socket can be overtaken by nothing, so blocks under way, megabytes in the kernel's buffers, stay apart from
 * consensus. Within one connection transfers take turns chunk by chunk.
 */
export class TcpTransport implements Transport {
  readonly self: string
  readonly #options: TcpTransportOptions
  readonly #limits: TcpLimits
  readonly #services: Services
  readonly #local: Transport
  readonly #dialers = new Map<string, { readonly messages: Dialer; readonly streams: Dialer }>()
  /** Connections that others made. */
  readonly #links = new Set<Link>()
  readonly #perPeer = new Map<string, Set<Link>>()
  readonly #routes = new Map<string, Map<string, RouteName>>()
  readonly #budget: Budget
  readonly #counts: LinkCounts
  readonly #stopWatching: () => void
  #clients = 0
  #credentials: Credentials
  #listener: Listener | undefined
  #endpoint: Endpoint | undefined
  #state: 'new' | 'started' | 'stopped' = 'new'

  constructor(options: TcpTransportOptions) {
    this.self = options.self
    this.#options = options
    this.#limits = { ...TCP_LIMITS, ...options.limits }
    this.#credentials = options.credentials
    this.#services = new Services(options.self)
    const { maxMessageBytes, maxQueue, maxRequests, maxClientPartialBytes } = this.#limits
    this.#local = inProcessHub({ maxMessageBytes, maxQueue, maxRequests }).connect({
      name: options.self,
      identity: options.identity,
    })
    let left = maxClientPartialBytes
    this.#budget = {
      take(bytes) {
        if (bytes > left) return false
        left -= bytes
        return true
      },
      give(bytes) {
        left += bytes
      },
    }
    this.#counts = this.#counters()
    this.#stopWatching = options.admission.onChange(() => this.recheck())
  }

  /** Where it listens; with the port that the system chose, if that was asked for. Undefined before `start` and without `listen`. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint
  }

  async start(): Promise<void> {
    if (this.#state === 'started') return
    this.#state = 'started'
    await this.#local.start()
    const { listen, clock } = this.#options
    if (listen === undefined) return
    this.#listener = new Listener({
      at: listen,
      self: this.self,
      credentials: this.#credentials,
      clock,
      limits: this.#limits,
      connected: (socket, known) => this.#called(socket, known),
      dropped: (reason, address) => this.#refused('incoming', reason, { address }),
    })
    this.#endpoint = await this.#listener.start()
  }

  async stop(): Promise<void> {
    if (this.#state !== 'started') return
    this.#state = 'stopped'
    this.#stopWatching()
    const reason = this.#stopped()
    for (const { messages, streams } of this.#dialers.values()) {
      messages.stop(reason)
      streams.stop(reason)
    }
    for (const link of [...this.#links]) link.close(reason, 'STOPPING')
    await this.#listener?.stop()
    await this.#local.stop()
  }

  /** Presents another certificate from now on; connections that stand go on. */
  rotate(credentials: Credentials): void {
    this.#credentials = credentials
    this.#listener?.rotate(credentials)
  }

  /** Judges everybody again: who is no member any more, or whose certificate has expired, is cut off. */
  recheck(): void {
    for (const link of this.#links) this.#judgeAgain(link)
    for (const { messages, streams } of this.#dialers.values())
      for (const { link } of [messages, streams]) if (link !== undefined) this.#judgeAgain(link)
  }

  send(route: Route, message: Uint8Array): void {
    this.#checkSize(message)
    if (this.#state !== 'started') return
    if (route.to === this.self) this.#local.send(route, message)
    else if (this.#options.addressOf(route.to) !== undefined)
      this.#dialersOf(route.to).messages.send(this.#routeName(route), message)
  }

  onMessage(service: string, channel: string, handler: MessageHandler): void {
    this.#services.register(this.#services.messages, service, channel, handler)
    this.#local.onMessage(service, channel, handler)
  }

  async request(route: Route, message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    if (route.to === this.self) return this.#local.request(route, message, signal)
    const link = await this.#linkFor('messages', route, message, signal)
    return link.request(this.#routeName(route), message, signal, () => aborted(route, signal))
  }

  onRequest(service: string, channel: string, handler: RequestHandler): void {
    this.#services.register(this.#services.requests, service, channel, handler)
    this.#local.onRequest(service, channel, handler)
  }

  async *stream(route: Route, message: Uint8Array, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    if (route.to === this.self) {
      yield* this.#local.stream(route, message, signal)
      return
    }
    const link = await this.#linkFor('streams', route, message, signal)
    const { reader, leave } = link.stream(this.#routeName(route), message)
    const giveUp = (): void => leave(aborted(route, signal))
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      for (;;) {
        const item = await reader.next()
        if (item === undefined) return
        yield item
      }
    } finally {
      signal?.removeEventListener('abort', giveUp)
      leave(new TransportError('TRANSPORT_ABORTED', 'the reader left'))
    }
  }

  onStream(service: string, channel: string, handler: StreamHandler): void {
    this.#services.register(this.#services.streams, service, channel, handler)
    this.#local.onStream(service, channel, handler)
  }

  withdraw(service: string, channel: string): void {
    this.#services.withdraw(service, channel)
    this.#local.withdraw(service, channel)
  }

  #linkFor(
    lane: Lane,
    { to, service, channel }: Route,
    message: Uint8Array,
    signal: AbortSignal | undefined,
  ): Link | Promise<Link> {
    this.#checkSize(message)
    if (this.#state !== 'started') throw this.#stopped()
    const route = { to, service, channel }
    if (signal?.aborted === true) throw aborted(route, signal)
    const connected = this.#dialersOf(to)[lane].connect()
    if (signal === undefined || !(connected instanceof Promise)) return connected
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(aborted(route, signal))
      signal.addEventListener('abort', giveUp, { once: true })
      const settled = (): void => signal.removeEventListener('abort', giveUp)
      connected.then(resolve, reject).finally(settled)
    })
  }

  #dialersOf(to: string): { readonly messages: Dialer; readonly streams: Dialer } {
    let known = this.#dialers.get(to)
    if (known === undefined) {
      if (this.#options.addressOf(to) === undefined)
        throw new TransportError('TRANSPORT_UNREACHABLE', `${this.self} knows no address of ${to}`, { from: this.self, to })
      known = { messages: this.#dialer(to, 'messages'), streams: this.#dialer(to, 'streams') }
      this.#dialers.set(to, known)
    }
    return known
  }

  #dialer(to: string, lane: Lane): Dialer {
    const { self, addressOf, admission, clock, random, logger } = this.#options
    return new Dialer({
      self,
      to,
      lane,
      addressOf,
      credentials: () => this.#credentials,
      admission,
      clock,
      random,
      limits: this.#limits,
      link: (socket, peer, hello, frames, closed) => this.#link(socket, peer, hello, frames, true, closed),
      dropped: (count) => {
        for (let i = 0; i < count; i++) this.#counts.dropped()
      },
      failed: (error) => {
        if (error.code === 'TRANSPORT_UNREACHABLE') return logger.debug({ err: error, to, lane }, 'a node cannot be reached')
        this.#refused('outgoing', String(error.data.reason ?? error.code), { to, err: error })
      },
    })
  }

  /** Somebody connected. */
  #called(socket: TLSSocket, known: () => void): void {
    const { self, admission, clock } = this.#options
    const limits = this.#limits
    greet({
      socket,
      self,
      admission,
      clock,
      limits,
      dialled: undefined,
      maxBytes: (peer) => (peer.isNode ? limits.maxMessageBytes : limits.maxClientMessageBytes),
      admitted: (peer, hello, frames) => {
        const full = this.#makeRoom(peer, hello.lane)
        if (full) return 'BUSY'
        known()
        return this.#welcome(socket, peer, hello, frames)
      },
      failed: (error) => {
        if (error.code !== 'TRANSPORT_UNREACHABLE')
          this.#refused('incoming', String(error.data.reason ?? error.code), { address: socket.remoteAddress, err: error })
      },
    })
  }

  #welcome(socket: TLSSocket, peer: Admitted, hello: Hello, frames: FrameReader): Link {
    const key = peerKey(peer, hello.lane)
    const link = this.#link(socket, peer, hello, frames, false, () => {
      this.#links.delete(link)
      const mine = this.#perPeer.get(key)
      mine?.delete(link)
      if (mine?.size === 0) this.#perPeer.delete(key)
      if (!peer.isNode) this.#clients--
      this.#connections()
    })
    this.#links.add(link)
    const mine = this.#perPeer.get(key) ?? new Set()
    this.#perPeer.set(key, mine.add(link))
    if (!peer.isNode) this.#clients++
    this.#connections()
    const back = this.#dialers.get(peer.name)
    if (peer.isNode && back !== undefined) {
      back.messages.seen()
      back.streams.seen()
    }
    return link
  }

  /** True when there is none. Clients never take the places of nodes. */
  #makeRoom(peer: Admitted, lane: Lane): boolean {
    const { maxConnections, maxConnectionsPerClient } = this.#limits
    const mine = this.#perPeer.get(peerKey(peer, lane))
    if (!peer.isNode) return (mine?.size ?? 0) >= maxConnectionsPerClient || this.#clients >= maxConnections
    if (mine !== undefined && mine.size >= CONNECTIONS_OF_NODE) {
      const [oldest] = mine
      oldest?.close(new TransportError('TRANSPORT_CLOSED', `${peer.name} connected anew`, { node: peer.name }), 'STOPPING')
    }
    return false
  }

  #link(
    socket: TLSSocket,
    peer: Admitted,
    hello: Hello,
    frames: FrameReader,
    isDialer: boolean,
    closed: (reason: TransportError) => void,
  ): Link {
    const { clock, admission } = this.#options
    const limits = this.#limits
    return new Link(
      {
        self: this.self,
        socket,
        peer,
        isDialer,
        hello,
        limits,
        maxBytes: isDialer || peer.isNode ? limits.maxMessageBytes : limits.maxClientMessageBytes,
        budget: isDialer || peer.isNode ? undefined : this.#budget,
        services: this.#services,
        admits: (who, channel) => admission.admits(who, channel),
        clock,
        counts: this.#counts,
        closed,
      },
      frames,
    )
  }

  #judgeAgain(link: Link): void {
    try {
      const { name } = this.#options.admission.judge(link.peer.certificate)
      if (name !== link.peer.name)
        throw new TransportError('TRANSPORT_PEER_REFUSED', `${link.peer.name} is now ${name}`, { reason: 'WRONG_NAME' })
      link.recheck()
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      const reason = String(error.data.reason)
      this.#refused('living', reason, { node: link.peer.name, err: error })
      link.close(error as TransportError, reason)
    }
  }

  #routeName({ service, channel }: Route): RouteName {
    let channels = this.#routes.get(service)
    if (channels === undefined) {
      channels = new Map()
      this.#routes.set(service, channels)
    }
    let name = channels.get(channel)
    if (name === undefined) {
      const tooLong = Buffer.byteLength(service) > MAX_SERVICE || Buffer.byteLength(channel) > MAX_CHANNEL || service === ''
      if (tooLong)
        throw new TransportError('TRANSPORT_NO_SERVICE', 'the name of a service or channel is too long', { service, channel })
      name = { key: serviceKey(service, channel), service, channel }
      channels.set(channel, name)
    }
    return name
  }

  #checkSize(message: Uint8Array): void {
    const { maxMessageBytes } = this.#limits
    if (message.length <= maxMessageBytes) return
    const data = { bytes: message.length, limit: maxMessageBytes }
    throw new TransportError(
      'TRANSPORT_TOO_LARGE',
      `a message of ${message.length} bytes, at most ${maxMessageBytes} are carried`,
      data,
    )
  }

  #stopped(): TransportError {
    return new TransportError('TRANSPORT_CLOSED', `${this.self} is stopped`, { node: this.self })
  }

  #refused(side: 'incoming' | 'outgoing' | 'living', reason: string, fields: object): void {
    const { metrics, logger } = this.#options
    const help = 'Connections that were refused, by this node (incoming, living) or by or at the one it called (outgoing).'
    metrics.counter('heddle_transport_refused_total', help, { node: this.self, side, reason: knownReason(reason) }).add()
    logger.warn({ ...fields, side, reason }, 'a connection was refused')
  }

  #connections(): void {
    this.#options.metrics
      .gauge('heddle_transport_connections', 'Connections that others made to this node.', { node: this.self })
      .set(this.#links.size)
  }

  #counters(): LinkCounts {
    const { metrics, logger } = this.#options
    const labels = { node: this.self }
    const received = metrics.counter(
      'heddle_transport_received_bytes_total',
      'Bytes received from other nodes and clients.',
      labels,
    )
    const violations = metrics.counter(
      'heddle_transport_violations_total',
      'Connections closed because of what came over them.',
      labels,
    )
    const dropped = metrics.counter(
      'heddle_transport_dropped_messages_total',
      'One-way messages dropped because the receiver was slow',
    )
    return {
      received: (bytes) => received.add(bytes),
      dropped: () => dropped.add(),
      violation: ({ name }, err) => {
        violations.add()
        logger.warn({ err, peer: name }, 'the other side broke the protocol')
      },
    }
  }
}

/** Reasons that are told apart in metrics. Those that another side makes up are one. */
const REASONS: ReadonlySet<string> = new Set([
  'NO_CERTIFICATE',
  'WRONG_NAME',
  'WRONG_TLS',
  'WRONG_PROTOCOL',
  'SESSION_REUSED',
  'EXPIRED',
  'NOT_GREETED',
  'TOO_MANY_FAILURES',
  'TOO_MANY_FROM_ADDRESS',
  'BUSY',
  'PROTOCOL',
  ...[...errorCatalogue.keys()].filter((code) => code.startsWith('IDENTITY_')),
])

function knownReason(reason: string): string {
  return REASONS.has(reason) ? reason : 'OTHER'
}

function peerKey({ name }: Admitted, lane: Lane): string {
  return `${lane} ${name}`
}

function aborted(route: Route, signal: AbortSignal | undefined): TransportError {
  const data = { ...route }
  return new TransportError('TRANSPORT_ABORTED', `${route.service} on ${route.to} was given up`, data, { cause: signal?.reason })
}
