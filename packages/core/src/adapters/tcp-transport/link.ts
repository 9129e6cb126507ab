import type { TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../../ports/clock.ts'
import { TransportError } from '../environment/transport-errors.ts'
import type { Admitted } from './admission.ts'
import { Answering } from './answering.ts'
import { Asking } from './asking.ts'
import { encodeFrame, type Frame, FrameError, type FrameReader, FrameType, type Hello, MAX_FRAME } from './frame.ts'
import type { Budget } from './inbox.ts'
import { LINGER, type TcpLimits } from './limits.ts'
import { Outbox, type RouteName } from './outbox.ts'
import type { Services } from './services.ts'
import type { StreamReader } from './stream-reader.ts'

export interface LinkParts {
  readonly self: string
  readonly socket: TLSSocket
  readonly peer: Admitted
  /** This side opened the connection: it asks, the other one answers. */
  readonly isDialer: boolean
  /** What the other side said of its limits. */
  readonly hello: Hello
  readonly limits: TcpLimits
  /** Largest transfer that this side takes. */
  readonly maxBytes: number
  readonly budget: Budget | undefined
  readonly services: Services
  readonly admits: (peer: Admitted, channel: string) => boolean
  readonly clock: Clock
  readonly counts: LinkCounts
  readonly closed: (reason: TransportError) => void
}

/** Where a connection counts. */
export interface LinkCounts {
  received(bytes: number): void
  dropped(): void
  violation(peer: Admitted, error: Error): void
}

/** One connection on which both sides know each other. */
export class Link {
  readonly peer: Admitted
  readonly #parts: LinkParts
  readonly #socket: TLSSocket
  readonly #outbox: Outbox
  readonly #frames: FrameReader
  readonly #asking: Asking | undefined
  readonly #answering: Answering | undefined
  readonly #maxMessage: number
  #paused = false
  /** When the other side was last heard, and whether it was asked since. */
  #heard: number
  #asked = false
  #written = 0
  #writtenAt: number
  #timer: Timer | undefined
  #over: TransportError | undefined

  /** @param frames what the greeting was read with: it may hold the beginning of more */
  constructor(parts: LinkParts, frames: FrameReader) {
    const { self, socket, peer, limits, hello, maxBytes } = parts
    this.#parts = parts
    this.peer = peer
    this.#socket = socket
    this.#frames = frames
    frames.limit = MAX_FRAME
    this.#maxMessage = Math.min(hello.maxMessageBytes, limits.maxMessageBytes)
    this.#outbox = new Outbox(socket, {
      maxQueue: limits.maxQueue,
      maxQueueBytes: limits.maxQueueBytes,
      maxPartialBytes: hello.maxMessageBytes,
      dropped: () => parts.counts.dropped(),
    })
    const outbox = this.#outbox
    const { maxRequests, streamWindow } = limits
    if (parts.isDialer)
      this.#asking = new Asking({
        self,
        to: peer.name,
        outbox,
        maxQuestion: this.#maxMessage,
        maxAnswer: maxBytes,
        maxRequests,
        streamWindow,
      })
    else
      this.#answering = new Answering({
        ...parts,
        maxRequests: peer.isNode ? limits.maxRequests : limits.maxClientRequests,
        outbox,
        maxQuestion: maxBytes,
        maxAnswer: this.#maxMessage,
        streamWindow: hello.streamWindow,
        pause: (paused) => this.#pause(paused),
      })
    this.#heard = parts.clock.monotonic()
    this.#writtenAt = this.#heard
    this.#watch()
  }

  /** Takes what came right behind the greeting. */
  begin(): void {
    this.received(NOTHING)
  }

  /** Why it is over; undefined while it lives. */
  get over(): TransportError | undefined {
    return this.#over
  }

  send(route: RouteName, message: Uint8Array): void {
    if (message.length > this.#maxMessage) this.#parts.counts.dropped()
    else this.#outbox.message(route, message)
  }

  request(
    route: RouteName,
    message: Uint8Array,
    signal: AbortSignal | undefined,
    aborted: () => TransportError,
  ): Promise<Uint8Array> {
    if (this.#over !== undefined) return Promise.reject(untouched(this.#over))
    return this.#asking!.request(route, message, signal, aborted)
  }

  /** Opens a stream; `leave` tells the source that nobody reads any more. */
  stream(route: RouteName, message: Uint8Array): { readonly reader: StreamReader; leave(reason: Error): void } {
    if (this.#over !== undefined) throw untouched(this.#over)
    return this.#asking!.stream(route, message)
  }

  /** The membership changed: who may use which channel is asked again. */
  recheck(): void {
    this.#answering?.recheck()
  }

  /** Bytes that came in. */
  received(data: Buffer): void {
    if (this.#over !== undefined) return
    this.#heard = this.#parts.clock.monotonic()
    this.#asked = false
    this.#parts.counts.received(data.length)
    try {
      this.#frames.push(data, (frame) => {
        this.#take(frame)
        return this.#over === undefined && !this.#paused
      })
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.#parts.counts.violation(this.peer, error)
      const message = `${this.peer.name} broke the protocol: ${error.message}`
      this.close(new TransportError('TRANSPORT_PROTOCOL', message, { node: this.peer.name }), 'PROTOCOL')
    }
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#outbox.drained()
  }

  /**
   * Ends the connection: what waits for the other side fails with the reason, except that what had not begun to leave may be tried again.
   *
   * @param farewell what the other side is told; undefined when it cannot hear
   */
  close(reason: TransportError, farewell?: string): void {
    if (this.#over !== undefined) return
    this.#over = reason
    this.#timer?.cancel()
    if (farewell !== undefined) {
      // What was answered already may still reach the other side.
      this.#outbox.flush()
      this.#socket.write(encodeFrame(FrameType.BYE, 0, 0, Buffer.from(farewell)))
      this.#socket.end()
      this.#socket.resume()
      this.#parts.clock.setTimer(LINGER, () => this.#socket.destroy())
    }
    this.#asking?.close(reason, untouched(reason))
    this.#answering?.close(reason)
    this.#outbox.close()
    this.#parts.closed(reason)
  }

  #take(frame: Frame): void {
    const { type, id } = frame
    if (type === FrameType.PING) {
      // Who asks without end and reads no answer would fill the memory.
      if (this.#outbox.controls >= MAX_PONGS) throw new FrameError('too many pings')
      this.#outbox.control(FrameType.PONG, 0, id)
    } else if (type === FrameType.BYE) this.#farewell(frame.body)
    else if (type !== FrameType.PONG) (this.#asking ?? this.#answering)!.take(frame)
  }

  #farewell(body: Buffer): void {
    const reason = body.toString('latin1', 0, 64).replace(/[^A-Z0-9_]/g, '?')
    const { name } = this.peer
    const data = { node: name, reason }
    if (reason === 'STOPPING') this.close(new TransportError('TRANSPORT_CLOSED', `${name} stopped`, data))
    else this.close(new TransportError('TRANSPORT_REFUSED', `${name} ended the connection: ${reason}`, data))
    this.#socket.end()
  }

  #pause(paused: boolean): void {
    this.#paused = paused
    if (paused) {
      this.#socket.pause()
      return
    }
    // What came in before the pause and was not looked at goes first.
    setImmediate(() => {
      if (this.#paused || this.#over !== undefined) return
      this.received(NOTHING)
      if (!this.#paused) this.#socket.resume()
    })
  }

  /** Asks for a sign of life where there is none, and gives up on who gives none. */
  #watch(): void {
    const { clock, limits } = this.#parts
    this.#timer = clock.setTimer(limits.pingInterval, () => {
      if (this.#over !== undefined) return
      const { name, expiresAt } = this.peer
      if (clock.now() >= expiresAt) {
        const data = { node: name, reason: 'EXPIRED' }
        this.close(new TransportError('TRANSPORT_PEER_REFUSED', `the certificate of ${name} has expired`, data), 'EXPIRED')
        return
      }
      if (this.#answering?.isStalled(clock.monotonic()) === true) {
        const error = new FrameError('a transfer that takes too long')
        this.#parts.counts.violation(this.peer, error)
        this.close(new TransportError('TRANSPORT_PROTOCOL', `${name}: ${error.message}`, { node: name }), 'PROTOCOL')
        return
      }
      if (this.#silent()) {
        this.close(new TransportError('TRANSPORT_CLOSED', `${name} gave no sign of life`, { node: name, reason: 'SILENT' }))
        this.#socket.destroy()
        return
      }
      this.#watch()
    })
  }

  /** Nothing came for too long, or nothing that was written left. */
  #silent(): boolean {
    const { clock, limits } = this.#parts
    const { pingInterval, pingTimeout } = limits
    const now = clock.monotonic()
    const { bytesWritten, writableLength } = this.#socket
    if (bytesWritten !== this.#written || writableLength === 0) {
      this.#written = bytesWritten
      this.#writtenAt = now
    }
    if (now - this.#writtenAt >= pingInterval + pingTimeout) return true
    if (this.#paused) return false
    if (this.#asked && now - this.#heard >= pingInterval + pingTimeout) return true
    if (!this.#asked && now - this.#heard >= pingInterval) {
      this.#asked = true
      this.#outbox.control(FrameType.PING, 0, 0)
    }
    return false
  }
}

const NOTHING = Buffer.alloc(0)

/** Answers to pings that may wait; an honest side asks once in seconds. */
const MAX_PONGS = 1000

/** For a question that never left. */
function untouched(reason: TransportError): TransportError {
  if (reason.code !== 'TRANSPORT_CLOSED' && reason.code !== 'TRANSPORT_PROTOCOL') return reason
  return new TransportError('TRANSPORT_UNREACHABLE', reason.message, { ...reason.data }, { cause: reason })
}
