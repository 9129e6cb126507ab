import { TransportError } from '../environment/transport-errors.ts'
import { Flag, type Frame, FrameError, FrameType } from './frame.ts'
import { Inbox } from './inbox.ts'
import type { Flow, Outbox, RouteName } from './outbox.ts'
import { StreamReader } from './stream-reader.ts'
import { decodeError } from './wire-error.ts'

export interface AskingParts {
  readonly self: string
  /** Name of the node that is asked. */
  readonly to: string
  readonly outbox: Outbox
  /** Largest question that the other side takes, and largest answer that this one does. */
  readonly maxQuestion: number
  readonly maxAnswer: number
  readonly maxRequests: number
  readonly streamWindow: number
}

interface Waiting {
  readonly route: RouteName
  readonly flow: Flow
  resolve(answer: Uint8Array): void
  reject(error: Error): void
}

interface Reading {
  readonly route: RouteName
  readonly flow: Flow
  readonly reader: StreamReader
}

/** Requests and streams that go out over one connection, and what comes back. */
export class Asking {
  readonly #parts: AskingParts
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  readonly #waiting = new Map<number, Waiting>()
  readonly #reading = new Map<number, Reading>()
  #ids = 0

  constructor(parts: AskingParts) {
    this.#parts = parts
    this.#outbox = parts.outbox
    this.#inbox = new Inbox(parts.maxAnswer)
  }

  /** Settles with the answer, or with what `aborted` gives when the signal aborts first. */
  request(
    route: RouteName,
    message: Uint8Array,
    signal: AbortSignal | undefined,
    aborted: () => TransportError,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const id = this.#begin(route, message)
      const flow = this.#outbox.flow()
      const giveUp = (): void => {
        this.#waiting.delete(id)
        this.#cancel(id, flow, FrameType.ANSWER)
        reject(aborted())
      }
      const settled = (): void => signal?.removeEventListener('abort', giveUp)
      this.#waiting.set(id, {
        route,
        flow,
        resolve: (answer) => {
          settled()
          resolve(answer)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#outbox.put(flow, FrameType.REQUEST, id, message, { route })
    })
  }

  /** Opens a stream; `leave` tells the source that nobody reads any more. */
  stream(route: RouteName, message: Uint8Array): { readonly reader: StreamReader; leave(reason: Error): void } {
    const id = this.#begin(route, message)
    const flow = this.#outbox.flow()
    const reader = new StreamReader(this.#parts.streamWindow, (bytes) => {
      const body = Buffer.allocUnsafe(4)
      body.writeUInt32BE(bytes)
      this.#outbox.control(FrameType.CREDIT, 0, id, body)
    })
    this.#reading.set(id, { route, flow, reader })
    this.#outbox.put(flow, FrameType.STREAM, id, message, { route })
    return {
      reader,
      leave: (reason) => {
        reader.fail(reason)
        if (this.#reading.delete(id)) this.#cancel(id, flow, FrameType.ITEM)
      },
    }
  }

  /** @throws FrameError when the other side breaks a rule */
  take(frame: Frame): void {
    const { type } = frame
    if (type === FrameType.ANSWER) this.#answer(frame)
    else if (type === FrameType.ITEM) this.#item(frame)
    else if (type === FrameType.END) this.#end(frame)
    else throw new FrameError(`a frame of type ${type} from who was asked`)
  }

  /** Nothing comes any more. @param untouched for questions that had not begun to leave: they may be asked elsewhere */
  close(reason: TransportError, untouched: TransportError): void {
    for (const { flow, reject } of [...this.#waiting.values()])
      reject(flow.length > 0 && this.#outbox.drop(flow) ? untouched : reason)
    this.#waiting.clear()
    for (const { reader } of this.#reading.values()) reader.fail(reason)
    this.#reading.clear()
    this.#inbox.close()
  }

  #begin(route: RouteName, message: Uint8Array): number {
    const { self, to, maxQuestion, maxRequests } = this.#parts
    if (message.length > maxQuestion)
      throw new TransportError('TRANSPORT_TOO_LARGE', `a message of ${message.length} bytes, ${to} takes ${maxQuestion}`, {
        bytes: message.length,
        limit: maxQuestion,
      })
    const open = this.#waiting.size + this.#reading.size
    if (open >= maxRequests)
      throw new TransportError('TRANSPORT_BUSY', `${open} requests from ${self} to ${to} are waiting`, {
        to,
        service: route.service,
      })
    do this.#ids = (this.#ids + 1) >>> 0
    while (this.#waiting.has(this.#ids) || this.#reading.has(this.#ids))
    return this.#ids
  }

  /** Tells the other side that nobody waits; what had not begun to leave stays here. */
  #cancel(id: number, flow: Flow, answers: number): void {
    const unknown = flow.length > 0 && this.#outbox.drop(flow)
    this.#inbox.forget(answers, id)
    if (!unknown) this.#outbox.control(FrameType.CANCEL, 0, id)
  }

  #answer(frame: Frame): void {
    const { flags, id } = frame
    const waiting = this.#waiting.get(id)
    // Given up meanwhile: the answer was on its way.
    if (waiting === undefined) return
    const arrived = this.#inbox.take(frame)
    if (arrived === undefined) return
    this.#waiting.delete(id)
    if ((flags & Flag.ERROR) === 0) waiting.resolve(arrived.data)
    else waiting.reject(decodeError(arrived.data, { to: this.#parts.to, ...waiting.route }))
  }

  #item(frame: Frame): void {
    const { flags, id, body } = frame
    const reading = this.#reading.get(id)
    if (reading === undefined) return
    const hasLength = (flags & Flag.FIRST) !== 0 && (flags & Flag.LAST) === 0
    const arrived = this.#inbox.take(frame)
    if (!reading.reader.arrived(body.length - (hasLength ? 4 : 0))) throw new FrameError('more of a stream than was asked for')
    if (arrived !== undefined) reading.reader.item(arrived.data)
  }

  #end(frame: Frame): void {
    const { flags, id } = frame
    const reading = this.#reading.get(id)
    if (reading === undefined) return
    const arrived = this.#inbox.take(frame)
    const failed = (flags & Flag.ERROR) !== 0
    if (arrived === undefined || (!failed && this.#inbox.has(FrameType.ITEM, id)))
      throw new FrameError('a stream ends within an item')
    this.#inbox.forget(FrameType.ITEM, id)
    this.#reading.delete(id)
    reading.reader.end(failed ? decodeError(arrived.data, { to: this.#parts.to, ...reading.route }) : undefined)
  }
}
