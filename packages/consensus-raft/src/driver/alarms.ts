import type { Clock, Timer } from '@heddle/core/plugin'

interface Alarm {
  readonly at: number
  readonly hold: boolean
  readonly task: () => void
}

/** The deadlines of one channel, on one timer of the clock. A timer that fires early finds nothing to do and is set again. */
export class Alarms {
  readonly #clock: Clock
  readonly #alarms = new Map<string, Alarm>()
  #timer: Timer | undefined
  #armed = Number.POSITIVE_INFINITY
  #held = false
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Calls `task` at a monotonic time, in place of what was set under this name before. Infinity: not at all.
   *
   * @param hold somebody's answer waits for it: the process stays
   */
  set(name: string, at: number, task: () => void, hold = false): void {
    if (this.#stopped) return
    if (at === Number.POSITIVE_INFINITY) this.#alarms.delete(name)
    else this.#alarms.set(name, { at, task, hold })
    // One that fires early costs less than setting it anew with every heartbeat.
    if (at < this.#armed || (hold && !this.#held)) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#alarms.clear()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    let at = Number.POSITIVE_INFINITY
    let hold = false
    for (const alarm of this.#alarms.values()) {
      at = Math.min(at, alarm.at)
      hold ||= alarm.hold
    }
    if (at === this.#armed && hold === this.#held) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armed = at
    this.#held = hold
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.monotonic()), () => this.#fire(), hold)
  }

  #fire(): void {
    this.#timer = undefined
    this.#armed = Number.POSITIVE_INFINITY
    const now = this.#clock.monotonic()
    const due = [...this.#alarms].filter(([, { at }]) => at <= now)
    for (const [name, alarm] of due) {
      if (this.#alarms.get(name) !== alarm) continue
      this.#alarms.delete(name)
      alarm.task()
    }
    this.#arm()
  }
}
