/**
 * Append messages on their way to one follower: a ring of (last index, bytes), bounded by number and, softly, by bytes: the message that
 * crosses the byte limit is still let through, so that one larger than the limit can travel at all.
 */
export class Inflights {
  readonly #limit: number
  readonly #byteLimit: number
  #indexes: number[] = []
  #sizes: number[] = []
  #start = 0
  #count = 0
  #bytes = 0

  constructor(limit: number, byteLimit: number) {
    this.#limit = limit
    this.#byteLimit = byteLimit
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.#count >= this.#limit || this.#bytes >= this.#byteLimit
  }

  /** A message whose last entry is `lastIndex` was sent. Indexes ascend; the window must not be full. */
  add(lastIndex: number, bytes: number): void {
    if (this.#count === this.#indexes.length) this.#grow()
    const at = (this.#start + this.#count) % this.#indexes.length
    this.#indexes[at] = lastIndex
    this.#sizes[at] = bytes
    this.#count++
    this.#bytes += bytes
  }

  /** Everything up to `index` has arrived. */
  freeUpTo(index: number): void {
    while (this.#count > 0 && this.#indexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!
      this.#start = (this.#start + 1) % this.#indexes.length
      this.#count--
    }
  }

  clear(): void {
    this.#start = 0
    this.#count = 0
    this.#bytes = 0
  }

  /** Grows with use: most windows never fill, and a process may host many channels. */
  #grow(): void {
    const indexes: number[] = []
    const sizes: number[] = []
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % this.#indexes.length
      indexes.push(this.#indexes[at]!)
      sizes.push(this.#sizes[at]!)
    }
    const size = Math.min(this.#limit, Math.max(8, this.#count * 2))
    while (indexes.length < size) {
      indexes.push(0)
      sizes.push(0)
    }
    this.#indexes = indexes
    this.#sizes = sizes
    this.#start = 0
  }
}
