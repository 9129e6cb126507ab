import type { Clock, Environment, Logger, LogLevel, Random } from '@heddle/core/plugin'

export interface LogLine {
  readonly level: LogLevel
  readonly message: string
}

/** A clock on which every timer is due in the next turn of the event loop: waiting costs nothing, and time still passes in order. */
export class HurriedClock implements Clock {
  #now = Date.UTC(2030, 0, 1)
  readonly #start = this.#now
  /** Timers that ran, with their delays. */
  readonly waits: number[] = []

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#start
  }

  setTimer(delay: number, task: () => void): { cancel(): void } {
    const timer = setImmediate(() => {
      this.#now += delay
      this.waits.push(delay)
      task()
    })
    return { cancel: () => clearImmediate(timer) }
  }
}

function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    // Mulberry32: enough to spread a few peers over a few orderers.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
    float: next,
    fork: (label) => random([...label].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), seed)),
  }
}

function logger(lines: LogLine[]): Logger {
  const at =
    (level: LogLevel) =>
    (_fields: object, message: string): void => {
      lines.push({ level, message })
    }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => logger(lines),
    isEnabled: () => true,
  }
}

const absent = (what: string): never => {
  throw new TypeError(`this conformance suite gives no ${what}: pass one as \`environment\``)
}

/** An environment without disk and network, whose log can be read. */
export function hurriedEnvironment(
  seed: number,
  given: Partial<Environment> = {},
): { readonly environment: Environment; readonly clock: HurriedClock; readonly log: readonly LogLine[] } {
  const clock = new HurriedClock()
  const log: LogLine[] = []
  const instrument = { add: () => {}, set: () => {}, observe: () => {} }
  const environment: Environment = {
    clock,
    random: random(seed),
    logger: logger(log),
    metrics: { counter: () => instrument, gauge: () => instrument, histogram: () => instrument },
    get disk() {
      return given.disk ?? absent('disk')
    },
    get transport() {
      return given.transport ?? absent('transport')
    },
  }
  return { environment, clock, log }
}
