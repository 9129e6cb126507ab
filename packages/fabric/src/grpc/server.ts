import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, type TLSSocket } from 'node:tls'
import type { Logger } from '@heddle/core/plugin'
import { ServiceError } from '../errors.ts'
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts'
import type { Method, Methods } from './method.ts'
import { ServerCall } from './server-call.ts'
import { encodeMessage, GrpcStatus, Status } from './status.ts'

/** Key and certificate of a listener, in PEM. */
export interface ServerTls {
  readonly key: string | Uint8Array
  /** The server's certificate, and the intermediates above it. */
  readonly certificate: string | Uint8Array
  /** Authorities of client certificates. Given: every client must prove one (mutual TLS). */
  readonly clientAuthorities?: readonly (string | Uint8Array)[]
}

export interface GrpcServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Undefined: plain text, for tests on one machine only. */
  readonly tls?: ServerTls
  readonly methods: Methods
  readonly limits?: Partial<ServerLimits>
  readonly logger: Logger
}

/** Window of a stream: what a client may send before it is read. */
const STREAM_WINDOW = 1024 * 1024
/** Window of a connection: large blocks go through at the speed of the machine. */
const CONNECTION_WINDOW = 8 * 1024 * 1024
const HEADER_BYTES = 16 * 1024
/** Megabytes that node:http2 may hold for one connection. */
const SESSION_MEGABYTES = 64
/** Resets of streams by a client: a burst, then so many a second; beyond that the connection is closed ("rapid reset"). */
const RESET_BURST = 1000
const RESET_RATE = 200

/**
 * gRPC over HTTP/2, without a library: what a call costs here is a third less than with one, and its limits are ours. It knows methods
 * as bytes in, bytes out; what the bytes mean is for the services.
 */
export class GrpcServer {
  private readonly options: GrpcServerOptions
  private readonly limits: ServerLimits
  private readonly logger: Logger
  private readonly server: Http2Server | Http2SecureServer
  private readonly sessions = new Set<ServerHttp2Session>()
  private readonly calls = new Set<ServerCall>()
  private readonly sockets = new Map<string, number>()
  private readonly running = new Map<Method, number>()
  private stopping = false

  private constructor(options: GrpcServerOptions) {
    this.options = options
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.logger = options.logger.child({ subsystem: 'grpc' })
    const settings = {
      settings: {
        initialWindowSize: STREAM_WINDOW,
        maxConcurrentStreams: this.limits.streamsPerConnection,
        maxHeaderListSize: HEADER_BYTES,
        enablePush: false,
      },
      maxSessionMemory: SESSION_MEGABYTES,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESET_RATE,
    }
    const { tls } = options
    this.server =
      tls === undefined
        ? createServer(settings)
        : createSecureServer({ ...settings, ...secureOptions(tls), handshakeTimeout: this.limits.handshake })
    this.server.maxConnections = this.limits.connections
    // The TCP connection, before the handshake: whoever floods is turned away at the door.
    this.server.on('connection', (socket: Socket) => this.admit(socket))
    this.server.on('session', (session) => this.opened(session))
    this.server.on('stream', (stream, headers) => this.received(stream, headers))
    this.server.on('tlsClientError', (error) => this.logger.debug({ err: error }, 'a TLS handshake failed'))
    this.server.on('sessionError', (error) => this.logger.debug({ err: error }, 'a connection failed'))
  }

  /** @throws ServiceError SERVICE_LISTEN_FAILED, SERVICE_BAD_CERTIFICATE */
  static async listen(options: GrpcServerOptions): Promise<GrpcServer> {
    if (options.tls !== undefined) checkTls(options.tls)
    const grpc = new GrpcServer(options)
    const { server } = grpc
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, () => {
        server.off('error', reject)
        resolve()
      })
    }).catch((cause: NodeJS.ErrnoException) => {
      const address = `${options.host}:${options.port}`
      throw new ServiceError(
        'SERVICE_LISTEN_FAILED',
        `cannot listen on ${address}: ${cause.message}`,
        { address, reason: cause.code },
        { cause },
      )
    })
    server.on('error', (error) => grpc.logger.error({ err: error }, 'the listener failed'))
    return grpc
  }

  /** Where it listens. */
  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Open connections and calls, for metrics and tests. */
  get load(): { readonly connections: number; readonly calls: number } {
    return { connections: this.sessions.size, calls: this.calls.size }
  }

  /** New connections get this certificate; those that are open go on with theirs. @throws ServiceError SERVICE_BAD_CERTIFICATE */
  rotate(tls: ServerTls): void {
    checkTls(tls)
    ;(this.server as Http2SecureServer).setSecureContext(secureOptions(tls))
  }

  /** Takes no more calls, gives those under way a moment, then ends them with UNAVAILABLE. */
  async stop(): Promise<void> {
    if (this.stopping) return
    this.stopping = true
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    // Sends GOAWAY, and closes when the last call has ended.
    for (const session of this.sessions) session.close()
    const timer = setTimeout(() => {
      for (const call of this.calls) call.end(new GrpcStatus(Status.UNAVAILABLE, 'the server is stopping'))
      // What was just written still gets out.
      setImmediate(() => {
        for (const session of this.sessions) session.destroy()
      })
    }, this.limits.grace)
    await closed
    clearTimeout(timer)
  }

  private admit(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const open = (this.sockets.get(address) ?? 0) + 1
    if (open > this.limits.connectionsPerAddress) {
      socket.destroy()
      return
    }
    this.sockets.set(address, open)
    socket.setNoDelay(true)
    socket.once('close', () => {
      const left = this.sockets.get(address)! - 1
      if (left === 0) this.sockets.delete(address)
      else this.sockets.set(address, left)
    })
  }

  private opened(session: ServerHttp2Session): void {
    if (this.stopping) {
      session.destroy()
      return
    }
    this.sessions.add(session)
    session.setLocalWindowSize(CONNECTION_WINDOW)
    session.setTimeout(this.limits.idle, () => session.close())
    session.on('error', () => {})
    session.on('close', () => this.sessions.delete(session))
  }

  private received(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const method = this.options.methods[headers[':path'] as string]
    const refusal = this.refusal(headers, method)
    if (refusal !== undefined || method === undefined) {
      stream.on('error', () => {})
      const { status, message } = refusal ?? UNKNOWN_METHOD
      if (status === UNSUPPORTED_MEDIA) stream.respond({ ':status': UNSUPPORTED_MEDIA }, { endStream: true })
      else
        stream.respond(
          {
            ':status': 200,
            'content-type': 'application/grpc',
            'grpc-status': String(status),
            'grpc-message': encodeMessage(message),
          },
          { endStream: true },
        )
      if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR)
      return
    }
    this.running.set(method, (this.running.get(method) ?? 0) + 1)
    const { session } = stream
    const socket = session?.socket as TLSSocket | undefined
    const call: ServerCall = new ServerCall(
      stream,
      headers,
      method,
      {
        limits: this.limits,
        clientCertificate: () => certificateOf(session),
        remoteAddress: socket?.remoteAddress ?? '',
        fault: (path, error) => this.logger.error({ err: error, path }, 'a call failed in an unforeseen way'),
      },
      () => {
        this.calls.delete(call)
        this.running.set(method, this.running.get(method)! - 1)
      },
    )
    this.calls.add(call)
  }

  private refusal(headers: IncomingHttpHeaders, method: Method | undefined): Refusal | undefined {
    if (headers[':method'] !== 'POST' || !/^application\/grpc(?:\+proto|;|$)/.test(headers['content-type'] ?? ''))
      return { status: UNSUPPORTED_MEDIA, message: '' }
    if (method === undefined)
      return { status: Status.UNIMPLEMENTED, message: `there is no method ${String(headers[':path']).slice(0, 200)}` }
    if (this.stopping) return { status: Status.UNAVAILABLE, message: 'the server is stopping' }
    if (method.concurrency !== undefined && (this.running.get(method) ?? 0) >= method.concurrency)
      return {
        status: Status.RESOURCE_EXHAUSTED,
        message: `too many requests for ${headers[':path']}, exceeding concurrency limit (${method.concurrency})`,
      }
    return undefined
  }
}

interface Refusal {
  readonly status: number
  readonly message: string
}

const UNSUPPORTED_MEDIA = 415
const UNKNOWN_METHOD: Refusal = { status: Status.UNIMPLEMENTED, message: 'unknown method' }

const certificates = new WeakMap<Http2Session, Uint8Array | null>()

/** Read once a connection: it cannot change, since TLS 1.3 has no renegotiation and 1.2's is off for HTTP/2. */
function certificateOf(session: Http2Session | undefined): Uint8Array | undefined {
  if (session === undefined) return undefined
  let known = certificates.get(session)
  if (known === undefined) {
    const socket = session.socket as Partial<TLSSocket> | undefined
    known = socket?.getPeerCertificate?.()?.raw ?? null
    certificates.set(session, known)
  }
  return known ?? undefined
}

function secureOptions(tls: ServerTls) {
  const { clientAuthorities } = tls
  return {
    key: text(tls.key),
    cert: text(tls.certificate),
    minVersion: 'TLSv1.2' as const,
    ALPNProtocols: ['h2'],
    ...(clientAuthorities === undefined ? {} : { ca: clientAuthorities.map(text), requestCert: true, rejectUnauthorized: true }),
  }
}

function checkTls(tls: ServerTls): void {
  try {
    createSecureContext(secureOptions(tls))
  } catch (cause) {
    const reason = (cause as Error).message
    throw new ServiceError('SERVICE_BAD_CERTIFICATE', `key and certificate of the listener: ${reason}`, {}, { cause })
  }
}

function text(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}
