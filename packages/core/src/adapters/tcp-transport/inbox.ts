import { CHUNK, decodeRoute, Flag, type Frame, FrameError, FrameType, MAX_ROUTES } from './frame.ts'
import { serviceKey } from './services.ts'

/** A whole message, request, answer or item. */
export interface Arrived {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly route: InboundRoute | undefined
  readonly data: Uint8Array
}

export interface InboundRoute {
  readonly key: string
  readonly service: string
  readonly channel: string
}

/** Bytes that several connections may hold together. */
export interface Budget {
  take(bytes: number): boolean
  give(bytes: number): void
}

/** Bytes that are set aside when a client announces a large transfer. */
const FIRST_SIZE = 64 * 1024

/** Views of less than this are copied out of what the socket gave, which is larger and would live as long. */
const COPY_BELOW = 4096

interface Partial {
  readonly route: InboundRoute | undefined
  readonly total: number
  /** What came, put together as it comes: small buffers that live for long would keep the collector busy. */
  buffer: Buffer
  received: number
  /** When it was first looked at, for how long it takes. */
  since: number | undefined
}

const ROUTED: readonly number[] = [FrameType.MESSAGE, FrameType.REQUEST, FrameType.STREAM]

/** Puts transfers together again, within the bounds that the other side was told. */
export class Inbox {
  readonly #maxBytes: number
  readonly #budget: Budget | undefined
  readonly #routes: (InboundRoute | undefined)[] = []
  readonly #partials = new Map<number, Partial>()
  /** Sum of the sizes of large transfers that have begun. */
  #reserved = 0
  #held = 0

  constructor(maxBytes: number, budget?: Budget) {
    this.#maxBytes = maxBytes
    this.#budget = budget
  }

  /** Transfers that have begun and not ended. */
  get partials(): number {
    return this.#partials.size
  }

  /** @throws FrameError */
  route({ id, body }: Frame): void {
    if (id >= MAX_ROUTES) throw new FrameError(`route ${id}`)
    const { service, channel } = decodeRoute(body)
    this.#routes[id] = { key: serviceKey(service, channel), service, channel }
  }

  /**
   * The transfer that a frame completes, if it does.
   * @throws FrameError when the other side breaks a rule
   */
  take({ type, flags, id, body }: Frame): Arrived | undefined {
    const first = (flags & Flag.FIRST) !== 0
    const last = (flags & Flag.LAST) !== 0
    if (first) {
      let at = 0
      let route: InboundRoute | undefined
      if (ROUTED.includes(type)) {
        if (body.length < 2) throw new FrameError('a transfer without a route')
        route = this.#routes[body.readUInt16BE(0)]
        if (route === undefined) throw new FrameError('a route that was not named')
        at = 2
      }
      if (this.#partials.has(partialKey(type, id))) throw new FrameError('a transfer begins within another')
      if (last) return { type, flags, id, route, data: own(body.subarray(at)) }
      if (body.length < at + 4) throw new FrameError('a transfer without a length')
      this.#begin(type, id, route, body.readUInt32BE(at), body.subarray(at + 4))
      return undefined
    }
    const key = partialKey(type, id)
    const partial = this.#partials.get(key)
    if (partial === undefined) throw new FrameError('a transfer without a beginning')
    if (body.length === 0 || partial.received + body.length > partial.total) throw new FrameError('a transfer of a wrong length')
    this.#hold(partial, body)
    if (!last) {
      if (partial.received === partial.total) throw new FrameError('a transfer without an end')
      return undefined
    }
    if (partial.received !== partial.total) throw new FrameError('a transfer of a wrong length')
    this.forget(type, id)
    return { type, flags, id, route: partial.route, data: plain(partial.buffer) }
  }

  /** Drops what came of a transfer that is not wanted any more. */
  forget(type: number, id: number): void {
    const key = partialKey(type, id)
    const partial = this.#partials.get(key)
    if (partial === undefined) return
    this.#partials.delete(key)
    if (partial.total > CHUNK) this.#reserved -= partial.total
    this.#held -= partial.received
    this.#budget?.give(partial.received)
  }

  has(type: number, id: number): boolean {
    return this.#partials.has(partialKey(type, id))
  }

  /** Whether a transfer is not whole after so long, milliseconds; to be asked every few seconds. */
  isStalled(now: number, limit: number): boolean {
    for (const partial of this.#partials.values()) {
      partial.since ??= now
      if (now - partial.since > limit) return true
    }
    return false
  }

  close(): void {
    this.#partials.clear()
    this.#budget?.give(this.#held)
    this.#held = 0
  }

  #begin(type: number, id: number, route: InboundRoute | undefined, total: number, chunk: Buffer): void {
    if (total > this.#maxBytes) throw new FrameError(`a transfer of ${total} bytes, ${this.#maxBytes} are allowed`)
    if (chunk.length === 0 || chunk.length >= total) throw new FrameError('a transfer of a wrong length')
    // Only items are cut for another reason than their size: their reader gives credit byte by byte.
    if (total <= CHUNK && type !== FrameType.ITEM) throw new FrameError('a small transfer in several frames')
    if (total > CHUNK) {
      if (this.#reserved > 0 && this.#reserved + total > this.#maxBytes) throw new FrameError('too many large transfers at once')
      this.#reserved += total
    }
    // Of nodes all at once; of clients as much as they really send, so that an announcement costs nothing.
    const size = this.#budget === undefined ? total : Math.min(total, FIRST_SIZE)
    const partial: Partial = { route, total, buffer: Buffer.allocUnsafeSlow(size), received: 0, since: undefined }
    this.#partials.set(partialKey(type, id), partial)
    this.#hold(partial, chunk)
  }

  #hold(partial: Partial, chunk: Buffer): void {
    if (this.#budget?.take(chunk.length) === false) throw new FrameError('clients send too much at once')
    const end = partial.received + chunk.length
    if (end > partial.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(partial.total, Math.max(end, partial.buffer.length * 2)))
      larger.set(partial.buffer.subarray(0, partial.received))
      partial.buffer = larger
    }
    partial.buffer.set(chunk, partial.received)
    partial.received = end
    this.#held += chunk.length
  }
}

function partialKey(type: number, id: number): number {
  return type * 0x1_0000_0000 + id
}

/** Bytes that do not hold on to more than themselves; plain ones, since a Buffer's `slice` is another. */
function own(view: Buffer): Uint8Array {
  const isSmallPart = view.length < COPY_BELOW || view.length * 4 < view.buffer.byteLength
  return isSmallPart ? new Uint8Array(view) : plain(view)
}

function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
