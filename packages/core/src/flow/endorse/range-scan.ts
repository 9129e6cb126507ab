import type { RangeQueryInfo } from '../../model/messages/kv-rwset.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { KeyedValue, StateIterator, StateQueryIterator } from '../../ports/state-db.ts'
import { RangeMerkle } from '../range-query/merkle.ts'
import { andThen } from './awaitable.ts'
import { kvRead } from './read-write-set.ts'

/**
 * Results that a chaincode gets at a time, as from Fabric's peer. It is a rule of the ledger, not of speed: what was fetched counts as
 * read, so every endorser, whatever its runtime, must fetch in the same steps. The peer reads one result ahead to know whether there
 * are more, and that one counts too.
 */
const BATCH = 100

export interface Batch {
  readonly results: readonly KeyedValue[]
  readonly more: boolean
  /** Of a paged query: where the next page begins, empty at the end. */
  readonly bookmark?: string
}

/** An open query of a simulation. */
export interface Scan {
  next(): Awaitable<Batch>
  close(): void
}

type Observe = (result: KeyedValue | undefined) => void

/** Hands out results in batches; `observe` sees each one as it is fetched, and undefined at the end. */
class BatchedScan implements Scan {
  private readonly iterator: StateIterator
  private readonly observe: Observe
  /** The result read ahead. */
  private pending: KeyedValue[] = []

  constructor(iterator: StateIterator, observe: Observe) {
    this.iterator = iterator
    this.observe = observe
  }

  next(): Awaitable<Batch> {
    const wanted = BATCH + 1 - this.pending.length
    return andThen(this.iterator.next(wanted), (fetched) => {
      for (const result of fetched) this.observe(result)
      const results = this.pending.concat(fetched)
      if (fetched.length < wanted) {
        this.observe(undefined)
        return { results, more: false }
      }
      this.pending = [results.pop()!]
      return { results, more: true }
    })
  }

  close(): void {
    void this.iterator.close()
  }
}

/** One page, with the key of the next result as bookmark; that key is not recorded, as in Fabric. */
class PagedScan implements Scan {
  private readonly iterator: StateIterator
  private readonly size: number
  private readonly observe: Observe
  private readonly bookmark: (() => Awaitable<string>) | undefined

  constructor(iterator: StateQueryIterator, size: number, observe: Observe) {
    this.iterator = iterator
    this.size = size
    this.observe = observe
    this.bookmark = iterator.bookmark?.bind(iterator)
  }

  next(): Awaitable<Batch> {
    return andThen(this.iterator.next(this.size), (results) => {
      for (const result of results) this.observe(result)
      if (results.length < this.size) {
        this.observe(undefined)
        return { results, more: false, bookmark: '' }
      }
      if (this.bookmark !== undefined) return andThen(this.bookmark(), (bookmark) => ({ results, more: false, bookmark }))
      return andThen(this.iterator.next(1), ([following]) => ({ results, more: false, bookmark: following?.key ?? '' }))
    })
  }

  close(): void {
    void this.iterator.close()
  }
}

export function openScan(iterator: StateQueryIterator, size: number | undefined, observe: Observe): Scan {
  return size === undefined ? new BatchedScan(iterator, observe) : new PagedScan(iterator, size, observe)
}

/** What a range query leaves in the read set, for phantom protection. */
export class RangeRecord {
  readonly namespace: string
  private readonly start: string
  private readonly end: string
  private readonly merkle = new RangeMerkle()
  /** Up to the last result while there may be more, for the chaincode may never ask; the asked end once there are none. */
  private readTo = ''
  private exhausted = false

  constructor(namespace: string, start: string, end: string) {
    this.namespace = namespace
    this.start = start
    this.end = end
  }

  observe(result: KeyedValue | undefined): void {
    if (result === undefined) {
      this.exhausted = true
      this.readTo = this.end
      return
    }
    this.merkle.add(kvRead(result.key, result.version))
    this.readTo = result.key
  }

  done(): RangeQueryInfo {
    const { rawReads, readsMerkleHashes } = this.merkle.done()
    return {
      startKey: this.start,
      endKey: this.readTo,
      itrExhausted: this.exhausted,
      rawReads: rawReads && { kvReads: rawReads },
      readsMerkleHashes,
    }
  }
}
