/**
 * Lets many readers hold the state still between commits, for state databases without snapshots. A waiting commit goes before readers
 * that come later, so neither starves.
 */
export class CommitLock {
  private readers = 0
  private writing = false
  private readonly waitingWriters: (() => void)[] = []
  private waitingReaders: (() => void)[] = []

  /** Resolves when no commit is under way; the returned function ends the reading. */
  async read(): Promise<() => void> {
    while (this.writing || this.waitingWriters.length > 0) await new Promise<void>((resolve) => this.waitingReaders.push(resolve))
    this.readers++
    let held = true
    return () => {
      if (!held) return
      held = false
      if (--this.readers === 0) this.waitingWriters.shift()?.()
    }
  }

  async write<T>(commit: () => T | Promise<T>): Promise<T> {
    if (this.writing || this.readers > 0) await new Promise<void>((resolve) => this.waitingWriters.push(resolve))
    this.writing = true
    try {
      return await commit()
    } finally {
      this.writing = false
      const next = this.waitingWriters.shift()
      if (next !== undefined) next()
      else {
        const readers = this.waitingReaders
        this.waitingReaders = []
        for (const resume of readers) resume()
      }
    }
  }
}
