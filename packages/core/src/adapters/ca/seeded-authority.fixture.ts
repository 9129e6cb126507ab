import { createHash } from 'node:crypto'
import type { Random } from '../../ports/random.ts'
import type { AuthorityEnvironment } from './certificate-authority.ts'

/** A stream that a seed determines: SHA-256 in counter mode. */
class SeededRandom implements Random {
  readonly #seed: string
  #counter = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256')
        .update(`${this.#seed}/${this.#counter++}`)
        .digest()
      out.set(block.subarray(0, Math.min(32, length - at)), at)
    }
    return out
  }

  float(): number {
    return Buffer.from(this.bytes(4)).readUInt32BE() / 2 ** 32
  }

  fork(label: string): Random {
    return new SeededRandom(`${this.#seed}/${label}`)
  }
}

/** First of January 2030. */
export const FIXTURE_NOW = Date.UTC(2030, 0, 1)

export function seededAuthority(seed = 'seed', options: Partial<AuthorityEnvironment> = {}): AuthorityEnvironment {
  return { clock: { now: () => FIXTURE_NOW }, random: new SeededRandom(seed), ...options }
}
