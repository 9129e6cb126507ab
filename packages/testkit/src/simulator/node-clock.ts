import type { Clock, Timer } from '@heddle/core/plugin'
import type { Owner, Scheduler } from './scheduler.ts'

/** How a node's clocks differ from true time. */
export interface ClockFaults {
  /** Wall clock minus true time at the start, milliseconds. */
  readonly skew: number
  /** How much faster it runs: 0.001 gains a millisecond a second. */
  readonly drift: number
}

/** 1 January 2025, UTC. */
const EPOCH = Date.UTC(2025, 0, 1)

/** The clocks of one node. The wall clock is wrong and jumps; the monotonic one drifts; timers follow the monotonic one. */
export class NodeClock {
  readonly #scheduler: Scheduler
  readonly #faults: ClockFaults
  #jumped = 0

  constructor(scheduler: Scheduler, faults: ClockFaults) {
    this.#scheduler = scheduler
    this.#faults = faults
  }

  /** Sets the wall clock forward or back. */
  jump(milliseconds: number): void {
    this.#jumped += milliseconds
  }

  /** As one incarnation sees it: its monotonic clock begins at `origin`, and its timers die with it. */
  mount(owner: Owner, origin: number): Clock {
    const scheduler = this.#scheduler
    const booted = scheduler.now
    const rate = 1 + this.#faults.drift
    return {
      now: () => Math.floor(EPOCH + this.#faults.skew + scheduler.now * rate + this.#jumped),
      monotonic: () => origin + (scheduler.now - booted) * rate,
      setTimer(delay, task): Timer {
        // Timers of Node take a millisecond at least.
        const event = scheduler.after(Math.max(1, delay) / rate, owner, task)
        return {
          cancel() {
            event.task = undefined
          },
        }
      },
    }
  }
}
