import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../ports/clock.ts'

/** Milliseconds between looks while chaincode runs. */
const INTERVAL = 50
const MEGABYTE = 1024 * 1024

/**
 * The engine's own limit of a thread's heap ends the whole process when one allocation jumps past it, as that of a growing Map does. So
 * that limit is set this many times higher, and the heap is watched from outside.
 */
export const HARD_LIMIT_FACTOR = 4

/** Watches the heap of a thread while it has work. */
export class MemoryWatch {
  private readonly worker: Worker
  private readonly limit: number
  private readonly clock: Clock
  private readonly exceeded: (megabytes: number) => void
  private timer: Timer | undefined

  constructor(worker: Worker, limitMegabytes: number, clock: Clock, exceeded: (megabytes: number) => void) {
    this.worker = worker
    this.limit = limitMegabytes
    this.clock = clock
    this.exceeded = exceeded
  }

  start(): void {
    this.timer ??= this.clock.setTimer(INTERVAL, () => void this.look())
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private async look(): Promise<void> {
    const timer = this.timer
    let used: number
    try {
      used = (await this.worker.getHeapStatistics()).used_heap_size / MEGABYTE
    } catch {
      // The thread has ended; whoever owns it knows.
      return
    }
    if (this.timer !== timer || timer === undefined) return
    this.timer = undefined
    if (used > this.limit) this.exceeded(Math.ceil(used))
    else this.start()
  }
}
