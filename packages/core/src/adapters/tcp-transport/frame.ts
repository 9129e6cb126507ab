/**
 * The wire format inside TLS, version 1. A frame is: length of what follows (4 bytes), type (1), flags (1), id (4), body. All numbers are
 * big endian. A transfer (message, request, answer, item of a stream) of more than one chunk goes in several frames of the same type and
 * id: the first one has the flag FIRST and the total length, the last one the flag LAST.
 */

/** Version of the format; the ALPN name carries it too, so that another version ends in the TLS handshake. */
export const WIRE_VERSION = 1
export const ALPN = `heddle/${WIRE_VERSION}`

export const FrameType = {
  /** JSON: who is greeted, limits. The first frame of each side. */
  HELLO: 1,
  /** Gives a route, `id`, its name: length of the service (1 byte), service, channel. */
  ROUTE: 2,
  MESSAGE: 3,
  REQUEST: 4,
  ANSWER: 5,
  /** Who asked does not wait any more: of a request or a stream. */
  CANCEL: 6,
  STREAM: 7,
  ITEM: 8,
  /** A stream is over; with ERROR, why. */
  END: 9,
  /** The reader of a stream took this many bytes (4). */
  CREDIT: 10,
  PING: 11,
  PONG: 12,
  /** Nothing follows; the body is a reason. */
  BYE: 13,
} as const

export const Flag = { FIRST: 1, LAST: 2, ERROR: 4 } as const

/** Bytes before the body. */
export const HEADER = 10

/** Bytes of a whole frame at most: one TLS record, so that frames arrive unbroken, and a large message holds up a small one no longer. */
const RECORD = 16 * 1024
/** Bytes of payload in the first frame of a transfer, behind its route (2) and its length (4); what is not longer goes in one. */
export const CHUNK: number = RECORD - HEADER - 6
/** Bytes of payload in the frames after the first. */
export const NEXT_CHUNK: number = RECORD - HEADER

/** Longest frame, its length field left out. */
export const MAX_FRAME: number = RECORD - 4
/** Longest frame before both sides have greeted. */
export const MAX_GREETING = 1024

/** Routes that one side may name at a time. */
export const MAX_ROUTES = 4096
export const MAX_SERVICE = 64
export const MAX_CHANNEL = 256

/** One frame as it was read. `body` is a view into what the socket gave. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly body: Buffer
}

/** Bytes that are no frames of this format. */
export class FrameError extends Error {}

/** Writes header and body. */
export function encodeFrame(type: number, flags: number, id: number, body?: Uint8Array): Buffer {
  const length = body?.length ?? 0
  const frame = Buffer.allocUnsafe(HEADER + length)
  writeHeader(frame, 0, type, flags, id, length)
  if (body !== undefined) frame.set(body, HEADER)
  return frame
}

/** Writes the header of a frame whose body is `bodyLength` bytes; returns where the body begins. */
export function writeHeader(to: Buffer, at: number, type: number, flags: number, id: number, bodyLength: number): number {
  to.writeUInt32BE(bodyLength + HEADER - 4, at)
  to[at + 4] = type
  to[at + 5] = flags
  to.writeUInt32BE(id, at + 6)
  return at + HEADER
}

/** Cuts a stream of bytes into frames; holds at most one frame that has not arrived whole. */
export class FrameReader {
  /** Raised once the other side is known. */
  limit = MAX_GREETING
  #held: Buffer[] = []
  #heldBytes = 0
  /** Bytes of the frame that `held` begins, its length field included; 0 while that is not known. */
  #wanted = 0

  /** Bytes that wait for the rest of their frame. */
  get pending(): number {
    return this.#heldBytes
  }

  /**
   * Calls back with each whole frame. The callback returns false to stop: what follows is kept, and comes with the next push, which may
   * be of nothing.
   * @throws FrameError
   */
  push(data: Buffer, take: (frame: Frame) => boolean): void {
    let chunk = data
    if (this.#heldBytes > 0) {
      if (this.#wanted === 0 || this.#heldBytes + data.length < this.#wanted) {
        this.#held.push(data)
        this.#heldBytes += data.length
        if (this.#wanted === 0 && this.#heldBytes >= 4) this.#measure()
        // Byte by byte a frame would cost a hundred times its size.
        else if (this.#held.length >= 32) this.#held = [Buffer.concat(this.#held)]
        if (this.#wanted === 0 || this.#heldBytes < this.#wanted) return
        chunk = this.#release()
      } else {
        this.#held.push(data)
        chunk = this.#release()
      }
    }
    let at = 0
    while (chunk.length - at >= 4) {
      const length = chunk.readUInt32BE(at)
      this.#check(length)
      if (chunk.length - at < length + 4) break
      const frame: Frame = {
        type: chunk[at + 4]!,
        flags: chunk[at + 5]!,
        id: chunk.readUInt32BE(at + 6),
        body: chunk.subarray(at + HEADER, at + 4 + length),
      }
      at += length + 4
      if (!take(frame)) break
    }
    if (at === chunk.length) return
    this.#held = [at === 0 ? chunk : chunk.subarray(at)]
    this.#heldBytes = chunk.length - at
    if (this.#heldBytes >= 4) this.#wanted = this.#held[0]!.readUInt32BE(0) + 4
  }

  #measure(): void {
    const joined = Buffer.concat(this.#held)
    this.#held = [joined]
    const length = joined.readUInt32BE(0)
    this.#check(length)
    this.#wanted = length + 4
  }

  #release(): Buffer {
    const joined = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.#wanted = 0
    return joined
  }

  #check(length: number): void {
    if (length < HEADER - 4 || length > this.limit)
      throw new FrameError(`a frame of ${length} bytes, ${this.limit} are allowed at this point`)
  }
}

/** Body of a ROUTE frame. */
export function encodeRoute(service: string, channel: string): Buffer {
  const name = Buffer.from(service)
  const rest = Buffer.from(channel)
  if (name.length === 0 || name.length > MAX_SERVICE || rest.length > MAX_CHANNEL)
    throw new FrameError('the name of a service or channel is too long')
  return Buffer.concat([Buffer.of(name.length), name, rest])
}

/** @throws FrameError */
export function decodeRoute(body: Buffer): { readonly service: string; readonly channel: string } {
  const length = body[0] ?? 0
  if (length === 0 || length > MAX_SERVICE || body.length < 1 + length || body.length > 1 + length + MAX_CHANNEL)
    throw new FrameError('a route without a name')
  return { service: body.toString('utf8', 1, 1 + length), channel: body.toString('utf8', 1 + length) }
}

/** What each side says first. */
export interface Hello {
  readonly version: number
  /** Whom the speaker believes to talk to. */
  readonly to: string
  /** What the connection is for: `messages` or `streams`. */
  readonly lane: Lane
  readonly maxMessageBytes: number
  readonly streamWindow: number
}

export type Lane = 'messages' | 'streams'

export function encodeHello(hello: Hello): Buffer {
  return encodeFrame(FrameType.HELLO, 0, 0, Buffer.from(JSON.stringify(hello)))
}

/** @throws FrameError */
export function decodeHello(body: Buffer): Hello {
  let value: Partial<Hello> | null
  try {
    value = JSON.parse(body.toString('utf8')) as Partial<Hello> | null
  } catch {
    throw new FrameError('a greeting that cannot be read')
  }
  const { version, to, lane, maxMessageBytes, streamWindow } = value ?? {}
  if (version !== WIRE_VERSION) throw new FrameError(`version ${String(version).slice(0, 20)} of the wire format`)
  if (typeof to !== 'string' || (lane !== 'messages' && lane !== 'streams')) throw new FrameError('a greeting without a name')
  if (!isSize(maxMessageBytes) || !isSize(streamWindow)) throw new FrameError('a greeting without limits')
  return { version, to, lane, maxMessageBytes, streamWindow }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1024 && (value as number) <= 0xffffffff
}
