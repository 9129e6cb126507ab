import type { Clock, Timer } from './clock.ts'

/** Whom a deadline tells that it passed. */
export interface Expiring {
  expire(): void
}

/** One deadline that was set. */
export interface Deadline {
  readonly at: number
  /** Undefined once it passed or was cancelled. */
  target: Expiring | undefined
}

/**
 * Deadlines of one length: thousands may be pending at the price of one timer, because the first to be set is the first to pass.
 */
export class Deadlines {
  private readonly clock: Clock
  private readonly length: number
  private queue: Deadline[] = []
  private head = 0
  private timer: Timer | undefined

  /** `length` in milliseconds. */
  constructor(clock: Clock, length: number) {
    this.clock = clock
    this.length = length
  }

  /** Calls `target.expire` once, unless the deadline is cancelled before. */
  set(target: Expiring): Deadline {
    const deadline: Deadline = { at: this.clock.monotonic() + this.length, target }
    this.queue.push(deadline)
    if (this.timer === undefined) this.arm()
    return deadline
  }

  cancel(deadline: Deadline): void {
    deadline.target = undefined
    this.settle()
  }

  /** Passes over entries that are done, so that the queue holds no more than what is pending between the oldest and the newest. */
  private settle(): void {
    const queue = this.queue
    while (this.head < queue.length && queue[this.head]!.target === undefined) this.head++
    if (this.head === queue.length) {
      queue.length = 0
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
      const target = first.target
      first.target = undefined
      target?.expire()
    }
    this.arm()
  }
}

/** Work that somebody waits for, but not for ever. */
class Limited<T> implements Expiring {
  private readonly deadlines: Deadlines
  private readonly signal: AbortSignal | undefined
  private readonly late: (cause: unknown) => Error
  private readonly resolve: (value: T) => void
  private readonly reject: (error: unknown) => void
  private readonly deadline: Deadline
  private readonly aborted: (() => void) | undefined

  constructor(
    deadlines: Deadlines,
    signal: AbortSignal | undefined,
    late: (cause: unknown) => Error,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.deadlines = deadlines
    this.signal = signal
    this.late = late
    this.resolve = resolve
    this.reject = reject
    this.deadline = deadlines.set(this)
    if (signal !== undefined) {
      this.aborted = () => {
        deadlines.cancel(this.deadline)
        reject(late(signal.reason))
      }
      signal.addEventListener('abort', this.aborted, { once: true })
    }
  }

  expire(): void {
    this.forgetSignal()
    this.reject(this.late(undefined))
  }

  done(value: T): void {
    this.deadlines.cancel(this.deadline)
    this.forgetSignal()
    this.resolve(value)
  }

  failed(error: unknown): void {
    this.deadlines.cancel(this.deadline)
    this.forgetSignal()
    this.reject(error)
  }

  private forgetSignal(): void {
    if (this.aborted !== undefined) this.signal?.removeEventListener('abort', this.aborted)
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
    const limited = new Limited<T>(deadlines, signal, late, resolve, reject)
    running.then(
      (value) => limited.done(value),
      (error) => limited.failed(error),
    )
  })
}
