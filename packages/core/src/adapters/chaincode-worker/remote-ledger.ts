import type { ChaincodeResponse, HistoryPage, LedgerAccess, QueryPage } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import { type Answer, compact, type Operation, type PlainError, restoredError } from './protocol.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

type Page = { size: number; bookmark: string }

/**
 * The ledger as seen from a worker. Reads ask the host and wait; all that one turn of the event loop asks goes in one message. Writes
 * do not wait: they travel with the next message, at the latest with the response. A write that the host refuses fails the invocation,
 * unless the reason is one that can be seen here, when the chaincode gets it as from any other ledger.
 */
export class RemoteLedger implements LedgerAccess {
  private readonly send: (operations: readonly Operation[]) => void
  private pending: Operation[] = []
  private readonly waiting = new Map<number, Waiting>()
  private count = 0
  private scheduled = false
  private wrote = false
  private paged = false

  constructor(send: (operations: readonly Operation[]) => void) {
    this.send = send
  }

  /** What has not been sent yet; nothing is sent any more. */
  finish(): readonly Operation[] {
    const rest = this.pending
    this.pending = []
    this.scheduled = true
    return rest
  }

  answer(answers: readonly Answer[]): void {
    for (const [number, ok, value] of answers) {
      const waiting = this.waiting.get(number)
      this.waiting.delete(number)
      if (ok) waiting?.resolve(value)
      else waiting?.reject(restoredError(value as PlainError))
    }
  }

  getState(key: string): Promise<Uint8Array | undefined> {
    return this.ask('getState', key)
  }

  getStates(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.ask('getStates', keys)
  }

  putState(key: string, value: Uint8Array): void {
    this.checkWrite(key)
    this.tell('putState', key, compact(value))
  }

  deleteState(key: string): void {
    this.checkWrite(key)
    this.tell('deleteState', key)
  }

  getStateMetadata(key: string): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    return this.ask('getStateMetadata', key)
  }

  putStateMetadata(key: string, name: string, value: Uint8Array): void {
    this.checkWrite(key)
    this.tell('putStateMetadata', key, name, compact(value))
  }

  getStateByRange(start: string, end: string, page?: Page): Promise<QueryPage> {
    this.checkPage(page)
    return this.ask('getStateByRange', start, end, page)
  }

  getQueryResult(query: string, page?: Page): Promise<QueryPage> {
    this.checkPage(page)
    return this.ask('getQueryResult', query, page)
  }

  getHistoryForKey(key: string): Promise<HistoryPage> {
    return this.ask('getHistoryForKey', key)
  }

  queryNext(cursor: string): Promise<QueryPage | HistoryPage> {
    return this.ask('queryNext', cursor)
  }

  queryClose(cursor: string): void {
    this.tell('queryClose', cursor)
  }

  getPrivateDataHash(collection: string, key: string): Promise<Uint8Array | undefined> {
    return this.ask('getPrivateDataHash', collection, key)
  }

  invokeChaincode(chaincode: string, args: readonly Uint8Array[], channel: string): Promise<ChaincodeResponse> {
    return this.ask('invokeChaincode', chaincode, args.map(compact), channel)
  }

  setEvent(name: string, payload: Uint8Array): void {
    this.tell('setEvent', name, compact(payload))
  }

  private ask<T>(method: keyof LedgerAccess, ...args: readonly unknown[]): Promise<T> {
    const number = ++this.count
    this.pending.push([number, method, ...args])
    if (!this.scheduled) {
      this.scheduled = true
      queueMicrotask(() => {
        // After `finish` there is nothing to send.
        if (this.pending.length === 0) return
        const operations = this.pending
        this.pending = []
        this.scheduled = false
        this.send(operations)
      })
    }
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(number, { resolve: resolve as (value: unknown) => void, reject })
    })
  }

  private tell(method: keyof LedgerAccess, ...args: readonly unknown[]): void {
    this.pending.push([0, method, ...args])
  }

  private checkWrite(key: string): void {
    if (this.paged) throw pagedAndWrite()
    if (key === '' || !key.isWellFormed())
      throw new ChaincodeError('CHAINCODE_BAD_KEY', 'a key to write must be text that is not empty')
    this.wrote = true
  }

  private checkPage(page: Page | undefined): void {
    if (page === undefined || (page.size === 0 && page.bookmark === '')) return
    if (this.wrote) throw pagedAndWrite()
    this.paged = true
  }
}

function pagedAndWrite(): ChaincodeError {
  return new ChaincodeError('CHAINCODE_PAGED_QUERY_AND_WRITE', 'paged queries are for transactions that only read')
}
