import type { Cancellation } from '../ports/cancellation.ts'

interface Waiter<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** An outcome that comes once; makes a promise only when somebody waits before it came. The first outcome counts. */
export class OneShot<T> {
  private value: T | undefined
  private error: Error | undefined
  private isSettled = false
  /** Who waits: nearly always one. */
  private first: Waiter<T> | undefined
  private others: Set<Waiter<T>> | undefined

  get settled(): boolean {
    return this.isSettled
  }

  /** Somebody waits for the outcome. */
  get awaited(): boolean {
    return this.first !== undefined || (this.others !== undefined && this.others.size > 0)
  }

  resolve(value: T): void {
    if (this.isSettled) return
    this.isSettled = true
    this.value = value
    this.first?.resolve(value)
    for (const each of this.others ?? []) each.resolve(value)
    this.first = undefined
    this.others = undefined
  }

  reject(error: Error): void {
    if (this.isSettled) return
    this.isSettled = true
    this.error = error
    this.first?.reject(error)
    for (const each of this.others ?? []) each.reject(error)
    this.first = undefined
    this.others = undefined
  }

  /** Rejects with the reason when it is cancelled first; who gave up is not remembered. */
  wait(cancellation?: Cancellation): Promise<T> {
    if (this.isSettled) return this.error === undefined ? Promise.resolve(this.value as T) : Promise.reject(this.error)
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { resolve, reject }
      if (this.first === undefined) this.first = waiter
      else {
        this.others ??= new Set()
        this.others.add(waiter)
      }
      cancellation?.notify((reason) => {
        if (this.first === waiter) this.first = undefined
        else this.others?.delete(waiter)
        reject(reason)
      })
    })
  }
}
