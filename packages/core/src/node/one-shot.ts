/** An outcome that comes once; makes a promise only when somebody waits before it came. The first outcome counts. */
export class OneShot<T> {
  private value: T | undefined
  private error: Error | undefined
  private settled = false
  private waiting: { resolve(value: T): void; reject(error: Error): void }[] | undefined

  resolve(value: T): void {
    if (this.settled) return
    this.settled = true
    this.value = value
    for (const each of this.waiting ?? []) each.resolve(value)
    this.waiting = undefined
  }

  reject(error: Error): void {
    if (this.settled) return
    this.settled = true
    this.error = error
    for (const each of this.waiting ?? []) each.reject(error)
    this.waiting = undefined
  }

  wait(): Promise<T> {
    if (this.settled) return this.error === undefined ? Promise.resolve(this.value as T) : Promise.reject(this.error)
    return new Promise((resolve, reject) => {
      this.waiting ??= []
      this.waiting.push({ resolve, reject })
    })
  }
}
