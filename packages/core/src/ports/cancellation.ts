/** Somebody no longer wants an answer: an AbortController at a tenth of its price, for what every transaction makes. */
export class Cancellation {
  /** Undefined until it was cancelled. */
  private why: { readonly reason: unknown } | undefined
  private listener: ((reason: unknown) => void) | undefined
  private controller: AbortController | undefined

  get cancelled(): boolean {
    return this.why !== undefined
  }

  get reason(): unknown {
    return this.why?.reason
  }

  cancel(reason: unknown): void {
    if (this.why !== undefined) return
    this.why = { reason }
    this.listener?.(reason)
    this.controller?.abort(reason)
  }

  /** Calls back when it is cancelled, now if it has been; in place of who was to be called before. Undefined: nobody. */
  notify(listener: ((reason: unknown) => void) | undefined): void {
    this.listener = listener
    if (this.why !== undefined) listener?.(this.why.reason)
  }

  /** For whoever understands signals only. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.why !== undefined) this.controller.abort(this.why.reason)
    }
    return this.controller.signal
  }
}
