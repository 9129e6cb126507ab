import { Trace } from './trace.ts'

/** Somebody whose work ends with it: an incarnation of a node, a client. */
export interface Owner {
  /** What a dead owner had planned does not happen. */
  readonly alive: boolean
  /** Virtual milliseconds until which it does nothing: its work waits, in order. */
  readonly pausedUntil: number
  /** Small number for the trace. */
  readonly id: number
}

export interface SimEvent {
  time: number
  order: number
  readonly owner: Owner | undefined
  task: (() => void) | undefined
}

/** The world ran on without an end: something schedules itself again and again. */
export class RunawayError extends Error {
  override readonly name = 'RunawayError'
}

// Runs every microtask that waits, and those that they make, before it returns: what Node itself calls between callbacks.
const drainNow = (process as { _tickCallback?: () => void })._tickCallback

/** Events at one moment after which time is taken to stand still. */
const MOST_AT_ONCE = 100_000

/** Virtual time: a heap of events, run one after the other on one thread, all promises settled in between. */
export class Scheduler {
  /** Virtual milliseconds since the beginning. */
  now = 0
  /** Events that ran. */
  events = 0
  readonly trace: Trace
  /** Whom the event under way concerns: its owner, unless the event says otherwise. */
  actor: Owner | undefined
  /** Called after each event, when all promises are settled. */
  settled: ((actor: Owner | undefined) => void) | undefined
  readonly #heap: SimEvent[] = []
  #order = 0
  #stopped = false

  constructor(trace: Trace = new Trace()) {
    this.trace = trace
    trace.useClock(() => this.now)
  }

  /** Runs `task` in `delay` milliseconds, if its owner is alive then. Set the event's `task` to undefined to take it back. */
  after(delay: number, owner: Owner | undefined, task: () => void): SimEvent {
    const event: SimEvent = { time: this.now + Math.max(0, delay), order: this.#order++, owner, task }
    this.#push(event)
    return event
  }

  /** Ends `run` after the event under way. */
  stop(): void {
    this.#stopped = true
  }

  /** Runs until `stop`, until nothing is planned, or until virtual time `end`. */
  run(end: number): Promise<void> {
    this.#stopped = false
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (drainNow === undefined) {
            // Without a way to drain at once, a turn of the event loop does it: the same history, more slowly.
            this.#conclude()
            if (this.#step(end)) setImmediate(turn)
            else resolve()
            return
          }
          while (this.#step(end)) {
            drainNow.call(process)
            this.#conclude()
          }
          resolve()
        } catch (error) {
          reject(error)
        }
      }
      // Outside of any promise, where microtasks can be drained.
      setImmediate(turn)
    })
  }

  #unsettled = false
  #lastTime = -1
  #atOnce = 0

  /** Runs one event; false when the run is over. */
  #step(end: number): boolean {
    if (this.#stopped) return false
    const event = this.#heap[0]
    if (event === undefined || event.time > end) {
      this.now = Math.max(this.now, end)
      return false
    }
    this.#pop()
    const { task, owner } = event
    if (task === undefined || owner?.alive === false) return true
    this.now = event.time
    if (owner !== undefined && owner.pausedUntil > event.time) {
      event.time = owner.pausedUntil
      event.order = this.#order++
      this.#push(event)
      return true
    }
    if (event.time === this.#lastTime) {
      if (++this.#atOnce > MOST_AT_ONCE) throw new RunawayError(`${MOST_AT_ONCE} events at ${this.now} ms`)
    } else {
      this.#lastTime = event.time
      this.#atOnce = 0
    }
    this.events++
    this.trace.mix(event.time * 1000)
    this.trace.mix(owner?.id ?? -1)
    event.task = undefined
    this.actor = owner
    this.#unsettled = true
    task()
    return true
  }

  #conclude(): void {
    if (!this.#unsettled) return
    this.#unsettled = false
    this.settled?.(this.actor)
  }

  #push(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const other = heap[parent]!
      if (before(other, event)) break
      heap[at] = other
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    const size = heap.length
    if (size === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++
      const other = heap[child]!
      if (before(last, other)) break
      heap[at] = other
      at = child
    }
    heap[at] = last
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
