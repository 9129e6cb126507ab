import type { Clock, Timer } from '@heddle/core/plugin'

interface Event {
  readonly time: number
  readonly order: number
  task: (() => void) | undefined
}

// Runs every microtask that waits, and those that they make, before it returns: what Node itself calls between callbacks.
const drainNow = (process as { _tickCallback?: () => void })._tickCallback

/** Time that passes only from event to event; all promises settle in between. One seed gives one history. */
export class VirtualTime {
  /** Milliseconds since the beginning. */
  now = 0
  events = 0
  private readonly heap: Event[] = []
  private order = 0
  private readonly start = Date.UTC(2030, 0, 1)

  after(delay: number, task: () => void): Timer {
    const event: Event = { time: this.now + Math.max(0, delay), order: this.order++, task }
    this.push(event)
    return {
      cancel: () => {
        event.task = undefined
      },
    }
  }

  /** A clock of somebody who may die: then none of its timers goes off any more. */
  clock(isAlive: () => boolean): Clock {
    return {
      now: () => this.start + Math.floor(this.now),
      monotonic: () => this.now,
      setTimer: (delay, task) =>
        this.after(delay, () => {
          if (isAlive()) task()
        }),
    }
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve))
  }

  /** Runs until a condition holds, looked at after each event; false when `end` came first. */
  run(until: () => boolean, end: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          for (let i = 0; i < 20_000; i++) {
            if (until()) {
              resolve(true)
              return
            }
            const event = this.heap[0]
            if (event === undefined || event.time > end) {
              this.now = Math.max(this.now, end)
              resolve(until())
              return
            }
            this.pop()
            this.now = event.time
            const { task } = event
            if (task === undefined) continue
            event.task = undefined
            this.events++
            task()
            if (drainNow === undefined) break
            drainNow.call(process)
          }
          setImmediate(turn)
        } catch (error) {
          reject(error)
        }
      }
      // Outside of any promise, where microtasks can be drained.
      setImmediate(turn)
    })
  }

  private push(event: Event): void {
    const { heap } = this
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (before(heap[parent]!, event)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (before(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
