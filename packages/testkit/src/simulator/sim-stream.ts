import { type Route, TransportError } from '@heddle/core/plugin'
import type { SimTransport } from './sim-network.ts'

/** A request or stream under way between two nodes: reliable and in order while it lasts, and it may break at any moment. */
export class SimLink {
  readonly #transport: SimTransport
  readonly #route: Route
  readonly #abort = new AbortController()
  readonly #given: AbortSignal | undefined
  readonly #giveUp: () => void
  #waiting: ((error: Error) => void) | undefined
  #error: Error | undefined

  constructor(transport: SimTransport, route: Route, signal: AbortSignal | undefined) {
    this.#transport = transport
    this.#route = route
    this.#given = signal
    this.#giveUp = () =>
      this.#close(new TransportError('TRANSPORT_ABORTED', `${route.service} on ${route.to} was given up`, { ...route }))
    transport.network.register(this)
    if (signal?.aborted === true) this.#giveUp()
    else signal?.addEventListener('abort', this.#giveUp, { once: true })
  }

  /** For the handler at the other end: aborts when nobody listens any more. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  runsBetween(a: string, b: string): boolean {
    const { self } = this.#transport
    return (self === a && this.#route.to === b) || (self === b && this.#route.to === a)
  }

  touches(name: string): boolean {
    return this.#transport.self === name || this.#route.to === name
  }

  /** The connection is gone. */
  fail(): void {
    if (this.#error !== undefined) return
    this.#transport.network.counts.broken++
    const { self } = this.#transport
    this.#close(new TransportError('TRANSPORT_CLOSED', `the connection between ${self} and ${this.#route.to} ended`, { self }))
  }

  /** Finds the handler at the other end, after the time that a message takes. */
  reach<H>(find: (target: SimTransport) => H | undefined): Promise<H> {
    const { network, self } = this.#transport
    const { to, service, channel } = this.#route
    return this.#travel(() => {
      const target = network.find(to)
      if (target === undefined)
        throw new TransportError('TRANSPORT_UNREACHABLE', `${self} cannot reach ${to}`, { from: self, to })
      const handler = find(target)
      if (handler === undefined)
        throw new TransportError('TRANSPORT_NO_SERVICE', `${to} does not serve ${service} of channel ${channel}`, { to })
      return handler
    })
  }

  /** Lets the other end work, and brings its answer back. */
  async ask<T>(work: () => Promise<T>): Promise<T> {
    // A failure of the handler travels as its answer does.
    const answer = await this.#race(
      work().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    )
    await this.#travel(() => undefined)
    if ('error' in answer) throw answer.error
    return answer.value
  }

  end(): void {
    this.#transport.network.unregister(this)
    this.#given?.removeEventListener('abort', this.#giveUp)
    this.#error ??= new TransportError('TRANSPORT_ABORTED', 'the reader left')
    if (!this.#abort.signal.aborted) this.#abort.abort(this.#error)
  }

  #travel<T>(arrive: () => T): Promise<T> {
    const { network, self, owner } = this.#transport
    const { to } = this.#route
    const broken = network.isCut(self, to) || network.isCut(to, self) || network.draw.chance(network.traits.breaks)
    if (broken) network.breakSoon(this)
    return this.#race(
      new Promise<T>((resolve, reject) => {
        if (broken) return
        network.scheduler.after(network.delay(self, to), owner, () => {
          try {
            resolve(arrive())
          } catch (error) {
            reject(error)
          }
        })
      }),
    )
  }

  #race<T>(promise: Promise<T>): Promise<T> {
    if (this.#error !== undefined) {
      promise.catch(() => {})
      return Promise.reject(this.#error)
    }
    return new Promise((resolve, reject) => {
      this.#waiting = reject
      promise.then(resolve, reject)
    })
  }

  #close(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#transport.network.unregister(this)
    this.#abort.abort(error)
    this.#waiting?.(error)
  }
}
