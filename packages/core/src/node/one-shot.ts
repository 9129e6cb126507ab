interface Waiter<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** An outcome that comes once; makes a promise only when somebody waits before it came. The first outcome counts. */
export class OneShot<T> {
  private value: T | undefined
  private error: Error | undefined
  private isSettled = false
  private waiting: Set<Waiter<T>> | undefined

  get settled(): boolean {
    return this.isSettled
  }

  /** Somebody waits for the outcome. */
  get awaited(): boolean {
    return this.waiting !== undefined && this.waiting.size > 0
  }

  resolve(value: T): void {
    if (this.isSettled) return
    this.isSettled = true
    this.value = value
    for (const each of this.waiting ?? []) each.resolve(value)
    this.waiting = undefined
  }

  reject(error: Error): void {
    if (this.isSettled) return
    this.isSettled = true
    this.error = error
    for (const each of this.waiting ?? []) each.reject(error)
    this.waiting = undefined
  }

  /** Rejects with the signal's reason when it aborts first; who gave up is not remembered. */
  wait(signal?: AbortSignal): Promise<T> {
    if (this.isSettled) return this.error === undefined ? Promise.resolve(this.value as T) : Promise.reject(this.error)
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { resolve, reject }
      this.waiting ??= new Set()
      this.waiting.add(waiter)
      if (signal === undefined) return
      const giveUp = () => {
        this.waiting?.delete(waiter)
        reject(signal.reason)
      }
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}
