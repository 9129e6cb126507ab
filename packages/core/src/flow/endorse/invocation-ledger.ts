import type { ChaincodeResponse, HistoryPage, LedgerAccess, QueryPage } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { andThen } from './awaitable.ts'
import type { HistoryEntry } from './endorser-channel.ts'
import type { SimulationLimits } from './limits.ts'
import type { Batch, Scan } from './range-scan.ts'
import type { Page, TransactionSimulator } from './simulator.ts'

/** Changes of a key that are fetched at a time. */
const HISTORY_BATCH = 100

export interface ChaincodeEventDraft {
  readonly name: string
  readonly payload: Uint8Array
}

export interface InvocationLedgerOptions {
  readonly simulator: TransactionSimulator
  readonly namespace: string
  readonly limits: SimulationLimits
  readonly history: ((namespace: string, key: string) => AsyncIterable<HistoryEntry>) | undefined
  readonly invoke: (chaincode: string, args: readonly Uint8Array[], channel: string) => Awaitable<ChaincodeResponse>
}

/** The ledger as one invocation of one chaincode sees it. Refuses everything once the invocation has ended. */
export class InvocationLedger implements LedgerAccess {
  private readonly options: InvocationLedgerOptions
  private readonly simulator: TransactionSimulator
  private readonly namespace: string
  private cursors: Map<string, Scan | AsyncIterator<HistoryEntry>> | undefined
  private cursorCount = 0
  private ended = false
  /** The event that the chaincode set last. */
  event: ChaincodeEventDraft | undefined

  constructor(options: InvocationLedgerOptions) {
    this.options = options
    this.simulator = options.simulator
    this.namespace = options.namespace
  }

  /** Ends the invocation: what its code still does has no effect. */
  end(): void {
    this.ended = true
    if (this.cursors === undefined) return
    for (const cursor of this.cursors.values()) this.closeCursor(cursor)
    this.cursors.clear()
  }

  getState(key: string): Awaitable<Uint8Array | undefined> {
    this.check()
    return this.simulator.getState(this.namespace, key)
  }

  getStates(keys: readonly string[]): Awaitable<readonly (Uint8Array | undefined)[]> {
    this.check()
    return this.simulator.getStates(this.namespace, keys)
  }

  putState(key: string, value: Uint8Array): void {
    this.check()
    this.simulator.putState(this.namespace, key, value)
  }

  deleteState(key: string): void {
    this.check()
    this.simulator.deleteState(this.namespace, key)
  }

  getStateMetadata(key: string): Awaitable<ReadonlyMap<string, Uint8Array> | undefined> {
    this.check()
    return this.simulator.getStateMetadata(this.namespace, key)
  }

  putStateMetadata(key: string, name: string, value: Uint8Array): void {
    this.check()
    this.simulator.putStateMetadata(this.namespace, key, new Map([[name, value]]))
  }

  getStateByRange(start: string, end: string, page?: Page): Awaitable<QueryPage> {
    this.check()
    return this.open(this.simulator.range(this.namespace, start, end, page))
  }

  getQueryResult(query: string, page?: Page): Awaitable<QueryPage> {
    this.check()
    return this.open(this.simulator.query(this.namespace, query, page))
  }

  async getHistoryForKey(key: string): Promise<HistoryPage> {
    this.check()
    const { history, limits } = this.options
    if (history === undefined) throw new ChaincodeError('CHAINCODE_HISTORY_NOT_SUPPORTED', 'this peer keeps no history of keys')
    if ((this.cursors?.size ?? 0) >= limits.maxOpenQueries) {
      throw new ChaincodeError('CHAINCODE_TOO_MANY_QUERIES', `more than ${limits.maxOpenQueries} queries are open`)
    }
    const iterator = history(this.namespace, key)[Symbol.asyncIterator]()
    return this.historyPage(iterator, this.keep(iterator))
  }

  queryNext(cursor: string): Awaitable<QueryPage | HistoryPage> {
    this.check()
    const open = this.cursors?.get(cursor)
    if (open === undefined) throw new ChaincodeError('CHAINCODE_UNKNOWN_QUERY', 'the query is closed or exhausted', { cursor })
    return isScan(open) ? this.queryPage(open, cursor) : this.historyPage(open, cursor)
  }

  queryClose(cursor: string): void {
    const open = this.cursors?.get(cursor)
    if (open === undefined) return
    this.cursors?.delete(cursor)
    this.closeCursor(open)
  }

  getPrivateDataHash(collection: string, key: string): Awaitable<Uint8Array | undefined> {
    this.check()
    return this.simulator.getPrivateDataHash(this.namespace, collection, key)
  }

  invokeChaincode(chaincode: string, args: readonly Uint8Array[], channel: string): Awaitable<ChaincodeResponse> {
    this.check()
    return this.options.invoke(chaincode, args, channel)
  }

  setEvent(name: string, payload: Uint8Array): void {
    this.check()
    if (name === '') throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'an event must have a name')
    if (!name.isWellFormed()) throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'the name of an event must be well-formed text')
    const limit = this.options.limits.maxValueBytes
    if (name.length + payload.length > limit) {
      throw new ChaincodeError('CHAINCODE_VALUE_TOO_LARGE', `an event exceeds the limit of ${limit} bytes`, { limit })
    }
    this.event = { name, payload }
  }

  private open(scan: Scan): Awaitable<QueryPage> {
    return this.queryPage(scan, this.keep(scan))
  }

  private keep(cursor: Scan | AsyncIterator<HistoryEntry>): string {
    const id = String(++this.cursorCount)
    this.cursors ??= new Map()
    this.cursors.set(id, cursor)
    return id
  }

  private queryPage(scan: Scan, id: string): Awaitable<QueryPage> {
    return andThen(scan.next(), ({ results, more, bookmark }: Batch): QueryPage => {
      if (!more) this.cursors?.delete(id)
      const page = results.map(({ key, value }) => ({ key, value }))
      return {
        results: page,
        cursor: more ? id : undefined,
        metadata: bookmark === undefined ? undefined : { fetchedRecordsCount: page.length, bookmark },
      }
    })
  }

  private async historyPage(iterator: AsyncIterator<HistoryEntry>, id: string): Promise<HistoryPage> {
    const results: HistoryEntry[] = []
    while (results.length < HISTORY_BATCH) {
      const { done, value } = await iterator.next()
      if (done === true) {
        this.cursors?.delete(id)
        return { results, cursor: undefined }
      }
      results.push(value)
    }
    return { results, cursor: id }
  }

  private closeCursor(cursor: Scan | AsyncIterator<HistoryEntry>): void {
    if (isScan(cursor)) this.simulator.closeScan(cursor)
    else void cursor.return?.()
  }

  private check(): void {
    if (this.ended) throw new ChaincodeError('CHAINCODE_INVOCATION_ENDED', 'the stub was used after its invocation had ended')
  }
}

function isScan(cursor: Scan | AsyncIterator<HistoryEntry>): cursor is Scan {
  return 'close' in cursor
}
