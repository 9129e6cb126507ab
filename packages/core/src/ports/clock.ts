/** A timer that can be taken back. */
export interface Timer {
  cancel(): void
}

/** Time as a node sees it. */
export interface Clock {
  /** Time stands still between a test's moves: nothing may wait for it only to gather work into larger batches. */
  readonly manual?: boolean
  /** Wall clock, milliseconds since 1970 (UTC). May jump. */
  now(): number
  /** Milliseconds from an arbitrary start, with fractions; never goes back. For durations. */
  monotonic(): number
  /**
   * Runs `task` once, `delay` milliseconds from now. A pending timer does not keep a process alive, unless `hold`: for a timer on which
   * somebody's answer waits.
   */
  setTimer(delay: number, task: () => void, hold?: boolean): Timer
}
