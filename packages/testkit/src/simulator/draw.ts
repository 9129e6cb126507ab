import type { Random } from '@heddle/core/plugin'

/**
 * A stream of random numbers that a text determines: sfc32 (Chris Doty-Humphrey, PractRand), keyed by a hash of the text. Fast enough to
 * ask for every message; it hides nothing.
 */
export class Draw implements Random {
  readonly #key: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(key: string) {
    this.#key = key
    const [a, b, c] = hash(key)
    this.#a = a
    this.#b = b
    this.#c = c
    for (let i = 0; i < 12; i++) this.next()
  }

  /** The same for the same key and label, whatever was drawn before. */
  fork(label: string): Draw {
    return new Draw(`${this.#key}/${label}`)
  }

  /** 32 random bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  float(): number {
    return ((this.next() >>> 5) * 2 ** 26 + (this.next() >>> 6)) / 2 ** 53
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 4) {
      const word = this.next()
      for (let k = 0; k < 4 && i + k < length; k++) bytes[i + k] = word >>> (8 * k)
    }
    return bytes
  }

  /** True this often. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability * 2 ** 32
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor((this.next() / 2 ** 32) * (high - low + 1))
  }

  /** A number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + (this.next() / 2 ** 32) * (high - low)
  }

  /** A number from `low` to `high`, with as many below a hundredth of the way as orders of magnitude say. Both above 0. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** (this.next() / 2 ** 32)
  }

  /** Time to the next event of a Poisson process with this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next() / 2 ** 32) * mean
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from')
    return list[this.int(0, list.length - 1)]!
  }

  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(0, i)
      const other = shuffled[i]!
      shuffled[i] = shuffled[j]!
      shuffled[j] = other
    }
    return shuffled
  }
}

/** Three words of a text (FNV-1a with three offsets, then mixed as MurmurHash3 does). */
function hash(text: string): [number, number, number] {
  const words: [number, number, number] = [0x811c9dc5, 0x050c5d1f, 0x2f3a9b71]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    for (let k = 0; k < 3; k++) words[k] = Math.imul(words[k]! ^ (code + k), 0x01000193)
  }
  return words.map((word) => {
    let mixed = word ^ (word >>> 16)
    mixed = Math.imul(mixed, 0x85ebca6b)
    mixed ^= mixed >>> 13
    mixed = Math.imul(mixed, 0xc2b2ae35)
    return mixed ^ (mixed >>> 16)
  }) as [number, number, number]
}
