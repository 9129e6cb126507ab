import type { Random } from '@heddle/core/plugin'

export interface PullLimits {
  /** Requests under way at one time. */
  readonly parallel: number
  /** Requests under way at one neighbour: while one is answered, the next is on its way. */
  readonly perSource: number
  /** Blocks that one request asks for. */
  readonly blocks: number
  /** Bytes that one answer may hold. */
  readonly bytes: number
  /** Windows in front of the next block, those under way included: what bounds memory. */
  readonly windows: number
  /** Milliseconds that a peer is left alone after it failed; doubles each time. */
  readonly rest: number
}

/** One request to one peer. */
export interface Pull {
  readonly id: number
  readonly source: string
  readonly from: number
  readonly count: number
  /** Bytes of block `from` that are there already. */
  readonly offset: number
}

interface Source {
  height: number
  busy: number
  failures: number
  restsUntil: number
}

/** Rest grows up to this many times the first one. */
const MAX_REST_FACTOR = 64

/**
 * Which blocks to ask which neighbour for: pure bookkeeping, over a clock and random numbers that it is given.
 *
 * What is missing is cut into windows. Several are under way at a time, each from another neighbour that says it has them, at most
 * `windows` in front of the next block. What an answer leaves out, and what a failed request asked for, is asked for again, of somebody
 * else where there is somebody. Neighbours that fail rest longer each time.
 */
export class PullPlan {
  private readonly limits: PullLimits
  private readonly random: Random
  private readonly sources = new Map<string, Source>()
  private readonly underWay = new Map<number, Pull>()
  /** Ranges that were answered and not taken yet, by their first block. */
  private readonly held = new Map<number, number>()
  private ids = 0

  constructor(limits: PullLimits, random: Random) {
    this.limits = limits
    this.random = random
  }

  /** A neighbour says how many blocks it has. */
  has(peer: string, height: number): void {
    const source = this.sources.get(peer)
    if (source === undefined) this.sources.set(peer, { height, busy: 0, failures: 0, restsUntil: Number.NEGATIVE_INFINITY })
    else source.height = height
  }

  gone(peer: string): void {
    this.sources.delete(peer)
  }

  /** Greatest height that a neighbour in good standing says it has. */
  best(now: number): number {
    let best = 0
    for (const { height, restsUntil } of this.sources.values()) if (restsUntil <= now) best = Math.max(best, height)
    return best
  }

  /** Height that two neighbours in good standing say they have, or that the only one has: one alone may say anything. */
  agreed(now: number): number {
    const heights = [...this.sources.values()].filter(({ restsUntil }) => restsUntil <= now).map(({ height }) => height)
    heights.sort((a, b) => b - a)
    return (this.sources.size === 1 ? heights[0] : heights[1]) ?? 0
  }

  get busy(): number {
    return this.underWay.size
  }

  /** Answered blocks that wait for those before them. */
  get waiting(): number {
    let sum = 0
    for (const count of this.held.values()) sum += count
    return sum
  }

  /**
   * Requests to send now.
   *
   * @param next number of the first block that is missing
   */
  due(next: number, now: number): Pull[] {
    const pulls: Pull[] = []
    for (const start of this.held.keys()) if (start + this.held.get(start)! <= next) this.held.delete(start)
    const far = next + this.limits.windows * this.limits.blocks
    let from = next
    while (this.underWay.size < this.limits.parallel && from < far) {
      const taken = this.covering(from)
      if (taken !== undefined) {
        from = taken
        continue
      }
      const source = this.pick(from, now)
      if (source === undefined) break
      const [peer, { height }] = source
      const to = Math.min(from + this.limits.blocks, height, this.nextCovered(from), far)
      pulls.push(this.request(peer, from, to - from, 0))
      from = to
    }
    return pulls
  }

  /** `got` blocks came from the beginning of the range. */
  answered(pull: Pull, got: number): void {
    const source = this.ended(pull)
    if (got > 0) {
      this.held.set(pull.from, got)
      if (source !== undefined) source.failures = 0
    }
  }

  /** Part of a block came: the same neighbour is asked for the rest, since another one's copy may be other bytes. */
  continued(pull: Pull, offset: number): Pull {
    this.ended(pull)
    return this.request(pull.source, pull.from, 1, offset)
  }

  /** Nothing came, or not what was asked for. */
  failed(pull: Pull, now: number): void {
    const source = this.ended(pull)
    if (source === undefined) return
    source.failures++
    const factor = Math.min(2 ** (source.failures - 1), MAX_REST_FACTOR)
    source.restsUntil = now + this.limits.rest * factor * (0.5 + this.random.float() / 2)
  }

  /** What was held from here on is worth nothing: it has to be asked for again. */
  dropped(from: number): void {
    for (const start of [...this.held.keys()]) if (start >= from) this.held.delete(start)
  }

  /** When a neighbour that rests may be asked again; undefined when none rests. */
  wakeAt(now: number): number | undefined {
    let at: number | undefined
    for (const { restsUntil } of this.sources.values())
      if (restsUntil > now && (at === undefined || restsUntil < at)) at = restsUntil
    return at
  }

  private request(source: string, from: number, count: number, offset: number): Pull {
    const pull = { id: ++this.ids, source, from, count, offset }
    this.underWay.set(pull.id, pull)
    const known = this.sources.get(source)
    if (known !== undefined) known.busy++
    return pull
  }

  private ended({ id, source }: Pull): Source | undefined {
    this.underWay.delete(id)
    const known = this.sources.get(source)
    if (known !== undefined) known.busy = Math.max(0, known.busy - 1)
    return known
  }

  /** End of a range that is held or under way and has this block. */
  private covering(block: number): number | undefined {
    for (const [start, count] of this.held) if (start <= block && block < start + count) return start + count
    for (const { from, count } of this.underWay.values()) if (from <= block && block < from + count) return from + count
    return undefined
  }

  private nextCovered(block: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const start of this.held.keys()) if (start > block) first = Math.min(first, start)
    for (const { from } of this.underWay.values()) if (from > block) first = Math.min(first, from)
    return first
  }

  private pick(block: number, now: number): [string, Source] | undefined {
    const able = [...this.sources].filter(
      ([, { height, busy, restsUntil }]) => height > block && busy < this.limits.perSource && restsUntil <= now,
    )
    // Who failed least, and then who has least to do; among those a random one, so that a crowd that catches up does not ask one neighbour.
    const cost = ([, { failures, busy }]: [string, Source]): number => failures * 100 + busy
    const least = Math.min(...able.map(cost))
    const best = able.filter((each) => cost(each) === least)
    return best[Math.floor(this.random.float() * best.length)]
  }
}
