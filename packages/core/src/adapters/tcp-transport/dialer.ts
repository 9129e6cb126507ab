import tls from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { TransportError } from '../environment/transport-errors.ts'
import type { Admission, Admitted, Credentials } from './admission.ts'
import type { FrameReader, Hello, Lane } from './frame.ts'
import { greet } from './greeting.ts'
import type { TcpLimits } from './limits.ts'
import type { Link } from './link.ts'
import { type Endpoint, tlsOptions } from './listener.ts'
import type { RouteName } from './outbox.ts'

export interface DialerParts {
  readonly self: string
  readonly to: string
  readonly lane: Lane
  readonly addressOf: (name: string) => Endpoint | undefined
  readonly credentials: () => Credentials
  readonly admission: Admission
  readonly clock: Clock
  readonly random: Random
  readonly limits: TcpLimits
  readonly link: (
    socket: tls.TLSSocket,
    peer: Admitted,
    hello: Hello,
    frames: FrameReader,
    closed: (reason: TransportError) => void,
  ) => Link
  readonly dropped: (count: number) => void
  readonly failed: (error: TransportError) => void
}

/** The connection from this node to another: made when it is wanted, and again, at growing intervals, when it failed. */
export class Dialer {
  readonly #parts: DialerParts
  #link: Link | undefined
  #dialling: Promise<Link> | undefined
  #socket: tls.TLSSocket | undefined
  /** One-way messages that came while the connection was being made. */
  #early: { readonly route: RouteName; readonly message: Uint8Array }[] = []
  #earlyBytes = 0
  #failures = 0
  #failure: TransportError | undefined
  #notBefore = 0
  #since = 0
  #stopped = false

  constructor(parts: DialerParts) {
    this.#parts = parts
  }

  /** The connection, if it stands. */
  get link(): Link | undefined {
    return this.#link
  }

  send(route: RouteName, message: Uint8Array): void {
    if (this.#link !== undefined) {
      this.#link.send(route, message)
      return
    }
    if (this.#dialling === undefined) {
      // Who fails now is tried again later; what was to be said meanwhile is old by then.
      if (this.#resting()) {
        this.#parts.dropped(1)
        return
      }
      this.#dial().catch(() => {})
    }
    const { maxQueue, maxQueueBytes } = this.#parts.limits
    this.#early.push({ route, message })
    this.#earlyBytes += message.length
    while (this.#early.length > maxQueue || (this.#earlyBytes > maxQueueBytes && this.#early.length > 1)) {
      this.#earlyBytes -= this.#early.shift()!.message.length
      this.#parts.dropped(1)
    }
  }

  /** The connection, once it stands. @throws TransportError TRANSPORT_UNREACHABLE, TRANSPORT_REFUSED, ... */
  connect(): Link | Promise<Link> {
    if (this.#link !== undefined) return this.#link
    if (this.#dialling !== undefined) return this.#dialling
    if (this.#resting()) throw this.#failure!
    return this.#dial()
  }

  /** The other side was heard of: there is no reason to wait any longer. */
  seen(): void {
    this.#notBefore = 0
  }

  stop(reason: TransportError): void {
    this.#stopped = true
    this.#socket?.destroy(reason)
    this.#link?.close(reason, 'STOPPING')
    this.#dropEarly()
  }

  #resting(): boolean {
    return this.#failure !== undefined && this.#parts.clock.monotonic() < this.#notBefore
  }

  #dial(): Promise<Link> {
    const dialling = this.#attempt()
    this.#dialling = dialling
    dialling.then(
      (link) => {
        this.#dialling = undefined
        if (link.over !== undefined) return this.#dropEarly()
        this.#link = link
        this.#since = this.#parts.clock.monotonic()
        const early = this.#early
        this.#early = []
        this.#earlyBytes = 0
        for (const { route, message } of early) link.send(route, message)
      },
      (error: TransportError) => {
        this.#dialling = undefined
        this.#dropEarly()
        this.#rest(error)
        this.#parts.failed(error)
      },
    )
    return dialling
  }

  #attempt(): Promise<Link> {
    const { to, self, lane, addressOf, credentials, admission, clock, limits } = this.#parts
    const unreachable = (why: string, cause?: unknown): TransportError =>
      new TransportError('TRANSPORT_UNREACHABLE', `${self} cannot reach ${to}: ${why}`, { from: self, to }, { cause })
    const address = addressOf(to)
    if (address === undefined) return Promise.reject(unreachable('no address is known'))
    if (this.#stopped) return Promise.reject(new TransportError('TRANSPORT_CLOSED', `${self} is stopped`, { node: self }))
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...tlsOptions(credentials()),
        host: address.host,
        port: address.port,
        servername: '',
        checkServerIdentity: () => undefined,
      })
      socket.setNoDelay(true)
      this.#socket = socket
      const timer = clock.setTimer(limits.handshakeTimeout, () => {
        reject(unreachable('it does not answer'))
        socket.destroy()
      })
      const early = (error: Error): void => {
        timer.cancel()
        reject(unreachable(error.message, error))
        socket.destroy()
      }
      const ended = (): void => early(new Error('it closed the connection'))
      socket.on('error', early)
      socket.on('close', ended)
      socket.on('secureConnect', () => {
        timer.cancel()
        socket.off('close', ended)
        greet({
          socket,
          self,
          admission,
          clock,
          limits,
          dialled: { name: to, lane },
          maxBytes: () => limits.maxMessageBytes,
          admitted: (peer, hello, frames) => {
            const link = this.#parts.link(socket, peer, hello, frames, (reason) => this.#lost(reason))
            resolve(link)
            return link
          },
          failed: reject,
        })
      })
    })
  }

  #lost(reason: TransportError): void {
    const lived = this.#parts.clock.monotonic() - this.#since
    const stood = this.#link !== undefined
    this.#link = undefined
    // One that stood for a while may be back at once; one that ends as soon as it stands is a failure like others.
    if (stood && lived > this.#parts.limits.maxBackoff) this.#failures = 0
    if (!stood || lived <= this.#parts.limits.maxBackoff || reason.code === 'TRANSPORT_REFUSED') this.#rest(reason)
  }

  #rest(error: TransportError): void {
    const { clock, random, limits, self, to } = this.#parts
    const pause = Math.min(limits.maxBackoff, limits.firstBackoff * 2 ** Math.min(this.#failures, 20))
    this.#failures++
    this.#failure =
      error.code === 'TRANSPORT_CLOSED'
        ? new TransportError(
            'TRANSPORT_UNREACHABLE',
            `${self} cannot reach ${to}: ${error.message}`,
            { from: self, to },
            { cause: error },
          )
        : error
    // Half of it by chance, so that all who lost one node do not come back together.
    this.#notBefore = clock.monotonic() + pause * (0.5 + random.float() / 2)
  }

  #dropEarly(): void {
    if (this.#early.length > 0) this.#parts.dropped(this.#early.length)
    this.#early = []
    this.#earlyBytes = 0
  }
}
