import {
  LogError,
  type LogRecord,
  type OrderedLog,
  type OrderedLogProvider,
  type Position,
  type Random,
} from '@heddle/core/plugin'

/** How a log misbehaves within its contract. Chances from 0 to 1, per append. */
export interface MemoryLogFaults {
  /** Positions are left out before a record: the log's own bookkeeping, compaction. */
  readonly gaps?: number
  /** The append succeeds and its answer is lost. */
  readonly lostAnswers?: number
  /** The append fails before anything was written. */
  readonly refusals?: number
  /** A record stands in the log twice. */
  readonly duplicates?: number
  /** Records become visible to readers up to so many turns of the event loop after they are durable. */
  readonly lateTurns?: number
}

interface Kept {
  readonly records: LogRecord[]
  /** Records that readers may see. */
  visible: number
  /** Records that were cut off at the front. */
  truncated: number
  last: number
  readonly waiting: Set<() => void>
}

/** Longest list of records that one read hands out. */
const PAGE = 64

/**
 * Ordered logs in memory that outlive the nodes of a test: all providers of one object share them. With faults, they do all that the
 * contract of OrderedLog allows and a real log does only now and then.
 */
export class MemoryLogs {
  private readonly channels = new Map<string, Kept>()
  private readonly random: Random
  private readonly faults: Required<MemoryLogFaults>

  constructor(random: Random, faults: MemoryLogFaults = {}) {
    this.random = random
    this.faults = { gaps: 0, lostAnswers: 0, refusals: 0, duplicates: 0, lateTurns: 0, ...faults }
  }

  /** As one node sees the logs. */
  provider(): OrderedLogProvider {
    return { start: async () => {}, stop: async () => {}, open: async (channel) => this.log(this.kept(channel)) }
  }

  /** Drops all records of a channel but the last `keep`: what retention does when it is set wrongly. */
  truncate(channel: string, keep: number): void {
    const kept = this.kept(channel)
    const cut = Math.max(0, kept.records.length - keep)
    kept.records.splice(0, cut)
    kept.visible -= cut
    kept.truncated += cut
  }

  private kept(channel: string): Kept {
    let kept = this.channels.get(channel)
    if (kept === undefined) {
      kept = { records: [], visible: 0, truncated: 0, last: 0, waiting: new Set() }
      this.channels.set(channel, kept)
    }
    return kept
  }

  private log(kept: Kept): OrderedLog {
    return {
      start: async () => {},
      stop: async () => {},
      append: (records) => this.append(kept, records),
      read: (after, signal) => read(kept, after, signal),
      earliest: async () => kept.records[0]?.position,
    }
  }

  private async append(kept: Kept, records: readonly Uint8Array[]): Promise<Position> {
    await turn()
    if (this.happens(this.faults.refusals)) throw new LogError('LOG_UNAVAILABLE', 'the log is not to be reached')
    for (const data of records) {
      this.keep(kept, data)
      if (this.happens(this.faults.duplicates)) this.keep(kept, data)
    }
    const { position } = kept.records.at(-1)!
    void this.show(kept, kept.records.length + kept.truncated)
    if (this.happens(this.faults.lostAnswers)) throw new LogError('LOG_OUTCOME_UNKNOWN', 'the answer of the log was lost')
    return position
  }

  private keep(kept: Kept, data: Uint8Array): void {
    kept.last += this.happens(this.faults.gaps) ? 2 + Math.floor(this.random.float() * 5) : 1
    kept.records.push({ position: positionOf(kept.last), data: Uint8Array.from(data) })
  }

  /** Later records show no earlier than those before them. */
  private async show(kept: Kept, end: number): Promise<void> {
    const turns = Math.floor(this.random.float() * (this.faults.lateTurns + 1))
    for (let i = 0; i < turns; i++) await turn()
    kept.visible = Math.max(kept.visible, end - kept.truncated)
    for (const wake of [...kept.waiting]) wake()
  }

  private happens(chance: number): boolean {
    return chance > 0 && this.random.float() < chance
  }
}

async function* read(kept: Kept, after: Position, signal: AbortSignal): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const from = numberOf(after)
  const first = kept.records[0]
  if (kept.truncated > 0 && (first === undefined || numberOf(first.position) > from + 1)) {
    throw new LogError('LOG_TRUNCATED', `records after ${from} are gone`, { after: from })
  }
  let next = kept.truncated + kept.records.findIndex(({ position }) => numberOf(position) > from)
  if (next < kept.truncated) next = kept.truncated + kept.records.length
  // Never hands out a record at or before `after`, even when it is not visible yet.
  while (!signal.aborted) {
    const end = Math.min(kept.truncated + kept.visible, next + PAGE)
    if (next < end) {
      yield kept.records.slice(next - kept.truncated, end - kept.truncated)
      next = end
    } else await change(kept, signal)
  }
}

function change(kept: Kept, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      kept.waiting.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    kept.waiting.add(done)
    signal.addEventListener('abort', done)
  })
}

function positionOf(number: number): Position {
  const position = Buffer.alloc(8)
  position.writeBigUInt64BE(BigInt(number))
  return position
}

function numberOf(position: Position): number {
  return position.length === 0 ? 0 : Number(Buffer.from(position).readBigUInt64BE())
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
