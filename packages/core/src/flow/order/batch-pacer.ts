import type { Clock, Timer } from '../../ports/clock.ts'
import type { OrderingLoad } from '../../ports/ordering-service.ts'

/** When a batch that is not full is cut. Durations in milliseconds. */
export interface Pace {
  /**
   * With at most this many envelopes in flight a batch is cut as soon as the pipeline is free. Below it latency is what matters and
   * the cost of one more block is paid by idle processors; above it, blocks have to fill, because each costs the peers a commit.
   */
  readonly freeUpTo: number
  /** Above `freeUpTo`: no new envelope for this long means that the burst is over. */
  readonly quiet: number
  /** Above `freeUpTo`: the longest that an envelope waits for others, if the batch timeout of the channel is not shorter. */
  readonly longest: number
}

export const defaultPace: Pace = { freeUpTo: 32, quiet: 3, longest: 50 }

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
 * Decides when a batch that is not full is cut: at once when the pipeline is free and little is in flight, so that a lone transaction
 * takes milliseconds; under load when the burst ends or `longest` is over, so that blocks fill. The batch timeout is only an upper bound.
 *
 * A plugin calls `arrived` after it gave items to its cutter, and `released` when a block became durable or a batch was cut. One timer
 * serves all.
 */
export class BatchPacer {
  private readonly parts: BatchPacerParts
  private readonly pace: Pace
  private timer: Timer | undefined
  private scheduled = false
  private stopped = false
  /** Arrivals since the timer was last set. */
  private recent = 0
  private quietTicks = 0
  /** Monotonic time at which the oldest pending item came, as far as ticks tell. */
  private since = 0
  private waiting = false

  constructor(parts: BatchPacerParts) {
    this.parts = parts
    this.pace = { ...defaultPace, ...parts.pace }
  }

  /** Items were given to the cutter, and some may still wait there. */
  arrived(): void {
    this.recent++
    if (!this.waiting && this.parts.pending() > 0) {
      this.waiting = true
      this.since = this.parts.clock.monotonic()
    }
    this.consider()
  }

  /** A batch was cut: the next item begins a new wait. */
  wasCut(): void {
    this.waiting = this.parts.pending() > 0
    if (this.waiting) this.since = this.parts.clock.monotonic()
    this.quietTicks = 0
  }

  /** The pipeline has become freer. */
  released(): void {
    this.consider()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.timer = undefined
  }

  /** Looks at the end of the turn, so that what comes in one turn goes into one batch. */
  private consider(): void {
    if (this.scheduled || this.stopped || this.parts.pending() === 0) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      if (this.stopped || this.parts.pending() === 0) return
      if (this.isFree()) this.cut()
      else if (this.timer === undefined) this.tick()
    })
  }

  private isFree(): boolean {
    const { blocks, inFlight } = this.parts.load()
    return blocks === 0 && (inFlight <= this.pace.freeUpTo || this.parts.clock.manual === true)
  }

  private tick(): void {
    this.recent = 0
    const waited = this.parts.clock.monotonic() - this.since
    const left = Math.min(this.pace.longest, this.parts.batchTimeout()) - waited
    // Several short looks instead of one timer per arrival; a turn that blocked the thread counts as one look, not as silence.
    this.timer = this.parts.clock.setTimer(Math.max(Math.min(left, this.pace.quiet / QUIET_LOOKS), 0), () => {
      this.timer = undefined
      this.look()
    })
  }

  private look(): void {
    if (this.stopped || this.parts.pending() === 0) return
    this.quietTicks = this.recent === 0 ? this.quietTicks + 1 : 0
    const overdue = this.parts.clock.monotonic() - this.since >= Math.min(this.pace.longest, this.parts.batchTimeout())
    const quiet = this.quietTicks >= QUIET_LOOKS && this.parts.load().blocks === 0
    if (overdue || quiet || this.isFree()) this.cut()
    else this.tick()
  }

  private cut(): void {
    this.parts.cut()
    this.wasCut()
    if (this.parts.pending() > 0) this.consider()
  }
}

const QUIET_LOOKS = 3
