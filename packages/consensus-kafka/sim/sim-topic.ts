import { LogError, type LogRecord, type OrderedLog, type OrderedLogProvider, type Position } from '@heddle/core/plugin'
import type { Draw, SimNode, World } from '@heddle/testkit/simulator'

/** How a cluster behaves in one seed. Chances from 0 to 1, times in milliseconds. */
export interface TopicTraits {
  /** One way between an orderer and the leader, and until the replicas have a record. */
  readonly latency: number
  readonly replication: number
  /** A client that has no answer by then takes the outcome for unknown. */
  readonly requestTime: number
  readonly lostAnswers: number
  readonly lostRequests: number
  /** A request that stays on its way until long after its client gave up. */
  readonly straggling: number
  /** Records that stand in the topic twice, and offsets that are left out. */
  readonly repeats: number
  readonly gaps: number
  /** Answers to a reader that leave the newest records out for a while. */
  readonly late: number
  /** Readers that get an error instead of an answer. */
  readonly readErrors: number
  /** Most records of one answer to a reader. */
  readonly page: number
}

interface Kept {
  readonly offset: number
  readonly data: Uint8Array
}

/** A partition with replicas: a leader appends, what the replicas have is committed, and only that shows. */
export class SimTopic {
  private readonly world: World
  private readonly traits: TopicTraits
  private readonly draw: Draw
  private readonly records: Kept[] = []
  /** Records that the replicas have: no change of leader takes them back. */
  private committed = 0
  private nextOffset = 0
  /** Counts changes of leader; requests to an earlier one come to nothing. */
  private epoch = 0
  private leaderUpAt = 0
  /** The leader dies when it next has a record that its followers have not; so many milliseconds without one follow. */
  private doomed: number | undefined
  /** Too few replicas in sync until then: the leader appends nothing. */
  private shrunkUntil = 0
  private readonly cutUntil = new Map<string, number>()
  private readonly waiting = new Set<() => void>()

  constructor(world: World, traits: TopicTraits) {
    this.world = world
    this.traits = traits
    this.draw = world.draw.fork('topic')
  }

  provider(node: SimNode): OrderedLogProvider {
    return { start: async () => {}, stop: async () => {}, open: async () => this.log(node) }
  }

  /** The leader dies; another takes over after a while, with what is committed and perhaps more. */
  loseLeader(time: number): void {
    if (!this.isLed()) return
    const { world, draw } = this
    this.epoch++
    this.leaderUpAt = world.scheduler.now + time
    const open = this.records.length - this.committed
    const survive = draw.int(0, open)
    this.records.length = this.committed + survive
    // A follower that has a record behind the committed ones hands it on as the leader of the next epoch.
    this.committed = this.records.length
    world.count('leaders lost')
    if (survive < open) world.count('uncommitted records lost', open - survive)
    world.trace.tell('topic', `loses its leader for ${time} ms, and ${open - survive} of ${open} uncommitted records`)
    world.scheduler.after(time, undefined, () => this.wake())
  }

  /** The same in the worst moment: while records are on their way to the followers. */
  loseLeaderWithRecords(time: number): void {
    this.doomed = time
  }

  /** Followers fall behind: the leader refuses records until they are back. */
  shrink(time: number): void {
    this.shrunkUntil = Math.max(this.shrunkUntil, this.world.scheduler.now + time)
    this.world.count('replicas lost')
    this.world.trace.tell('topic', `has too few replicas for ${time} ms`)
  }

  /** One orderer does not reach the brokers. */
  cutOff(node: SimNode, time: number): void {
    this.cutUntil.set(node.name, this.world.scheduler.now + time)
    this.world.count('orderers cut off from the log')
    this.world.trace.tell('topic', `${node.name} does not reach the brokers for ${time} ms`)
  }

  /** Another network writes into the topic, as a mistaken topic name makes it. */
  intrude(): void {
    const like = this.records[this.draw.int(0, Math.max(0, this.records.length - 1))]
    if (like === undefined || !this.isLed()) return
    const data = Uint8Array.from(like.data)
    // The last bytes of a record are those of its chain.
    data[data.length - 1]! ^= 0xff
    this.world.count('records of another chain')
    this.keep(data)
    this.commit(this.records.length)
  }

  heal(): void {
    this.leaderUpAt = 0
    this.shrunkUntil = 0
    this.cutUntil.clear()
    this.wake()
  }

  get isSettled(): boolean {
    return this.committed === this.records.length
  }

  private isLed(): boolean {
    return this.world.scheduler.now >= this.leaderUpAt
  }

  private reaches(node: SimNode): boolean {
    return this.world.scheduler.now >= (this.cutUntil.get(node.name) ?? 0)
  }

  private happens(chance: number): boolean {
    return !this.world.healed && this.draw.chance(chance)
  }

  private delay(of: number): number {
    return of * this.draw.between(0.3, 2)
  }

  private log(node: SimNode): OrderedLog {
    return {
      start: async () => {},
      stop: async () => {},
      append: (records) => this.append(node, records),
      read: (after, signal) => this.read(node, after, signal),
      earliest: async () => (this.committed > 0 ? positionOf(this.records[0]!.offset) : undefined),
    }
  }

  private append(node: SimNode, records: readonly Uint8Array[]): Promise<Position> {
    const { scheduler } = this.world
    const { life } = node
    const copies = records.map((record) => Uint8Array.from(record))
    return new Promise((resolve, reject) => {
      let open = true
      const settle = (after: number, work: () => void): void => {
        scheduler.after(after, life, () => {
          if (!open) return
          open = false
          work()
        })
      }
      const refuse = (message: string): void =>
        settle(this.delay(this.traits.latency), () => reject(new LogError('LOG_UNAVAILABLE', message)))
      if (!this.reaches(node) || !this.isLed()) {
        refuse('no broker answers')
        return
      }
      settle(this.traits.requestTime, () => {
        this.world.count('appends of unknown outcome')
        reject(new LogError('LOG_OUTCOME_UNKNOWN', 'no answer in time'))
      })
      if (this.happens(this.traits.lostRequests)) return
      const isSlow = this.happens(this.traits.straggling)
      const way = isSlow ? this.traits.requestTime * this.draw.between(0.5, 4) : this.delay(this.traits.latency)
      const { epoch } = this
      scheduler.after(way, undefined, () => {
        // A connection to a leader that is gone is gone with it.
        if (epoch !== this.epoch || !this.isLed()) return
        if (scheduler.now < this.shrunkUntil) {
          if (open) refuse('too few replicas are in sync')
          return
        }
        if (isSlow) this.world.count('appends long after their client gave up', open ? 0 : 1)
        this.take(copies, (position) => {
          if (this.happens(this.traits.lostAnswers) || !this.reaches(node)) {
            this.world.count('answers of the log lost')
            return
          }
          settle(this.delay(this.traits.latency), () => resolve(position))
        })
      })
    })
  }

  private take(records: readonly Uint8Array[], answer: (position: Position) => void): void {
    for (const data of records) {
      this.keep(data)
      if (this.happens(this.traits.repeats)) {
        this.world.count('records repeated')
        this.keep(data)
      }
    }
    const end = this.records.length
    const position = positionOf(this.records[end - 1]!.offset)
    const { epoch, doomed } = this
    if (doomed !== undefined) {
      this.doomed = undefined
      this.world.scheduler.after(this.traits.replication * 0.2, undefined, () => {
        if (!this.world.healed) this.loseLeader(doomed)
      })
    }
    this.world.scheduler.after(this.delay(this.traits.replication), undefined, () => {
      if (epoch !== this.epoch) return
      this.commit(end)
      answer(position)
    })
  }

  private keep(data: Uint8Array): void {
    if (this.happens(this.traits.gaps)) {
      this.world.count('offsets left out')
      this.nextOffset += this.draw.int(1, 5)
    }
    this.records.push({ offset: this.nextOffset++, data })
  }

  private commit(end: number): void {
    if (end <= this.committed) return
    this.committed = end
    this.wake()
  }

  private wake(): void {
    for (const each of [...this.waiting]) each()
  }

  private async *read(
    node: SimNode,
    after: Position,
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogRecord[], void, undefined> {
    let from = after.length === 0 ? -1 : offsetOf(after)
    const life = node.life!
    while (!signal.aborted) {
      await this.pass(life, this.delay(this.traits.latency), signal)
      if (signal.aborted) return
      if (!this.reaches(node) || !this.isLed() || this.happens(this.traits.readErrors)) {
        this.world.count('reads that failed')
        throw new LogError('LOG_UNAVAILABLE', 'no broker answers')
      }
      if (from >= this.nextOffset) throw new LogError('LOG_TRUNCATED', `the topic ends before ${from}`)
      const start = this.indexAfter(from)
      const isLate = this.happens(this.traits.late)
      const seen = isLate ? this.draw.int(start, Math.max(start, this.committed)) : this.committed
      if (isLate && seen < this.committed) this.world.count('records shown late')
      const records = this.records.slice(start, Math.min(seen, start + this.traits.page))
      if (records.length > 0) {
        from = records.at(-1)!.offset
        yield records.map(({ offset, data }) => ({ position: positionOf(offset), data }))
      } else if (isLate) await this.pass(life, this.delay(this.traits.latency * 5), signal)
      else await this.growth(start, signal)
    }
  }

  private indexAfter(offset: number): number {
    let low = 0
    let high = this.records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.records[middle]!.offset > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  private pass(life: NonNullable<SimNode['life']>, delay: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        event.task = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      const event = this.world.scheduler.after(delay, life, done)
      signal.addEventListener('abort', done)
    })
  }

  private growth(index: number, signal: AbortSignal): Promise<void> {
    if (this.committed > index) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }
}

function positionOf(offset: number): Position {
  const position = Buffer.alloc(8)
  position.writeBigUInt64BE(BigInt(offset) + 1n)
  return position
}

function offsetOf(position: Position): number {
  return Number(Buffer.from(position).readBigUInt64BE()) - 1
}
