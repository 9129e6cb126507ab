/** Seeded random numbers for the fuzzer: xorshift128 with the seed spread by splitmix32. One seed replays one run. */
export class Seeded {
  private readonly state = new Uint32Array(4)

  constructor(seed: number) {
    let z = seed >>> 0
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0
      let mixed = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      this.state[i] = (mixed ^ (mixed >>> 15)) | 1
    }
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    const state = this.state
    let t = state[3]!
    const s = state[0]!
    state[3] = state[2]!
    state[2] = state[1]!
    state[1] = s
    t ^= t << 11
    t ^= t >>> 8
    state[0] = t ^ s ^ (s >>> 19)
    return Math.floor((state[0]! / 0x100000000) * limit)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}
