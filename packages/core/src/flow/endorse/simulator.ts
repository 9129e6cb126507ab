import { CollectionConfigPackage } from '../../model/messages/collection.ts'
import { KVMetadataWrite } from '../../model/messages/kv-rwset.ts'
import { LifecycleStateData } from '../../model/messages/lifecycle-db.ts'
import { hashedKey, hashedNamespace, implicitCollectionOwner, LIFECYCLE_NAMESPACE } from '../../model/namespace.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { StateSnapshot, VersionedValue } from '../../ports/state-db.ts'
import { fieldKey, metadataKey, NAMESPACES, RECORDS } from '../lifecycle/state-layout.ts'
import { andThen } from './awaitable.ts'
import { defaultSimulationLimits, type SimulationLimits } from './limits.ts'
import type { PrivateStore } from './private-store.ts'
import { openScan, RangeRecord, type Scan } from './range-scan.ts'
import { type PrivateWrite, ReadWriteSetBuilder } from './read-write-set.ts'

export interface SimulationResults {
  /** Serialized rwset.TxReadWriteSet: what the endorser signs and the ledger keeps. */
  readonly bytes: Uint8Array
  /** Private values in the clear, for the endorsing peer's own keeping. */
  readonly privateWrites: readonly PrivateWrite[]
}

export interface Page {
  /** Results of the page, 1 or more; 0 with a bookmark means up to the limit of a query. */
  readonly size: number
  readonly bookmark: string
}

/** Estimate of what an entry of the read-write set costs beside its key and value. */
const ENTRY_BYTES = 24

/**
 * Runs one transaction against a snapshot of the state: reads are answered from it and recorded, writes are only collected. A
 * transaction therefore never reads its own writes, and of several writes to a key only the last counts.
 *
 * Errors are ChaincodeError where the chaincode is at fault. Any other error is the state database's: it ends the simulation, and
 * `results` throws it again, so that no chaincode that swallows it gets endorsed.
 */
export class TransactionSimulator {
  private readonly snapshot: StateSnapshot
  private readonly limits: SimulationLimits
  private readonly privateStore: PrivateStore | undefined
  private readonly set = new ReadWriteSetBuilder()
  private readonly ranges: RangeRecord[] = []
  private scans: Set<Scan> | undefined
  private bytes = 0
  private wrote = false
  private paged = false
  private failure: unknown
  private failed = false
  private released = false

  constructor(snapshot: StateSnapshot, options: { limits?: SimulationLimits; privateStore?: PrivateStore | undefined } = {}) {
    this.snapshot = snapshot
    this.limits = options.limits ?? defaultSimulationLimits
    this.privateStore = options.privateStore
  }

  /** Value, metadata and version of a key; the read is recorded, with no version when the key is absent. */
  read(namespace: string, key: string): Awaitable<VersionedValue | undefined> {
    this.checkReadKey(key)
    const found = this.stored(namespace, key)
    if (found instanceof Promise) return found.then((entry) => this.recordRead(namespace, key, entry))
    return this.recordRead(namespace, key, found)
  }

  getState(namespace: string, key: string): Awaitable<Uint8Array | undefined> {
    const found = this.read(namespace, key)
    return found instanceof Promise ? found.then((entry) => entry?.value) : found?.value
  }

  getStates(namespace: string, keys: readonly string[]): Awaitable<(Uint8Array | undefined)[]> {
    for (const key of keys) this.checkReadKey(key)
    return this.guard(
      () => this.snapshot.getMany(namespace, keys),
      (found) =>
        found.map((entry, i) => {
          this.charge(keys[i]!.length)
          this.set.read(namespace, keys[i]!, entry?.version)
          return entry?.value
        }),
    )
  }

  /** Reads that leave no trace: for the peer's own decisions, never for what a chaincode may see. */
  peek(namespace: string, key: string): Awaitable<VersionedValue | undefined> {
    return this.stored(namespace, key)
  }

  /** An empty value deletes, as in Fabric. */
  putState(namespace: string, key: string, value: Uint8Array): void {
    this.checkWrite(key, value.length)
    this.set.write(namespace, key, value)
  }

  deleteState(namespace: string, key: string): void {
    this.checkWrite(key, 0)
    this.set.write(namespace, key, undefined)
  }

  /** All metadata of a key, by name. Reading it is a read of the key. */
  getStateMetadata(namespace: string, key: string): Awaitable<ReadonlyMap<string, Uint8Array> | undefined> {
    return andThen(this.read(namespace, key), (found) => {
      if (found?.metadata === undefined) return undefined
      return new Map(KVMetadataWrite.decode(found.metadata).entries.map(({ name, value }) => [name, value]))
    })
  }

  /** Replaces all metadata of the key. On an absent key it does nothing at commit. */
  putStateMetadata(namespace: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    let size = 0
    for (const [name, value] of entries) size += name.length + value.length
    this.checkWrite(key, size)
    const sorted = [...entries].sort((a, b) => compareUtf8(a[0], b[0]))
    this.set.writeMetadata(
      namespace,
      key,
      sorted.map(([name, value]) => ({ name, value })),
    )
  }

  /** Keys from `start` to before `end`; an empty `end` means to the end of the namespace. */
  range(namespace: string, start: string, end: string, page?: Page): Scan {
    this.checkReadKey(start)
    this.checkReadKey(end)
    const size = this.openPage(page)
    const from = page === undefined || page.bookmark === '' ? start : page.bookmark
    if (compareUtf8(from, start) < 0 || (end !== '' && from !== start && compareUtf8(from, end) >= 0)) {
      throw new ChaincodeError('CHAINCODE_BAD_BOOKMARK', 'the bookmark lies outside the range', { bookmark: from, start, end })
    }
    const record = new RangeRecord(namespace, from, end)
    this.ranges.push(record)
    let count = 0
    const scan = openScan(this.snapshot.range(namespace, from, end), size, (result) => {
      if (result !== undefined) this.countResult(++count, result.key.length)
      record.observe(result)
    })
    return this.track(scan)
  }

  /** A query in the store's own language. Its results are recorded as reads; what it would find later is not protected. */
  query(namespace: string, query: string, page?: Page): Scan {
    if (this.snapshot.query === undefined) {
      throw new ChaincodeError('CHAINCODE_QUERY_NOT_SUPPORTED', 'this state database has no rich queries')
    }
    const size = this.openPage(page)
    const iterator = this.snapshot.query(namespace, query, size === undefined ? undefined : { size, bookmark: page!.bookmark })
    let count = 0
    const scan = openScan(iterator, size, (result) => {
      if (result === undefined) return
      this.countResult(++count, result.key.length)
      this.set.read(namespace, result.key, result.version)
    })
    return this.track(scan)
  }

  closeScan(scan: Scan): void {
    if (this.scans?.delete(scan) === true) scan.close()
  }

  /** Hash of a private value as the ledger has it, recorded as a hashed read. */
  getPrivateDataHash(namespace: string, collection: string, key: string): Awaitable<Uint8Array | undefined> {
    return andThen(this.checkCollection(namespace, collection), () =>
      andThen(this.readHashed(namespace, collection, key), (found) => found?.value),
    )
  }

  /**
   * A private value of a collection whose values this peer keeps. @throws ChaincodeError PRIVATE_DATA_UNAVAILABLE when the ledger has
   * its hash, but the peer has not the value
   */
  getPrivateData(namespace: string, collection: string, key: string): Awaitable<Uint8Array | undefined> {
    return andThen(this.readHashed(namespace, collection, key), (found) => {
      if (found === undefined) return undefined
      const value = this.privateStore?.get(namespace, collection, found.value)
      return andThen(value, (held) => {
        if (held !== undefined) return held
        throw new ChaincodeError('PRIVATE_DATA_UNAVAILABLE', `this peer lacks private data of ${namespace}/${collection}`, {
          key,
        })
      })
    })
  }

  putPrivateData(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.checkWrite(key, value?.length ?? 0)
    this.set.writePrivate(namespace, collection, key, value)
  }

  /** True once anything was written. */
  get hasWrites(): boolean {
    return this.wrote
  }

  /** Ends the simulation and encodes it. @throws what the state database threw, if it did */
  results(): SimulationResults {
    if (this.failed) throw this.failure
    for (const record of this.ranges) this.set.range(record.namespace, record.done())
    this.ranges.length = 0
    return { bytes: this.set.encode(), privateWrites: this.set.privateWrites() }
  }

  /** Frees the snapshot and its iterators. Call always, and once. */
  release(): void {
    if (this.released) return
    this.released = true
    if (this.scans !== undefined) {
      for (const scan of this.scans) scan.close()
      this.scans.clear()
    }
    void this.snapshot.release()
  }

  private recordRead(namespace: string, key: string, found: VersionedValue | undefined): VersionedValue | undefined {
    this.charge(key.length)
    this.set.read(namespace, key, found?.version)
    return found
  }

  /** What the snapshot holds; an error of the store, unlike one of the chaincode, ends the simulation. */
  private stored(namespace: string, key: string): Awaitable<VersionedValue | undefined> {
    try {
      const found = this.snapshot.get(namespace, key)
      return found instanceof Promise ? found.catch((error: unknown) => this.fail(error)) : found
    } catch (error) {
      return this.fail(error)
    }
  }

  private readHashed(namespace: string, collection: string, key: string): Awaitable<VersionedValue | undefined> {
    this.checkReadKey(key)
    return this.guard(
      () => this.snapshot.get(hashedNamespace(namespace, collection), hashedKey(key)),
      (found) => {
        this.charge(32)
        this.set.readHashed(namespace, collection, key, found?.version)
        return found
      },
    )
  }

  /**
   * A chaincode reaches only collections of its definition. Fabric reads all of the definition into the read set to know, so an upgrade
   * in between is a conflict.
   */
  private checkCollection(namespace: string, collection: string): Awaitable<void> {
    if (namespace === LIFECYCLE_NAMESPACE) return
    const fields = RECORDS.ChaincodeDefinition.map((field) => fieldKey(NAMESPACES, namespace, field))
    return andThen(this.getStates(LIFECYCLE_NAMESPACE, [metadataKey(NAMESPACES, namespace), ...fields]), (values) => {
      if (implicitCollectionOwner(collection) !== undefined) return
      const packed = values[1 + RECORDS.ChaincodeDefinition.indexOf('Collections')]
      const { config } = CollectionConfigPackage.decode((packed && LifecycleStateData.decode(packed).bytes) ?? new Uint8Array(0))
      if (config.some(({ staticCollectionConfig }) => staticCollectionConfig?.name === collection)) return
      const message = `collection ${collection} is not part of the definition of ${namespace}`
      throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', message, { namespace, collection })
    })
  }

  private openPage(page: Page | undefined): number | undefined {
    if ((this.scans?.size ?? 0) >= this.limits.maxOpenQueries) {
      throw new ChaincodeError('CHAINCODE_TOO_MANY_QUERIES', `more than ${this.limits.maxOpenQueries} queries are open`)
    }
    // Fabric takes a page of no size and no bookmark for no page at all.
    if (page === undefined || (page.size === 0 && page.bookmark === '')) return undefined
    if (!Number.isInteger(page.size) || page.size < 0 || page.size > 0x7fffffff) {
      throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', `a page cannot have ${page.size} results`, { pageSize: page.size })
    }
    if (this.wrote) throw pagedAndWrite('a paged query after a write')
    this.paged = true
    return page.size === 0 ? this.limits.maxQueryResults : Math.min(page.size, this.limits.maxQueryResults)
  }

  private track(scan: Scan): Scan {
    const tracked: Scan = {
      next: () =>
        this.guard(
          () => scan.next(),
          (batch) => {
            if (!batch.more) this.closeScan(tracked)
            return batch
          },
        ),
      close: () => scan.close(),
    }
    this.scans ??= new Set()
    this.scans.add(tracked)
    return tracked
  }

  private countResult(count: number, keyLength: number): void {
    if (count > this.limits.maxQueryResults) {
      throw new ChaincodeError('CHAINCODE_QUERY_TOO_LARGE', `a query returned more than ${this.limits.maxQueryResults} results`)
    }
    // Of a long range only hashes stay in the read set.
    if (count <= 50) this.charge(keyLength)
  }

  private checkReadKey(key: string): void {
    if (!key.isWellFormed())
      throw new ChaincodeError('CHAINCODE_BAD_KEY', 'a key holds half a surrogate pair, which UTF-8 cannot carry')
    this.checkKeyLength(key)
  }

  private checkWrite(key: string, size: number): void {
    if (this.paged) throw pagedAndWrite('a write after a paged query')
    if (key === '') throw new ChaincodeError('CHAINCODE_BAD_KEY', 'a key to write must not be empty')
    this.checkReadKey(key)
    if (size > this.limits.maxValueBytes) {
      const data = { size, limit: this.limits.maxValueBytes }
      throw new ChaincodeError('CHAINCODE_VALUE_TOO_LARGE', `${size} bytes exceed the limit of ${data.limit}`, data)
    }
    this.charge(key.length + size)
    this.wrote = true
  }

  private checkKeyLength(key: string): void {
    const limit = this.limits.maxKeyBytes
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    if (key.length * 3 > limit && Buffer.byteLength(key, 'utf8') > limit) {
      throw new ChaincodeError('CHAINCODE_BAD_KEY', `a key is longer than ${limit} bytes`, { limit })
    }
  }

  private charge(size: number): void {
    this.bytes += size + ENTRY_BYTES
    if (this.bytes > this.limits.maxResultsBytes) {
      const limit = this.limits.maxResultsBytes
      throw new ChaincodeError('CHAINCODE_RESULTS_TOO_LARGE', `a transaction reads and writes more than ${limit} bytes`, {
        limit,
      })
    }
  }

  /** Runs a read; an error of the store, unlike one of the chaincode, ends the simulation. */
  private guard<T, R>(read: () => Awaitable<T>, next: (value: T) => R): Awaitable<R> {
    try {
      const value = read()
      return value instanceof Promise ? value.then(next).catch((error: unknown) => this.fail(error)) : next(value)
    } catch (error) {
      return this.fail(error)
    }
  }

  private fail(error: unknown): never {
    if (!(error instanceof ChaincodeError) && !this.failed) {
      this.failed = true
      this.failure = error
    }
    throw error
  }
}

function pagedAndWrite(what: string): ChaincodeError {
  return new ChaincodeError('CHAINCODE_PAGED_QUERY_AND_WRITE', `${what}: paged queries are for transactions that only read`)
}
