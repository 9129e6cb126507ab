import { TransportError } from '../environment/transport-errors.ts'
import { Flag, FrameType } from './frame.ts'
import type { Flow, Outbox } from './outbox.ts'
import { encodeError } from './wire-error.ts'

/** Items that are made ahead of the connection, bytes. */
const AHEAD = 64 * 1024

export interface StreamSourceOptions {
  readonly id: number
  readonly outbox: Outbox
  /** Bytes that the reader takes before it says more. */
  readonly credit: number
  /** Largest item. */
  readonly maxBytes: number
  /** Whether the connection as a whole may hold more. */
  readonly hasRoom: () => boolean
  /** An item left. */
  readonly sent: (source: StreamSource) => void
  /** Its end left: nothing of it is here any more. */
  readonly gone: (source: StreamSource) => void
}

/** Answers of one stream on their way out: a handler is asked for the next one only when there is room. */
export class StreamSource {
  readonly flow: Flow
  readonly #id: number
  readonly #outbox: Outbox
  readonly #abort = new AbortController()
  readonly #maxBytes: number
  readonly #hasRoom: () => boolean
  readonly #sent: (source: StreamSource) => void
  readonly #gone: (source: StreamSource) => void
  #iterator: AsyncIterator<Uint8Array> | undefined
  #wake: (() => void) | undefined
  #ended = false

  constructor({ id, outbox, credit, maxBytes, hasRoom, sent, gone }: StreamSourceOptions) {
    this.#id = id
    this.#outbox = outbox
    this.#maxBytes = maxBytes
    this.#hasRoom = hasRoom
    this.#sent = sent
    this.#gone = gone
    this.flow = outbox.flow(credit)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Runs until the handler, the reader or the connection ends. Never rejects. */
  async run(answers: () => AsyncIterable<Uint8Array>): Promise<void> {
    let error: unknown
    try {
      this.#iterator = answers()[Symbol.asyncIterator]()
      for (;;) {
        while (!this.#ended && (this.flow.bytes >= AHEAD || !this.#hasRoom()))
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        if (this.#ended) return
        const { done, value } = await this.#iterator.next()
        if (this.#ended) return
        if (done === true) break
        if (value.length > this.#maxBytes)
          throw new TransportError(
            'TRANSPORT_TOO_LARGE',
            `an answer of ${value.length} bytes, at most ${this.#maxBytes} are carried`,
            {
              bytes: value.length,
              limit: this.#maxBytes,
            },
          )
        this.#outbox.put(this.flow, FrameType.ITEM, this.#id, value, { gone: () => this.#sent(this) })
      }
    } catch (caught) {
      error = caught ?? new Error('the stream failed')
    }
    this.#end(error)
  }

  /** Ends the stream with an error before its handler does; what was made and has not left is dropped. */
  fail(error: Error): void {
    this.#outbox.drop(this.flow)
    this.#end(error)
    this.#abort.abort(error)
    this.woken()
  }

  #end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    const body = error === undefined ? new Uint8Array(0) : encodeError(error)
    this.#outbox.put(this.flow, FrameType.END, this.#id, body, {
      flags: error === undefined ? 0 : Flag.ERROR,
      gone: () => this.#gone(this),
    })
    if (error !== undefined) this.#leave()
  }

  /** There may be room again. */
  woken(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Nobody reads any more. */
  stop(reason: Error): void {
    this.#outbox.drop(this.flow)
    if (!this.#ended) this.#leave()
    this.#ended = true
    this.#abort.abort(reason)
    this.woken()
  }

  #leave(): void {
    // A handler that waits for something else than the signal must not hold up anything here.
    this.#iterator?.return?.().catch(() => {})
  }
}
