import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { timeoutOf } from './deadline.ts'
import { FrameReader, frame } from './frame-reader.ts'
import type { ServerLimits } from './limits.ts'
import type { Method, StreamCall, StreamReceiver } from './method.ts'
import { encodeMessage, GrpcStatus, Status } from './status.ts'

/** What a call needs of its server and connection. */
export interface CallContext {
  readonly limits: ServerLimits
  readonly clientCertificate: () => Uint8Array | undefined
  readonly remoteAddress: string
  /** Told of what is no GrpcStatus: a fault of ours, of which the client learns nothing. */
  readonly fault: (path: string, error: unknown) => void
}

const CONTENT_TYPE = 'application/grpc'
/** Milliseconds. */
const LINGER = 500
const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = constants

/** One call on one HTTP/2 stream: frames in and out, the deadline, and exactly one status at the end. */
export class ServerCall implements StreamCall {
  readonly remoteAddress: string
  private readonly stream: ServerHttp2Stream
  private readonly path: string
  private readonly context: CallContext
  private readonly reader: FrameReader
  private readonly method: Method
  private readonly closed: () => void
  private controller: AbortController | undefined
  private deadline: NodeJS.Timeout | undefined
  /** When the client gives up, by `performance.now`. */
  private expires: number | undefined
  private receiver: StreamReceiver | undefined
  private requested = false
  private halfClosed = false
  private responded = false
  private ended = false
  private waiting: (() => void)[] = []

  /** @param closed called once, when the call holds nothing any more */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: Method, context: CallContext, closed: () => void) {
    this.stream = stream
    this.path = headers[':path'] ?? ''
    this.method = method
    this.context = context
    this.closed = closed
    this.remoteAddress = context.remoteAddress
    this.reader = new FrameReader(context.limits.messageBytes)
    stream.on('data', (chunk: Buffer) => this.received(chunk))
    stream.on('end', () => this.halfClose())
    // The close that follows tells; an error without a listener would end the process.
    stream.on('error', () => {})
    stream.on('close', () => this.close())
    stream.on('drain', () => this.wake())
    const timeout = timeoutOf(headers['grpc-timeout'] as string | undefined)
    if (Number.isNaN(timeout)) this.end(new GrpcStatus(Status.INVALID_ARGUMENT, 'grpc-timeout is none'))
    else this.begin(timeout)
  }

  get signal(): AbortSignal {
    // Made when somebody asks: most unary calls never do.
    this.controller ??= new AbortController()
    if (this.stream.closed && !this.controller.signal.aborted) this.controller.abort(cancelled())
    return this.controller.signal
  }

  get clientCertificate(): Uint8Array | undefined {
    return this.context.clientCertificate()
  }

  send(message: Uint8Array): boolean {
    if (this.ended || this.stream.destroyed) return true
    this.respond()
    return this.stream.write(frame(message))
  }

  drained(): Promise<void> {
    if (this.ended || this.stream.destroyed || !this.stream.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  end(error?: unknown): void {
    if (this.ended) return
    this.ended = true
    clearTimeout(this.deadline)
    if (this.stream.destroyed) return
    const { status, message, details } = error === undefined ? OK : this.statusOf(error)
    const trailers: Record<string, string> = { 'grpc-status': String(status) }
    if (message !== '') trailers['grpc-message'] = encodeMessage(message)
    if (details !== undefined) trailers['grpc-status-details-bin'] = Buffer.from(details).toString('base64')
    if (this.responded) {
      this.stream.on('wantTrailers', () => this.sendTrailers(trailers))
      this.stream.end()
    } else {
      this.stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE, ...trailers }, { endStream: true })
      this.release()
    }
    if (error !== undefined) this.controller?.abort(error)
    this.wake()
  }

  private begin(timeout: number | undefined): void {
    const { method, context } = this
    if (timeout !== undefined) this.expires = performance.now() + timeout
    if (method.kind === 'unary') {
      // A request that trickles in holds its memory for a bounded time, whatever the client says of its deadline.
      this.arm(Math.min(timeout ?? Number.POSITIVE_INFINITY, context.limits.request))
      return
    }
    if (timeout !== undefined) this.arm(timeout)
    try {
      this.receiver = method.open(this)
    } catch (error) {
      this.end(error)
    }
  }

  private arm(delay: number): void {
    clearTimeout(this.deadline)
    this.deadline = setTimeout(() => this.end(new GrpcStatus(Status.DEADLINE_EXCEEDED, 'the deadline has passed')), delay)
    this.deadline.unref()
  }

  private received(chunk: Buffer): void {
    if (this.ended) return
    try {
      this.reader.push(chunk, (message) => this.take(message))
    } catch (error) {
      this.end(error)
    }
  }

  private take(message: Buffer): void {
    if (this.ended) return
    const { method } = this
    if (method.kind === 'stream') {
      this.receiver?.message(message)
      return
    }
    if (this.requested) throw new GrpcStatus(Status.INVALID_ARGUMENT, 'a unary call has one message')
    this.requested = true
    this.requestCame()
    method.handle(message, this).then(
      (answer) => this.answer(answer),
      (error) => this.end(error),
    )
  }

  /** From here on only the client's own deadline counts, if it gave one. */
  private requestCame(): void {
    clearTimeout(this.deadline)
    if (this.expires !== undefined) this.arm(Math.max(0, this.expires - performance.now()))
  }

  private answer(message: Uint8Array): void {
    if (this.ended || this.stream.destroyed) return
    this.ended = true
    clearTimeout(this.deadline)
    this.respond()
    this.stream.on('wantTrailers', () => this.sendTrailers(OK_TRAILERS))
    this.stream.end(frame(message))
  }

  private respond(): void {
    if (this.responded) return
    this.responded = true
    this.stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE }, { waitForTrailers: true })
  }

  private sendTrailers(trailers: Record<string, string>): void {
    this.stream.sendTrailers(trailers)
    this.release()
  }

  /**
   * A client half-closes when it has the status. One that does not is cut off a moment later: a reset at once would overtake the
   * trailers.
   */
  private release(): void {
    if (this.halfClosed || this.stream.closed) return
    this.deadline = setTimeout(() => this.stream.close(NGHTTP2_NO_ERROR), LINGER)
    this.deadline.unref()
  }

  private halfClose(): void {
    this.halfClosed = true
    if (this.ended) return
    if (this.reader.within) this.end(new GrpcStatus(Status.INVALID_ARGUMENT, 'the last message is cut off'))
    else if (this.method.kind === 'stream') this.receiver?.halfClosed()
    else if (!this.requested) this.end(new GrpcStatus(Status.INVALID_ARGUMENT, 'a unary call needs a message'))
  }

  private close(): void {
    clearTimeout(this.deadline)
    const broken = !this.ended
    this.ended = true
    if (broken || this.stream.rstCode === NGHTTP2_CANCEL) this.controller?.abort(cancelled())
    this.wake()
    this.closed()
  }

  private wake(): void {
    const waiting = this.waiting
    if (waiting.length === 0) return
    this.waiting = []
    for (const resolve of waiting) resolve()
  }

  private statusOf(error: unknown): { status: number; message: string; details: Uint8Array | undefined } {
    if (error instanceof GrpcStatus) return error
    this.context.fault(this.path, error)
    return { status: Status.INTERNAL, message: 'internal error', details: undefined }
  }
}

const OK = Object.freeze({ status: Status.OK, message: '', details: undefined })
const OK_TRAILERS: Record<string, string> = { 'grpc-status': '0' }

function cancelled(): GrpcStatus {
  return new GrpcStatus(Status.CANCELLED, 'the client is gone')
}
