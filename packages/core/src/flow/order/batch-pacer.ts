import type { Clock, Timer } from '../../ports/clock.ts'
import type { OrderingLoad } from '../../ports/ordering-service.ts'
import type { OptionsSchema } from '../../ports/plugin.ts'

/** When a batch that is not full is cut. Durations in milliseconds. */
export interface Pace {
  /**
   * Load begins when this many envelopes in the last tenth of a second came while others were in flight.
   * Below it a batch is cut as soon as the pipeline is free: latency is what matters, and idle processors pay for one more block.
   * Above it blocks have to fill, because each costs every peer a commit.
   */
  readonly crowd: number
  /** Under load: no new envelope for this long means that the burst is over. */
  readonly quiet: number
  /** Under load: the longest that an envelope waits for others, if the batch timeout of the channel is not shorter. */
  readonly longest: number
}

/** The pace of a channel unless told otherwise. */
export const defaultPace: Pace = { crowd: 8, quiet: 3, longest: 50 }

/** JSON Schema of an option `pace`: every plugin that paces its batches takes the same. */
export const paceSchema: OptionsSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'When a batch that is not full is cut.',
  properties: {
    crowd: {
      type: 'integer',
      minimum: 0,
      default: defaultPace.crowd,
      description: 'Load begins when this many envelopes within a tenth of a second came while others were in flight.',
    },
    quiet: {
      type: 'number',
      minimum: 0,
      default: defaultPace.quiet,
      description: 'Milliseconds without a new envelope after which a batch is cut under load.',
    },
    longest: {
      type: 'number',
      minimum: 0,
      default: defaultPace.longest,
      description: 'Milliseconds after which a batch is cut under load; the batch timeout of the channel bounds it.',
    },
  },
}

/** Half of the time over which a crowd is counted. */
const WINDOW = 50
const QUIET_LOOKS = 3

/** What the pacer works with. */
export interface BatchPacerParts {
  readonly clock: Clock
  readonly load: () => OrderingLoad
  /** The channel's batch timeout: an upper bound on every wait. */
  readonly batchTimeout: () => number
  /** Items in the cutter. */
  readonly pending: () => number
  /** Cuts what waits. Called with `pending() > 0` only. */
  readonly cut: () => void
  readonly pace?: Partial<Pace>
}

/**
 * Decides when a batch that is not full is cut: at once while there is no load, so that a lone transaction takes milliseconds; under
 * load when the burst ends or `longest` is over, so that blocks fill. The batch timeout is only an upper bound.
 *
 * A plugin calls `arrived` after it gave an item to its cutter, `wasCut` when a batch was cut, `released` when a block became durable.
 * One timer serves all.
 */
export class BatchPacer {
  private readonly parts: BatchPacerParts
  private readonly pace: Pace
  private timer: Timer | undefined
  private scheduled = false
  private stopped = false
  /** Arrivals since the timer was last set, and looks in a row that saw none. */
  private recent = 0
  private quietLooks = 0
  /** Monotonic time at which the oldest pending item came. */
  private since = 0
  private waiting = false
  private windowStart = Number.NEGATIVE_INFINITY
  private crowdNow = 0
  private crowdBefore = 0

  constructor(parts: BatchPacerParts) {
    this.parts = parts
    this.pace = { ...defaultPace, ...parts.pace }
  }

  /** An item was given to the cutter. */
  arrived(): void {
    this.count()
    this.released()
  }

  /** An envelope came that this pacer need not care for otherwise: it tells of the load. */
  count(): void {
    this.recent++
    if (this.parts.load().inFlight < 2) return
    this.turnWindow(this.parts.clock.monotonic())
    this.crowdNow++
  }

  /** A batch was cut: the next item begins a new wait. */
  wasCut(): void {
    this.waiting = false
    this.quietLooks = 0
  }

  /** The pipeline has become freer, or the cutter holds items that this pacer has not seen. */
  released(): void {
    if (this.scheduled || this.stopped || this.parts.pending() === 0) return
    if (!this.waiting) {
      this.waiting = true
      this.since = this.parts.clock.monotonic()
    }
    this.scheduled = true
    // At the end of the turn, so that what comes in one turn goes into one batch.
    queueMicrotask(() => {
      this.scheduled = false
      if (this.stopped || this.parts.pending() === 0) return
      if (this.isFree()) this.cut()
      else if (this.timer === undefined) this.tick()
    })
  }

  /** Nothing is to be gained by waiting: no load, and no block on its way to the disk. */
  isFree(): boolean {
    if (this.parts.load().blocks > 0) return false
    // A clock that stands still shows no load.
    if (this.parts.clock.manual === true) return true
    this.turnWindow(this.parts.clock.monotonic())
    return this.crowdNow + this.crowdBefore < this.pace.crowd
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.timer = undefined
  }

  private turnWindow(now: number): void {
    const age = now - this.windowStart
    if (age < WINDOW) return
    this.crowdBefore = age < 2 * WINDOW ? this.crowdNow : 0
    this.crowdNow = 0
    this.windowStart = now
  }

  private tick(): void {
    this.recent = 0
    const left = this.longest() - (this.parts.clock.monotonic() - this.since)
    // Several short looks instead of one timer per arrival; a turn that blocked the thread counts as one look, not as silence.
    const look = (): void => {
      this.timer = undefined
      this.look()
    }
    // Somebody waits for the answer: the process stays for it.
    this.timer = this.parts.clock.setTimer(Math.max(Math.min(left, this.pace.quiet / QUIET_LOOKS), 0), look, true)
  }

  private look(): void {
    if (this.stopped || this.parts.pending() === 0) return
    this.quietLooks = this.recent === 0 ? this.quietLooks + 1 : 0
    const overdue = this.parts.clock.monotonic() - this.since >= this.longest()
    const quiet = this.quietLooks >= QUIET_LOOKS && this.parts.load().blocks === 0
    if (overdue || quiet || this.isFree()) this.cut()
    else this.tick()
  }

  private longest(): number {
    return Math.min(this.pace.longest, this.parts.batchTimeout())
  }

  private cut(): void {
    this.parts.cut()
    this.wasCut()
    this.released()
  }
}
