import type { Clock, Timer } from '../../ports/clock.ts'

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delay, task, hold = false) {
    const timer = setTimeout(task, delay)
    if (!hold) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

interface Pending {
  readonly due: number
  readonly order: number
  readonly task: () => void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly manual = true
  #now: number
  #elapsed = 0
  #order = 0
  #pending: Pending[] = []

  /** `start`: milliseconds since 1970. Default: 1 January 2025, UTC. */
  constructor(start = Date.UTC(2025, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#elapsed
  }

  setTimer(delay: number, task: () => void): Timer {
    const pending: Pending = { due: this.#elapsed + Math.max(0, delay), order: this.#order++, task }
    this.#pending.push(pending)
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== pending)
      },
    }
  }

  /** Moves time forward; timers that fall due run in their order, each at its own moment, those that they set included. */
  advance(milliseconds: number): void {
    const end = this.#elapsed + Math.max(0, milliseconds)
    for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
      this.#pending = this.#pending.filter((other) => other !== next)
      this.#move(next.due)
      next.task()
    }
    this.#move(end)
  }

  /** Sets the wall clock, as an operator might: timers and `monotonic` do not notice. */
  setTime(now: number): void {
    this.#now = now
  }

  /** Milliseconds until the next timer; undefined when none is set. */
  get untilNext(): number | undefined {
    const next = this.#first(Number.POSITIVE_INFINITY)
    return next && next.due - this.#elapsed
  }

  #first(limit: number): Pending | undefined {
    let first: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.due > limit) continue
      if (first === undefined || pending.due < first.due || (pending.due === first.due && pending.order < first.order))
        first = pending
    }
    return first
  }

  #move(elapsed: number): void {
    this.#now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }
}

/** A clock that stands still until a test moves it. */
export function manualClock(start?: number): ManualClock {
  return new ManualClock(start)
}
