import { TransportError } from '../environment/transport-errors.ts'
import type { Admitted } from './admission.ts'
import { Flag, type Frame, FrameError, FrameType } from './frame.ts'
import { type Arrived, type Budget, type InboundRoute, Inbox } from './inbox.ts'
import type { TcpLimits } from './limits.ts'
import type { Flow, Outbox } from './outbox.ts'
import type { Services } from './services.ts'
import { StreamSource } from './stream-source.ts'
import { encodeError } from './wire-error.ts'

export interface AnsweringParts {
  readonly self: string
  readonly peer: Admitted
  readonly outbox: Outbox
  readonly services: Services
  readonly admits: (peer: Admitted, channel: string) => boolean
  readonly limits: TcpLimits
  /** Requests and streams of the other side under way at once. */
  readonly maxRequests: number
  /** Largest question that this side takes, and largest answer that the other one does. */
  readonly maxQuestion: number
  readonly maxAnswer: number
  /** Bytes of a stream that the other side takes before it says more. */
  readonly streamWindow: number
  readonly budget: Budget | undefined
  /** Stops and resumes the reading of questions. */
  readonly pause: (paused: boolean) => void
}

const NEVER = new AbortController().signal

/** Channels whose verdicts are remembered: more than any network has. */
const MAX_VERDICTS = 4096

/** What the other side of a connection sends and asks, and this side's answers. */
export class Answering {
  readonly #parts: AnsweringParts
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  /** Requests under way; their answers while they wait to leave. */
  readonly #requests = new Map<number, { readonly flow: Flow; readonly size: number } | undefined>()
  /** Of handlers that take a signal. */
  readonly #aborts = new Map<number, AbortController>()
  readonly #sources = new Map<number, { readonly source: StreamSource; readonly channel: string }>()
  /** Verdicts on channels, until the membership changes. */
  #admitted = new Map<string, boolean>()
  #answerBytes = 0
  #paused = false
  #sourcesFull = false
  #over = false

  constructor(parts: AnsweringParts) {
    this.#parts = parts
    this.#outbox = parts.outbox
    this.#inbox = new Inbox(parts.maxQuestion, parts.budget)
  }

  /** @throws FrameError when the other side breaks a rule */
  take(frame: Frame): void {
    switch (frame.type) {
      case FrameType.MESSAGE:
      case FrameType.REQUEST:
      case FrameType.STREAM: {
        const arrived = this.#inbox.take(frame)
        if (arrived === undefined) return
        if (frame.type === FrameType.MESSAGE) this.#message(arrived)
        else if (frame.type === FrameType.REQUEST) this.#request(arrived)
        else this.#stream(arrived)
        return
      }
      case FrameType.ROUTE:
        this.#inbox.route(frame)
        return
      case FrameType.CANCEL:
        this.#cancelled(frame.id)
        return
      case FrameType.CREDIT: {
        if (frame.body.length !== 4) throw new FrameError('a credit without a number')
        const source = this.#sources.get(frame.id)?.source
        if (source !== undefined) this.#outbox.credit(source.flow, frame.body.readUInt32BE(0))
        return
      }
      default:
        throw new FrameError(`a frame of type ${frame.type} from who asks`)
    }
  }

  /** The membership changed: who may use which channel is asked again, also of streams that run. */
  recheck(): void {
    this.#admitted = new Map()
    for (const { source, channel } of [...this.#sources.values()])
      if (!this.#admits(channel)) source.fail(this.#notAdmitted(channel))
  }

  /** A client began a message and does not end it. */
  isStalled(now: number): boolean {
    const { peer, limits } = this.#parts
    return !peer.isNode && this.#inbox.isStalled(now, limits.clientTransferTimeout)
  }

  close(reason: TransportError): void {
    this.#over = true
    for (const { source } of this.#sources.values()) source.stop(reason)
    this.#sources.clear()
    for (const abort of this.#aborts.values()) abort.abort(reason)
    this.#aborts.clear()
    this.#requests.clear()
    this.#inbox.close()
  }

  #message({ route, data }: Arrived): void {
    const { services, peer } = this.#parts
    const handler = services.messages.get(route!.key)
    if (handler === undefined || !this.#admits(route!.channel)) return
    try {
      handler(peer, data)
    } catch (error) {
      // A broken handler ends the process, as an uncaught error does, but not what else came with it.
      setImmediate(() => {
        throw error
      })
    }
  }

  #request({ id, route, data }: Arrived): void {
    const { services, peer } = this.#parts
    this.#checkFree(id)
    const refusal = this.#refusal(route!, services.requests)
    if (refusal !== undefined) {
      this.#answer(id, undefined, refusal)
      return
    }
    const handler = services.requests.get(route!.key)!
    this.#requests.set(id, undefined)
    let answer: Promise<Uint8Array>
    try {
      answer = handler(peer, data, this.#signalFor(id, handler.length))
    } catch (error) {
      this.#answer(id, undefined, error)
      return
    }
    answer.then(
      (bytes) => this.#answer(id, bytes, undefined),
      (error: unknown) => this.#answer(id, undefined, error ?? new Error('the request failed')),
    )
  }

  /** A signal costs more than a small request: only who declares the parameter gets one of its own. */
  #signalFor(id: number, parameters: number): AbortSignal {
    if (parameters < 3) return NEVER
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    return abort.signal
  }

  #answer(id: number, bytes: Uint8Array | undefined, error: unknown): void {
    this.#aborts.delete(id)
    // Given up by who asked, or nobody is there.
    if (this.#over || (bytes !== undefined && !this.#requests.has(id))) return
    const { maxAnswer } = this.#parts
    const failure = bytes !== undefined && bytes.length > maxAnswer ? tooLarge(bytes.length, maxAnswer) : error
    const body = failure === undefined ? bytes! : encodeError(failure)
    this.#put(FrameType.ANSWER, id, body, failure !== undefined)
  }

  /** Sends an answer; until it has left it counts. */
  #put(type: number, id: number, body: Uint8Array, isError: boolean): void {
    const { limits, maxRequests } = this.#parts
    const flow = this.#outbox.flow()
    this.#requests.set(id, { flow, size: body.length })
    this.#answerBytes += body.length
    const gone = (): void => {
      this.#requests.delete(id)
      this.#answered(body.length)
    }
    this.#outbox.put(flow, type, id, body, { flags: isError ? Flag.ERROR : 0, gone })
    // Who does not read answers gets no more requests in.
    if (this.#paused || (this.#answerBytes <= limits.maxQueueBytes && this.#requests.size <= maxRequests * 2)) return
    this.#paused = true
    this.#parts.pause(true)
  }

  #answered(bytes: number): void {
    this.#answerBytes -= bytes
    const { maxRequests, limits } = this.#parts
    const { maxQueueBytes } = limits
    if (!this.#paused || this.#answerBytes > maxQueueBytes / 2 || this.#requests.size > maxRequests) return
    this.#paused = false
    this.#parts.pause(false)
  }

  #stream({ id, route, data }: Arrived): void {
    this.#checkFree(id)
    const { services, limits, maxAnswer, streamWindow, peer } = this.#parts
    const { channel } = route!
    const refusal = this.#refusal(route!, services.streams)
    if (refusal !== undefined) {
      this.#put(FrameType.END, id, encodeError(refusal), true)
      return
    }
    const source = new StreamSource({
      id,
      outbox: this.#outbox,
      credit: Math.min(streamWindow, limits.streamWindow),
      maxBytes: maxAnswer,
      hasRoom: () => {
        if (this.#outbox.itemBytes < limits.maxQueueBytes) return true
        this.#sourcesFull = true
        return false
      },
      sent: (one) => {
        one.woken()
        if (!this.#sourcesFull || this.#outbox.itemBytes >= limits.maxQueueBytes) return
        this.#sourcesFull = false
        for (const { source: each } of this.#sources.values()) each.woken()
      },
      // Until its end has left it counts: whoever reads nothing can begin no more.
      gone: (one) => {
        if (this.#sources.get(id)?.source === one) this.#sources.delete(id)
      },
    })
    const handler = services.streams.get(route!.key)!
    this.#sources.set(id, { source, channel })
    void source.run(() => handler(peer, data, source.signal))
  }

  #checkFree(id: number): void {
    if (this.#requests.has(id) || this.#sources.has(id)) throw new FrameError(`request ${id} is under way already`)
  }

  #refusal<H>(route: InboundRoute, handlers: ReadonlyMap<string, H>): TransportError | undefined {
    const { self, peer, maxRequests } = this.#parts
    const { service, channel, key } = route
    const open = this.#requests.size + this.#sources.size
    if (open >= maxRequests) {
      const message = `${open} requests of ${peer.name} are under way at ${self}`
      return new TransportError('TRANSPORT_BUSY', message, { to: self, service })
    }
    if (!handlers.has(key)) {
      const message = `${self} does not serve ${service} of channel ${channel}`
      return new TransportError('TRANSPORT_NO_SERVICE', message, { to: self, service, channel })
    }
    return this.#admits(channel) ? undefined : this.#notAdmitted(channel)
  }

  #notAdmitted(channel: string): TransportError {
    const { name } = this.#parts.peer
    const data = { channel, reason: 'NO_MEMBER', node: name }
    return new TransportError('TRANSPORT_REFUSED', `${name} is no member of channel ${channel}`, data)
  }

  #admits(channel: string): boolean {
    let verdict = this.#admitted.get(channel)
    if (verdict === undefined) {
      verdict = this.#parts.admits(this.#parts.peer, channel)
      if (this.#admitted.size >= MAX_VERDICTS) this.#admitted.clear()
      this.#admitted.set(channel, verdict)
    }
    return verdict
  }

  #cancelled(id: number): void {
    this.#inbox.forget(FrameType.REQUEST, id)
    this.#inbox.forget(FrameType.STREAM, id)
    const running = this.#sources.get(id)
    if (running !== undefined) {
      this.#sources.delete(id)
      running.source.stop(new TransportError('TRANSPORT_ABORTED', 'the reader left'))
      return
    }
    this.#aborts.get(id)?.abort(new TransportError('TRANSPORT_ABORTED', 'nobody waits for the answer'))
    this.#aborts.delete(id)
    const answer = this.#requests.get(id)
    this.#requests.delete(id)
    if (answer === undefined || answer.flow.length === 0) return
    this.#outbox.drop(answer.flow)
    this.#answered(answer.size)
  }
}

function tooLarge(bytes: number, limit: number): TransportError {
  const data = { bytes, limit }
  return new TransportError('TRANSPORT_TOO_LARGE', `an answer of ${bytes} bytes, at most ${limit} are carried`, data)
}
