/** Up to this size V8 keeps the bytes of a typed array inside its own heap, which is fast. */
const INLINE = 64
/** Larger values share a slab: a buffer of its own costs half a microsecond. */
const SHARED = 512
/** A value that lives keeps its slab alive, so a slab is small. */
const SLAB = 4096

/**
 * Copies values to where only they keep memory alive. A value as it comes is part of its block's buffer: kept as it is, one small value
 * would hold a whole block.
 */
export class ValuePool {
  #slab = new Uint8Array(SLAB)
  #used = 0

  copy(bytes: Uint8Array): Uint8Array {
    const length = bytes.length
    if (length <= INLINE || length > SHARED) return new Uint8Array(bytes)
    if (this.#used + length > SLAB) {
      this.#slab = new Uint8Array(SLAB)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + length)
    copy.set(bytes)
    this.#used += length
    return copy
  }
}
