import type { Clock, Timer } from '../ports/clock.ts'

interface Entry {
  at: number
  expire: (() => void) | undefined
}

/**
 * Deadlines of one length: thousands may be pending at the price of one timer, because the first to be set is the first to pass.
 */
export class Deadlines {
  private readonly clock: Clock
  private readonly length: number
  private queue: Entry[] = []
  private head = 0
  private timer: Timer | undefined

  /** `length` in milliseconds. */
  constructor(clock: Clock, length: number) {
    this.clock = clock
    this.length = length
  }

  /** Runs `expire` once, unless the returned function is called before. */
  set(expire: () => void): () => void {
    const entry: Entry = { at: this.clock.monotonic() + this.length, expire }
    this.queue.push(entry)
    if (this.timer === undefined) this.arm()
    return () => {
      entry.expire = undefined
      this.settle()
    }
  }

  /** Passes over entries that are done, so that the queue holds no more than what is pending between the oldest and the newest. */
  private settle(): void {
    const queue = this.queue
    while (this.head < queue.length && queue[this.head]!.expire === undefined) this.head++
    if (this.head === queue.length) {
      this.queue = []
      this.head = 0
    } else if (this.head > 1024 && this.head * 2 > queue.length) {
      this.queue = queue.slice(this.head)
      this.head = 0
    }
  }

  private arm(): void {
    const first = this.queue[this.head]
    if (first === undefined) return
    this.timer = this.clock.setTimer(Math.max(1, first.at - this.clock.monotonic()), () => {
      this.timer = undefined
      this.expireDue()
    })
  }

  private expireDue(): void {
    const now = this.clock.monotonic()
    for (;;) {
      this.settle()
      const first = this.queue[this.head]
      if (first === undefined) return
      if (first.at > now) break
      const expire = first.expire
      first.expire = undefined
      expire?.()
    }
    this.arm()
  }
}

/**
 * The outcome of `work`, or `late()` as the rejection when the deadline passes or the signal aborts first. Work of a signal that has
 * aborted already is not begun.
 */
export function within<T>(
  deadlines: Deadlines,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  late: (cause: unknown) => Error,
): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(late(signal.reason))
  const running = work()
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      cancel()
      reject(late(signal?.reason))
    }
    const cancel = deadlines.set(() => {
      signal?.removeEventListener('abort', abort)
      reject(late(undefined))
    })
    signal?.addEventListener('abort', abort, { once: true })
    running.then(
      (value) => {
        cancel()
        signal?.removeEventListener('abort', abort)
        resolve(value)
      },
      (error) => {
        cancel()
        signal?.removeEventListener('abort', abort)
        reject(error)
      },
    )
  })
}
