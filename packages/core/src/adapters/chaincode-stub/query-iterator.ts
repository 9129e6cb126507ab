import type { HistoryPage, LedgerAccess, QueryPage } from '../../ports/chaincode.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { handled } from './handled.ts'

export interface KeyValue {
  readonly key: string
  readonly value: Buffer
}

export interface KeyChange {
  readonly txId: string
  readonly value: Buffer
  readonly timestamp: { readonly seconds: number; readonly nanos: number }
  readonly isDelete: boolean
}

/** Results of a query, one at a time, as fabric-shim's iterators give them: `{ done: true }` follows the last value. */
export interface QueryIterator<T> {
  next(): Promise<{ value: T; done: false } | { value?: undefined; done: true }>
  /** Frees what the query holds. Not needed at the end, nor in a `for await`. */
  close(): Promise<void>
}

export type StateQueryIterator = QueryIterator<KeyValue>
export type HistoryQueryIterator = QueryIterator<KeyChange>

/** A promise of a query that can be iterated without being awaited first. */
export type QueryPromise<R, T> = Promise<R> & AsyncIterable<T>

interface AnyPage<E> {
  readonly results: readonly E[]
  readonly cursor: string | undefined
}

class PagedIterator<E, T> implements QueryIterator<T> {
  private readonly ledger: LedgerAccess
  private readonly convert: (entry: E) => T
  private page: AnyPage<E>
  private at = 0

  constructor(ledger: LedgerAccess, page: AnyPage<E>, convert: (entry: E) => T) {
    this.ledger = ledger
    this.page = page
    this.convert = convert
  }

  next(): Promise<{ value: T; done: false } | { value?: undefined; done: true }> {
    if (this.at < this.page.results.length) return Promise.resolve(this.take())
    return handled(this.following())
  }

  close(): Promise<void> {
    const { cursor } = this.page
    this.page = { results: [], cursor: undefined }
    this.at = 0
    return cursor === undefined ? Promise.resolve() : handled(Promise.resolve(this.ledger.queryClose(cursor)))
  }

  private take(): { value: T; done: false } {
    return { value: this.convert(this.page.results[this.at++]!), done: false }
  }

  private async following(): Promise<{ value: T; done: false } | { value?: undefined; done: true }> {
    while (this.page.cursor !== undefined) {
      this.page = (await this.ledger.queryNext(this.page.cursor)) as unknown as AnyPage<E>
      this.at = 0
      if (this.page.results.length > 0) return this.take()
    }
    return { done: true }
  }
}

const keyValue = (entry: { key: string; value: Uint8Array }): KeyValue => ({ key: entry.key, value: Buffer.from(entry.value) })
const keyChange = (entry: HistoryPage['results'][number]): KeyChange => ({
  txId: entry.txId,
  value: Buffer.from(entry.value),
  timestamp: { seconds: entry.timestamp.seconds, nanos: entry.timestamp.nanos },
  isDelete: entry.isDelete,
})

export interface PageResult {
  readonly iterator: StateQueryIterator
  readonly metadata: { readonly bookmark: string; readonly fetchedRecordsCount: number }
}

export function stateQuery(ledger: LedgerAccess, open: () => Awaitable<QueryPage>): QueryPromise<StateQueryIterator, KeyValue> {
  return iterable(
    promised(open).then((page) => new PagedIterator(ledger, page, keyValue)),
    (iterator) => iterator,
  )
}

export function pagedStateQuery(ledger: LedgerAccess, open: () => Awaitable<QueryPage>): QueryPromise<PageResult, KeyValue> {
  const result = promised(open).then((page): PageResult => {
    const metadata = page.metadata ?? { bookmark: '', fetchedRecordsCount: page.results.length }
    return { iterator: new PagedIterator(ledger, page, keyValue), metadata }
  })
  return iterable(result, ({ iterator }) => iterator)
}

export function historyQuery(
  ledger: LedgerAccess,
  open: () => Awaitable<HistoryPage>,
): QueryPromise<HistoryQueryIterator, KeyChange> {
  return iterable(
    promised(open).then((page) => new PagedIterator(ledger, page, keyChange)),
    (iterator) => iterator,
  )
}

/** A query that was refused before it was asked. */
export function refusedQuery<R, T>(error: unknown): QueryPromise<R, T> {
  return iterable<R, T>(Promise.reject(error), () => {
    throw error
  })
}

async function promised<T>(open: () => Awaitable<T>): Promise<T> {
  return open()
}

function iterable<R, T>(promise: Promise<R>, iteratorOf: (result: R) => QueryIterator<T>): QueryPromise<R, T> {
  const iterate = (): AsyncIterator<T> => {
    let opened: QueryIterator<T> | undefined
    return {
      async next() {
        opened ??= iteratorOf(await promise)
        const next = await opened.next()
        return next as IteratorResult<T>
      },
      async return() {
        await opened?.close()
        return { done: true, value: undefined }
      },
    }
  }
  return Object.assign(handled(promise), { [Symbol.asyncIterator]: iterate })
}
