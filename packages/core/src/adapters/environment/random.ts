import { createHash, randomFillSync } from 'node:crypto'
import type { Random } from '../../ports/random.ts'

/** Drawn from the system at once: a call for 24 bytes costs 4 microseconds otherwise. */
const POOL = 4096

/** Random numbers of the operating system, fit for keys and nonces. */
class SystemRandom implements Random {
  readonly #pool = Buffer.allocUnsafeSlow(POOL)
  #used = POOL

  bytes(length: number): Uint8Array {
    if (length > POOL / 4) return randomFillSync(new Uint8Array(length))
    if (this.#used + length > POOL) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const bytes = new Uint8Array(this.#pool.subarray(this.#used, this.#used + length))
    // What was handed out is not kept: a nonce may be a secret of its caller.
    this.#pool.fill(0, this.#used, this.#used + length)
    this.#used += length
    return bytes
  }

  float(): number {
    return toFloat(this.bytes(8))
  }

  fork(): Random {
    return this
  }
}

/**
 * A stream that its seed determines: SHA-256 in counter mode, block i = SHA-256(key || i as u64 big-endian), and
 * key = SHA-256("heddle random\0" || seed). A fork's key is SHA-256(parent key || "\0fork\0" || label), whatever the parent has
 * given out before, so that forks do not depend on the order of use. For tests and simulation: a known seed hides nothing.
 */
class SeededRandom implements Random {
  readonly #key: Uint8Array
  #counter = 0
  #block = new Uint8Array(0)
  #used = 0

  constructor(key: Uint8Array) {
    this.#key = key
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      if (this.#used === this.#block.length) this.#next()
      const part = this.#block.subarray(this.#used, this.#used + length - done)
      bytes.set(part, done)
      done += part.length
      this.#used += part.length
    }
    return bytes
  }

  float(): number {
    return toFloat(this.bytes(8))
  }

  fork(label: string): Random {
    return new SeededRandom(createHash('sha256').update(this.#key).update('\0fork\0').update(label).digest())
  }

  #next(): void {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(this.#counter++))
    this.#block = new Uint8Array(createHash('sha256').update(this.#key).update(counter).digest())
    this.#used = 0
  }
}

/** 53 random bits as a fraction. */
function toFloat(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53
}

/** Random numbers of the operating system: the default of a network. */
export function systemRandom(): Random {
  return new SystemRandom()
}

/** A stream that is the same on every machine for the same seed. */
export function seededRandom(seed: string | number): Random {
  return new SeededRandom(createHash('sha256').update('heddle random\0').update(`${seed}`).digest())
}
