import type { AbstractSnapshot } from 'abstract-level'
import type { Height } from '../../ports/state-db.ts'

/** One LevelDB snapshot for all who read the state at the same height; closed when the last of them lets go. */
export class SharedSnapshot {
  readonly level: AbstractSnapshot
  readonly batch: number
  readonly height: Height | undefined
  #holders = 0

  constructor(level: AbstractSnapshot, batch: number, height: Height | undefined) {
    this.level = level
    this.batch = batch
    this.height = height
  }

  hold(): void {
    this.#holders++
  }

  /** True when nobody holds it any more: it is closed then. */
  drop(): boolean {
    if (--this.#holders > 0) return false
    // Closing is synchronous in classic-level; the promise only says so.
    void this.level.close()
    return true
  }
}
