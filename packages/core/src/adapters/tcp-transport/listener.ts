import { constants } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import { TransportError } from '../environment/transport-errors.ts'
import type { Credentials } from './admission.ts'
import { ALPN } from './frame.ts'
import { LINGER, type TcpLimits } from './limits.ts'

/** Where a node listens, or can be reached. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface ListenerParts {
  readonly at: Endpoint
  readonly self: string
  readonly credentials: Credentials
  readonly clock: Clock
  readonly limits: TcpLimits
  /** A TLS handshake is over; nobody knows yet who it is. `known` is called once the connection stands. */
  readonly connected: (socket: tls.TLSSocket, known: () => void) => void
  /** A connection ended before its other side was known, or was not let in at all. */
  readonly dropped: (reason: string, address: string) => void
}

/** No session outlives its connection: each one proves its key. */
function serverContext(credentials: Credentials): tls.SecureContext {
  const { cert, key, minVersion, maxVersion } = tlsOptions(credentials)
  return tls.createSecureContext({ cert, key, minVersion, maxVersion, secureOptions: constants.SSL_OP_NO_TICKET })
}

/** What both sides of a connection ask of TLS: 1.3 only, certificates of both sides, which this code judges and not OpenSSL. */
export function tlsOptions({ certificates, privateKey }: Credentials) {
  return {
    cert: certificates,
    key: privateKey,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
  } as const
}

/** Span over which failures of an address are counted, milliseconds; and addresses that are remembered. */
const FAILURE_SPAN = 10_000
const MAX_ADDRESSES = 10_000

/** Accepts connections, and keeps strangers few, short and cheap. */
export class Listener {
  readonly #parts: ListenerParts
  readonly #server: net.Server
  #context: tls.SecureContext
  /** Connections whose other side is not known, the oldest first. */
  readonly #pending = new Map<tls.TLSSocket, string>()
  readonly #sockets = new Set<tls.TLSSocket>()
  readonly #perAddress = new Map<string, number>()
  #failures = new Map<string, number>()
  #failuresSince = 0

  constructor(parts: ListenerParts) {
    this.#parts = parts
    this.#context = serverContext(parts.credentials)
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  /** Resolves with the port. @throws TransportError TRANSPORT_LISTEN_FAILED */
  start(): Promise<Endpoint> {
    const { host, port } = this.#parts.at
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(
          new TransportError(
            'TRANSPORT_LISTEN_FAILED',
            `${this.#parts.self} cannot listen on ${host}:${port}: ${cause.message}`,
            { node: this.#parts.self, host, port },
            { cause },
          ),
        )
      this.#server.once('error', failed)
      this.#server.listen({ host, port, backlog: 511 }, () => {
        this.#server.off('error', failed)
        this.#server.on('error', () => {})
        resolve({ host, port: (this.#server.address() as net.AddressInfo).port })
      })
    })
  }

  /** Certificates of new connections from now on. */
  rotate(credentials: Credentials): void {
    this.#context = serverContext(credentials)
  }

  /** No new connections, and an end to those that are not known. */
  stop(): Promise<void> {
    for (const socket of this.#pending.keys()) socket.destroy()
    return new Promise((resolve) => {
      if (!this.#server.listening) return resolve()
      // Connections that stand have been told to end; who does not gets no more patience.
      const timer = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy()
      }, LINGER)
      this.#server.close(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #accept(raw: net.Socket): void {
    const { limits, clock, connected, dropped } = this.#parts
    const address = raw.remoteAddress ?? ''
    raw.on('error', () => {})
    const before = this.#perAddress.get(address) ?? 0
    const isFailing = this.#failuresOf(address) >= limits.maxFailuresPerAddress
    if (isFailing || before >= limits.maxPendingPerAddress) {
      dropped(isFailing ? 'TOO_MANY_FAILURES' : 'TOO_MANY_FROM_ADDRESS', address)
      raw.destroy()
      return
    }
    if (this.#pending.size >= limits.maxPending) {
      // Members are through in milliseconds: who has waited longest is most likely a stranger.
      const [oldest] = this.#pending.keys()
      oldest?.destroy()
    }
    // From here on only the TLS socket is touched: the one below is its own.
    const socket = new tls.TLSSocket(raw, {
      isServer: true,
      secureContext: this.#context,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [ALPN],
    })
    this.#sockets.add(socket)
    this.#pending.set(socket, address)
    this.#perAddress.set(address, before + 1)
    const timer = clock.setTimer(limits.handshakeTimeout, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      timer.cancel()
      this.#sockets.delete(socket)
      if (!this.#forget(socket)) return
      this.#failed(address)
      dropped('NOT_GREETED', address)
    })
    socket.once('secure', () => {
      timer.cancel()
      connected(socket, () => this.#forget(socket))
    })
  }

  #forget(socket: tls.TLSSocket): boolean {
    const address = this.#pending.get(socket)
    if (address === undefined) return false
    this.#pending.delete(socket)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
    return true
  }

  #failuresOf(address: string): number {
    const now = this.#parts.clock.monotonic()
    if (now - this.#failuresSince > FAILURE_SPAN || this.#failures.size > MAX_ADDRESSES) {
      this.#failures = new Map()
      this.#failuresSince = now
    }
    return this.#failures.get(address) ?? 0
  }

  #failed(address: string): void {
    this.#failures.set(address, this.#failuresOf(address) + 1)
  }
}
