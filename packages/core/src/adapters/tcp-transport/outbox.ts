import { CHUNK, encodeFrame, encodeRoute, Flag, FrameType, MAX_ROUTES, NEXT_CHUNK, writeHeader } from './frame.ts'

/** Where bytes go: a socket, as far as an outbox needs it. */
export interface ByteSink {
  write(bytes: Uint8Array): boolean
  /** Bytes that were written and not taken yet. */
  readonly writableLength: number
}

/** One message, request, answer or item on its way. */
interface Transfer {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly data: Uint8Array
  /** Service and channel, of what begins at this side. */
  readonly route: RouteName | undefined
  /** Bytes that have gone. */
  offset: number
  started: boolean
  /** Called when the last byte was handed to the socket. */
  readonly gone: (() => void) | undefined
}

export interface RouteName {
  readonly key: string
  readonly service: string
  readonly channel: string
}

/** Transfers that go one after the other; several flows take turns. */
export interface Flow {
  /** Bytes that may still go; refilled by the reader of a stream. */
  credit: number
  /** Bytes that wait. */
  readonly bytes: number
  /** Transfers that wait. */
  readonly length: number
}

class TransferFlow implements Flow {
  credit = Number.POSITIVE_INFINITY
  bytes = 0
  scheduled = false
  #queue: Transfer[] = []
  #head = 0

  get length(): number {
    return this.#queue.length - this.#head
  }

  get first(): Transfer | undefined {
    return this.#queue[this.#head]
  }

  /** Bytes of items that wait; an END may stand behind them. */
  get itemBytes(): number {
    const last = this.#queue.at(-1)
    return last === undefined || last.type === FrameType.ITEM ? this.bytes : this.bytes - last.data.length
  }

  push(transfer: Transfer): void {
    this.#queue.push(transfer)
    this.bytes += transfer.data.length
  }

  shift(): void {
    this.#queue[this.#head++] = undefined as never
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
    this.bytes = 0
  }

  /** Takes out the oldest that has not begun; undefined when there is none. */
  dropOldest(): Transfer | undefined {
    const first = this.first
    if (first === undefined) return undefined
    if (!first.started) {
      this.shift()
      this.bytes -= first.data.length
      return first
    }
    const second = this.#queue[this.#head + 1]
    if (second === undefined) return undefined
    this.#queue[this.#head + 1] = first
    this.shift()
    this.bytes -= second.data.length
    return second
  }
}

export interface OutboxOptions {
  readonly maxQueue: number
  readonly maxQueueBytes: number
  /** Sum of the sizes of transfers of several chunks that are under way together: what the other side reserves for them. */
  readonly maxPartialBytes: number
  /** A message was dropped because the receiver is slow. */
  readonly dropped: () => void
}

/** Bytes that are handed to the socket before it has taken earlier ones. Beyond it the order of sending stays open, for what is urgent. */
const HIGH_WATER = 256 * 1024
/** Bytes of one write: several TLS records. */
const BATCH = 64 * 1024
/** Bytes that may come over it: small frames up to a record, one more frame, and the names of their routes. */
const OVER = 48 * 1024

/** Frames that go in one write, put where they leave from. */
class Batch {
  used = 0
  #buffer = Buffer.allocUnsafeSlow(BATCH + OVER)

  header(type: number, flags: number, id: number, bodyLength: number): void {
    this.used = writeHeader(this.#buffer, this.used, type, flags, id, bodyLength)
  }

  uint16(value: number): void {
    this.used = this.#buffer.writeUInt16BE(value, this.used)
  }

  uint32(value: number): void {
    this.used = this.#buffer.writeUInt32BE(value, this.used)
  }

  add(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.used)
    this.used += bytes.length
  }

  /** What was put in; the socket may hold on to it. */
  take(): Buffer {
    const { used } = this
    this.used = 0
    const view = this.#buffer.subarray(0, used)
    if (used < BATCH / 4) return Buffer.from(view)
    this.#buffer = Buffer.allocUnsafeSlow(BATCH + OVER)
    return view
  }
}

/**
 * What waits to go over one connection. Everything that was given during one turn of the event loop goes in one write; flows take turns
 * chunk by chunk, so that a large transfer does not hold up small ones.
 */
export class Outbox {
  readonly #sink: ByteSink
  readonly #options: OutboxOptions
  #control: Buffer[] = []
  #ready: TransferFlow[] = []
  /** Flows whose next transfer is large and must wait until others are through. */
  #waiting: TransferFlow[] = []
  #partialBytes = 0
  readonly #messages = new Map<string, TransferFlow>()
  readonly #routes = new Map<string, number>()
  #itemBytes = 0
  #messageCount = 0
  #messageBytes = 0
  #flowIds = 0
  readonly #batch = new Batch()
  #scheduled = false
  #closed = false

  constructor(sink: ByteSink, options: OutboxOptions) {
    this.#sink = sink
    this.#options = options
  }

  /** One-way messages that wait. */
  get queued(): number {
    return this.#messageCount
  }

  /** Bytes of items of streams that wait. */
  get itemBytes(): number {
    return this.#itemBytes
  }

  /** Frames that wait before all transfers. */
  get controls(): number {
    return this.#control.length
  }

  /** A frame that goes before all transfers. */
  control(type: number, flags: number, id: number, body?: Uint8Array): void {
    if (this.#closed) return
    this.#control.push(encodeFrame(type, flags, id, body))
    this.#schedule()
  }

  /** A one-way message; drops the oldest when too many wait. Those of one route keep their order. */
  message(route: RouteName, data: Uint8Array): void {
    if (this.#closed) return
    const { maxQueue, maxQueueBytes } = this.#options
    while (this.#messageCount >= maxQueue || (this.#messageCount > 0 && this.#messageBytes + data.length > maxQueueBytes))
      if (!this.#dropOldest(this.#messageCount >= maxQueue)) break
    let flow = this.#messages.get(route.key)
    if (flow === undefined) {
      flow = new TransferFlow()
      this.#messages.set(route.key, flow)
    }
    this.#messageCount++
    this.#messageBytes += data.length
    const id = flow.first === undefined ? this.#nextFlowId() : flow.first.id
    flow.push({ type: FrameType.MESSAGE, flags: 0, id, data, route, offset: 0, started: false, gone: undefined })
    this.#offer(flow)
  }

  /** A flow of its own: a request, an answer, or the items of a stream. */
  flow(credit = Number.POSITIVE_INFINITY): Flow {
    const flow = new TransferFlow()
    flow.credit = credit
    return flow
  }

  put(
    flow: Flow,
    type: number,
    id: number,
    data: Uint8Array,
    { flags = 0, route, gone }: { flags?: number; route?: RouteName; gone?: () => void } = {},
  ): void {
    if (this.#closed) return
    const own = flow as TransferFlow
    if (type === FrameType.ITEM) this.#itemBytes += data.length
    own.push({ type, flags, id, data, route, offset: 0, started: false, gone })
    this.#offer(own)
  }

  /** More of a stream may go. */
  credit(flow: Flow, bytes: number): void {
    flow.credit += bytes
    this.#offer(flow as TransferFlow)
  }

  /** Forgets what waits in a flow, also what began: the other side was told, or told us. True when none of it had begun. */
  drop(flow: Flow): boolean {
    const own = flow as TransferFlow
    const { first } = own
    const begun = first?.started === true
    if (first?.type === FrameType.ITEM) this.#itemBytes -= own.itemBytes
    own.clear()
    if (first !== undefined && begun && first.data.length > CHUNK) this.#large(-first.data.length)
    return !begun
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.flush()
  }

  /** Hands as much to the socket as it should hold. */
  flush(): void {
    if (this.#closed) return
    const batch = this.#batch
    while (this.#sink.writableLength < HIGH_WATER && (this.#control.length > 0 || this.#ready.length > 0)) {
      let controls = 0
      for (const frame of this.#control) {
        if (batch.used >= BATCH) break
        batch.add(frame)
        controls++
      }
      this.#control = controls === this.#control.length ? [] : this.#control.slice(controls)
      while (batch.used < BATCH) {
        const flow = this.#ready.shift()
        if (flow === undefined) break
        this.#chunk(flow)
      }
      if (batch.used > 0) this.#sink.write(batch.take())
    }
  }

  close(): void {
    this.#closed = true
    this.#control = []
    this.#ready = []
    this.#waiting = []
    this.#messages.clear()
  }

  /** Takes what one flow may send now: one frame of a large transfer, or small ones up to that size. */
  #chunk(flow: TransferFlow): void {
    flow.scheduled = false
    const batch = this.#batch
    const most = batch.used + CHUNK
    for (let transfer = flow.first; transfer !== undefined && batch.used < most; transfer = flow.first) {
      const { data, type, started } = transfer
      const counts = type === FrameType.ITEM
      const left = data.length - transfer.offset
      // A stream whose reader has to catch up; its next credit brings it back.
      if (counts && left > 0 && flow.credit <= 0) return
      if (!started && data.length > CHUNK) {
        if (this.#partialBytes > 0 && this.#partialBytes + data.length > this.#options.maxPartialBytes) {
          this.#waiting.push(flow)
          flow.scheduled = true
          return
        }
        this.#partialBytes += data.length
      }
      const length = Math.min(left, started ? NEXT_CHUNK : CHUNK, counts ? flow.credit : NEXT_CHUNK)
      const last = length === left
      this.#emit(transfer, length, last)
      transfer.offset += length
      transfer.started = true
      flow.bytes -= length
      if (counts) {
        flow.credit -= length
        this.#itemBytes -= length
      }
      if (!last) break
      flow.shift()
      if (type === FrameType.MESSAGE) {
        this.#messageCount--
        this.#messageBytes -= data.length
      }
      if (data.length > CHUNK) this.#large(-data.length)
      transfer.gone?.()
    }
    this.#offer(flow)
  }

  #large(change: number): void {
    this.#partialBytes += change
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const flow of waiting) flow.scheduled = false
    for (const flow of waiting) this.#offer(flow)
  }

  #emit(transfer: Transfer, length: number, last: boolean): void {
    const { type, id, data, route, offset, started } = transfer
    const batch = this.#batch
    let flags = transfer.flags | (last ? Flag.LAST : 0)
    let extra = 0
    let number = 0
    if (!started) {
      flags |= Flag.FIRST
      if (route !== undefined) {
        number = this.#routes.get(route.key) ?? this.#name(route)
        extra += 2
      }
      if (!last) extra += 4
    }
    batch.header(type, flags, id, extra + length)
    if (!started && route !== undefined) batch.uint16(number)
    if (!started && !last) batch.uint32(data.length)
    batch.add(length === data.length ? data : data.subarray(offset, offset + length))
  }

  /** Gives a route its number. When all numbers are taken, they are given anew: each holds until it is named again. */
  #name(route: RouteName): number {
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
    const number = this.#routes.size
    this.#routes.set(route.key, number)
    this.#batch.add(encodeFrame(FrameType.ROUTE, 0, number, encodeRoute(route.service, route.channel)))
    return number
  }

  #nextFlowId(): number {
    this.#flowIds = (this.#flowIds + 1) >>> 0
    return this.#flowIds
  }

  #offer(flow: TransferFlow): void {
    const { first } = flow
    if (first === undefined || flow.scheduled || this.#closed) return
    if (flow.credit <= 0 && first.type === FrameType.ITEM && first.data.length > first.offset) return
    flow.scheduled = true
    this.#ready.push(flow)
    this.#schedule()
  }

  /** Once a turn, when everything that the turn brought has been handled. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  #dropOldest(byCount: boolean): boolean {
    let largest: TransferFlow | undefined
    for (const flow of this.#messages.values())
      if (largest === undefined || (byCount ? flow.length > largest.length : flow.bytes > largest.bytes)) largest = flow
    const dropped = largest?.dropOldest()
    if (dropped === undefined) return false
    this.#messageCount--
    this.#messageBytes -= dropped.data.length
    this.#options.dropped()
    return true
  }
}
