import type { KVRead, QueryReadsMerkleSummary, RangeQueryInfo } from '../../model/messages/kv-rwset.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { Height, KeyedValue, Namespace, StateIterator } from '../../ports/state-db.ts'
import { RangeMerkle } from '../range-query/merkle.ts'
import { type BlockState, isPublicNamespace } from './block-state.ts'
import type { UpdateBatch } from './update-batch.ts'
import { sameVersion } from './versions.ts'

/** Entries fetched from the state at a time. */
const PAGE = 100

interface Entry {
  readonly key: string
  readonly version: Height
}

/**
 * Runs a recorded range query again over the committed state and the block's pending updates.
 *
 * @returns undefined when the result is the recorded one, else the first key that differs (empty where no key can be named)
 *
 * Fabric: core/ledger/kvledger/txmgmt/validation/rangequery_validator.go. What makes Fabric's peer end (a read without a version, a
 * degree below 2, more hashes than fit a level) is a difference here.
 */
export async function findPhantom(
  namespace: Namespace,
  query: RangeQueryInfo,
  state: BlockState,
  updates: UpdateBatch,
): Promise<string | undefined> {
  const range = new CurrentRange(namespace, query, state, updates)
  try {
    return query.readsMerkleHashes === undefined
      ? await compareReads(query.rawReads?.kvReads ?? [], range)
      : await compareSummary(query.readsMerkleHashes, range)
  } finally {
    await range.close()
  }
}

async function compareReads(reads: readonly KVRead[], range: CurrentRange): Promise<string | undefined> {
  for (const read of reads) {
    const entry = await range.next()
    if (entry === undefined) return read.key
    if (entry.key !== read.key) return compareUtf8(entry.key, read.key) < 0 ? entry.key : read.key
    if (read.version === undefined || !sameVersion(entry.version, read.version)) return read.key
  }
  return (await range.next())?.key
}

async function compareSummary(recorded: QueryReadsMerkleSummary, range: CurrentRange): Promise<string | undefined> {
  if (recorded.maxDegree < 2) return ''
  const merkle = new RangeMerkle(recorded.maxDegree)
  let matched = 0
  for (;;) {
    const entry = await range.next()
    if (entry === undefined) break
    merkle.add({ key: entry.key, version: { blockNum: entry.version.blockNumber, txNum: entry.version.txNumber } })
    const { maxLevel, maxLevelHashes } = merkle.partial()
    if (maxLevel < recorded.maxLevel || matched === maxLevelHashes.length) continue
    // A difference shows as soon as a hash is complete: a long range need not be read to its end.
    const expected = recorded.maxLevelHashes[matched]
    const actual = maxLevelHashes[matched]
    if (maxLevelHashes.length > recorded.maxLevelHashes.length || expected === undefined || actual === undefined) return entry.key
    if (Buffer.compare(actual, expected) !== 0) return entry.key
    matched++
  }
  const summary = merkle.done().readsMerkleHashes
  return summary !== undefined && sameSummary(summary, recorded) ? undefined : ''
}

function sameSummary(a: QueryReadsMerkleSummary, b: QueryReadsMerkleSummary): boolean {
  return (
    a.maxLevel === b.maxLevel &&
    a.maxLevelHashes.length === b.maxLevelHashes.length &&
    a.maxLevelHashes.every((hash, i) => Buffer.compare(hash, b.maxLevelHashes[i]!) === 0)
  )
}

/** Keys of a range as of now: committed entries under the block's updates, then the end key where the query had not been exhausted. */
class CurrentRange {
  private readonly namespace: Namespace
  private readonly state: BlockState
  private readonly updates: UpdateBatch
  /** The last key that the simulation saw; it belongs to the result. */
  private endKey: string | undefined
  private readonly iterator: StateIterator | undefined
  private page: readonly KeyedValue[] = []
  private at = 0
  private ended: boolean
  private readonly updated: readonly string[]
  private update: number
  private readonly updateEnd: number

  constructor(namespace: Namespace, { startKey, endKey, itrExhausted }: RangeQueryInfo, state: BlockState, updates: UpdateBatch) {
    this.namespace = namespace
    this.state = state
    this.updates = updates
    this.endKey = itrExhausted ? undefined : endKey
    const empty = !isPublicNamespace(namespace) || (endKey !== '' && compareUtf8(startKey, endKey) >= 0)
    this.ended = empty
    this.iterator = empty ? undefined : state.committed.range(namespace, startKey, endKey)
    this.updated = empty ? [] : updates.sortedKeys(namespace)
    this.update = lowerBound(this.updated, startKey)
    this.updateEnd = endKey === '' ? this.updated.length : lowerBound(this.updated, endKey)
  }

  async next(): Promise<Entry | undefined> {
    for (;;) {
      if (!this.ended && this.at === this.page.length) await this.fetch()
      const committed = this.page[this.at]
      const updatedKey = this.update < this.updateEnd ? this.updated[this.update] : undefined
      if (committed === undefined && updatedKey === undefined) return this.lastKey()
      const order = committed === undefined ? 1 : updatedKey === undefined ? -1 : compareUtf8(committed.key, updatedKey)
      if (order <= 0) this.at++
      if (order < 0) return committed
      this.update++
      const pending = this.updates.get(this.namespace, updatedKey!)!
      if (pending.value !== undefined) return pending
    }
  }

  async close(): Promise<void> {
    await this.iterator?.close()
  }

  private async fetch(): Promise<void> {
    this.page = await this.iterator!.next(PAGE)
    this.at = 0
    this.ended = this.page.length === 0
  }

  private lastKey(): Entry | undefined {
    const key = this.endKey
    if (key === undefined) return undefined
    this.endKey = undefined
    const pending = this.updates.get(this.namespace, key)
    if (pending !== undefined) return pending.value === undefined ? undefined : pending
    const committed = this.state.get(this.namespace, key)
    return committed === undefined ? undefined : { key, version: committed.version }
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUtf8(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
