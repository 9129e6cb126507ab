import { compareUtf8 } from '../../model/utf8.ts'

/** A chunk is split in two when it reaches this size: large enough that few chunks exist, small enough that inserting moves little. */
const CHUNK = 512

/**
 * Strings in UTF-8 byte order: a list of sorted chunks.
 *
 * Adding or removing a key costs a binary search and a move inside one chunk; splitting a chunk moves the list of chunks once per
 * 256 insertions, so the cost hardly depends on the number of keys.
 */
export class SortedKeys {
  readonly #chunks: string[][] = []

  add(key: string): void {
    const chunks = this.#chunks
    if (chunks.length === 0) {
      chunks.push([key])
      return
    }
    const at = this.#chunkOf(key)
    const chunk = chunks[at]!
    const i = lowerBound(chunk, key)
    if (chunk[i] === key) return
    if (i === chunk.length) chunk.push(key)
    else chunk.splice(i, 0, key)
    if (chunk.length < CHUNK) return
    // Keys that come in ascending order leave full chunks behind.
    const cut = at === chunks.length - 1 && i === chunk.length - 1 ? CHUNK - 1 : CHUNK >> 1
    chunks.splice(at + 1, 0, chunk.splice(cut))
  }

  remove(key: string): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    const at = this.#chunkOf(key)
    const chunk = chunks[at]!
    const i = lowerBound(chunk, key)
    if (chunk[i] !== key) return
    if (chunk.length > 1) chunk.splice(i, 1)
    else chunks.splice(at, 1)
  }

  /** Keys from `start` on (inclusive, or exclusive when `after`), in order. Adding or removing ends a walk's validity. */
  *from(start: string, after: boolean): Generator<string, void> {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    let at = this.#chunkOf(start)
    let i = lowerBound(chunks[at]!, start)
    if (after && chunks[at]![i] === start) i++
    for (; at < chunks.length; at++, i = 0) {
      const chunk = chunks[at]!
      for (; i < chunk.length; i++) yield chunk[i]!
    }
  }

  /** The last chunk whose first key is at or below `key`; the first chunk when there is none. */
  #chunkOf(key: string): number {
    const chunks = this.#chunks
    let low = 0
    let high = chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (compareUtf8(chunks[middle]![0]!, key) <= 0) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Index of the first key at or above `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareUtf8(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
