/** What came of a stream and was not read yet. */
export class StreamReader {
  #items: Uint8Array[] = []
  #head = 0
  /** Bytes of whole items that wait. */
  #buffered = 0
  /** Bytes that came in, and of those, what was given back to the source as credit. */
  #received = 0
  #credited = 0
  /** Bytes of the item that is coming in. */
  #partial = 0
  #end: { readonly error: Error | undefined } | undefined
  #failed: Error | undefined
  #waiting: { resolve(item: Uint8Array | undefined): void; reject(error: Error): void } | undefined
  readonly #window: number
  readonly #credit: (bytes: number) => void

  /** @param credit tells the source that so many bytes more may come */
  constructor(window: number, credit: (bytes: number) => void) {
    this.#window = window
    this.#credit = credit
  }

  /** A part of an item came. False: more than was asked for. */
  arrived(bytes: number): boolean {
    this.#received += bytes
    this.#partial += bytes
    if (this.#received - this.#credited > this.#window) return false
    this.#give()
    return true
  }

  item(data: Uint8Array): void {
    this.#partial = 0
    if (this.#failed !== undefined || this.#end !== undefined) return
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      this.#give()
      waiting.resolve(data)
      return
    }
    this.#items.push(data)
    this.#buffered += data.length
  }

  /** No more items come; those that wait are read first. */
  end(error: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    const waiting = this.#waiting
    this.#waiting = undefined
    if (error === undefined) waiting?.resolve(undefined)
    else waiting?.reject(error)
  }

  /** The reader, or the connection, gave up: nothing more is read. */
  fail(error: Error): void {
    this.#failed ??= error
    this.#items = []
    this.#head = 0
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(this.#failed)
  }

  /** The next item; undefined at the end. */
  next(): Promise<Uint8Array | undefined> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    const item = this.#items[this.#head]
    if (item !== undefined) {
      this.#items[this.#head++] = undefined as never
      if (this.#head === this.#items.length) {
        this.#items = []
        this.#head = 0
      }
      this.#buffered -= item.length
      this.#give()
      return Promise.resolve(item)
    }
    if (this.#end !== undefined)
      return this.#end.error === undefined ? Promise.resolve(undefined) : Promise.reject(this.#end.error)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#give()
    })
  }

  /** Credit for all but what waits. An item larger than the window is let in while its reader waits for it. */
  #give(): void {
    const held = this.#buffered + (this.#waiting === undefined ? this.#partial : 0)
    const due = this.#received - held - this.#credited
    if (due < this.#window / 4 || this.#end !== undefined) return
    this.#credited += due
    this.#credit(due)
  }
}
