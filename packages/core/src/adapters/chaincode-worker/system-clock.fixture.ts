import type { Clock, Timer } from '../../ports/clock.ts'

/** Real time: threads run in it. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  setTimer(delay: number, task: () => void): Timer {
    const timer = setTimeout(task, delay)
    return { cancel: () => clearTimeout(timer) }
  }
}
