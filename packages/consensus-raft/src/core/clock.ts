const ROUNDING = 0.01

/**
 * Time as the core sees it: it only ever moves forward, by what the driver's clock moved forward. A clock that jumps back stands still for
 * the core, instead of putting off elections for as long as it jumped; one that jumps ahead fires timers early, which costs an election
 * at most. Nothing that safety rests on looks at time.
 */
export class MonotoneClock {
  #outside: number
  #elapsed = 0

  constructor(now: number) {
    this.#outside = Number.isFinite(now) ? now : 0
  }

  get elapsed(): number {
    return this.#elapsed
  }

  /** Whether a time has come. Sums of fractions lose their last digits, so a timer that fires on the dot must not be found too early. */
  isDue(elapsed: number): boolean {
    return this.#elapsed >= elapsed - ROUNDING
  }

  advance(now: number): void {
    if (!Number.isFinite(now)) return
    if (now > this.#outside) this.#elapsed += now - this.#outside
    this.#outside = now
  }

  /** A time of this clock in terms of the driver's. */
  outside(elapsed: number): number {
    return this.#outside + (elapsed - this.#elapsed)
  }
}
