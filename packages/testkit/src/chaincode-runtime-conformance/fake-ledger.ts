import { type ChaincodeResponse, HeddleError, type HistoryPage, type LedgerAccess, type QueryPage } from '@heddle/core/plugin'

const text = new TextEncoder()
const PAGE = 2

/** An error as the endorser throws it at a chaincode. */
export class LedgerRefusal extends HeddleError {
  static override readonly family: readonly string[] = ['HeddleError', 'ChaincodeError']

  constructor(code: string, message: string) {
    super(code, 'fix-chaincode', message)
  }
}

/** A ledger in a map, which notes every call. Reads at once, or in a later turn; what is written counts from the call on, as in a simulation. */
export class FakeLedger implements LedgerAccess {
  readonly state = new Map<string, Uint8Array>()
  readonly metadata = new Map<string, Map<string, Uint8Array>>()
  /** `method argument argument`, as they came. */
  readonly calls: string[] = []
  readonly events: [string, Uint8Array][] = []
  readonly open = new Set<string>()
  /** Called with each key that is read; where it gives a promise, the answer waits for it. */
  onGet: (key: string) => Promise<void> | undefined = () => undefined
  readonly #slow: boolean
  readonly #cursors = new Map<string, readonly { key: string; value: Uint8Array }[]>()
  #next = 0

  constructor(entries: Readonly<Record<string, string>> = {}, slow = false) {
    for (const [key, value] of Object.entries(entries)) this.state.set(key, text.encode(value))
    this.#slow = slow
  }

  #answer<T>(call: string, give: () => T): T | Promise<T> {
    this.calls.push(call)
    if (!this.#slow) return give()
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          resolve(give())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  getState(key: string): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const wait = this.onGet(key)
    if (wait !== undefined) return wait.then(() => this.state.get(key))
    return this.#answer(`getState ${key}`, () => {
      if (key.startsWith('refused')) throw new LedgerRefusal('CHAINCODE_BAD_KEY', `${key} is no key`)
      return this.state.get(key)
    })
  }

  getStates(keys: readonly string[]) {
    return this.#answer(`getStates ${keys.join()}`, () => keys.map((key) => this.state.get(key)))
  }

  /** What takes effect with the call, and is answered when a read would be. */
  #effect(call: string, take: () => void): void | Promise<void> {
    take()
    return this.#answer(call, () => undefined)
  }

  putState(key: string, value: Uint8Array): void | Promise<void> {
    return this.#effect(`putState ${key}`, () => this.state.set(key, Uint8Array.from(value)))
  }

  deleteState(key: string): void | Promise<void> {
    return this.#effect(`deleteState ${key}`, () => this.state.delete(key))
  }

  getStateMetadata(key: string) {
    return this.#answer(`getStateMetadata ${key}`, (): ReadonlyMap<string, Uint8Array> | undefined => this.metadata.get(key))
  }

  putStateMetadata(key: string, name: string, value: Uint8Array) {
    return this.#effect(`putStateMetadata ${key} ${name}`, () => {
      this.metadata.set(key, new Map([...(this.metadata.get(key) ?? []), [name, Uint8Array.from(value)]]))
    })
  }

  getStateByRange(start: string, end: string, page?: { size: number; bookmark: string }) {
    const asked = page === undefined ? '' : ` ${page.size} ${page.bookmark}`
    return this.#answer(`getStateByRange ${start} ${end}${asked}`, (): QueryPage => {
      const from = page?.bookmark || start
      const keys = [...this.state.keys()].filter((key) => key >= from && (end === '' || key < end)).sort()
      const found = keys.map((key) => ({ key, value: this.state.get(key)! }))
      if (page === undefined) return this.#page(found)
      const results = found.slice(0, page.size)
      return {
        results,
        cursor: undefined,
        metadata: { fetchedRecordsCount: results.length, bookmark: found[page.size]?.key ?? '' },
      }
    })
  }

  getQueryResult(query: string) {
    return this.#answer(`getQueryResult ${query}`, (): QueryPage => {
      throw new LedgerRefusal('CHAINCODE_QUERY_NOT_SUPPORTED', 'no rich queries here')
    })
  }

  getHistoryForKey(key: string) {
    return this.#answer(`getHistoryForKey ${key}`, (): HistoryPage => {
      const change = (txId: string, value: string) => ({
        txId,
        value: text.encode(value),
        timestamp: { seconds: 1_893_456_000, nanos: 5 },
        isDelete: false,
      })
      return { results: [change('tx2', 'new'), change('tx1', 'old')], cursor: undefined }
    })
  }

  queryNext(cursor: string) {
    return this.#answer(`queryNext ${cursor}`, (): QueryPage => {
      const rest = this.#cursors.get(cursor)
      if (rest === undefined) throw new LedgerRefusal('CHAINCODE_UNKNOWN_QUERY', `no query ${cursor}`)
      this.#close(cursor)
      return this.#page(rest, cursor)
    })
  }

  queryClose(cursor: string) {
    return this.#effect(`queryClose ${cursor}`, () => this.#close(cursor))
  }

  getPrivateDataHash(collection: string, key: string) {
    return this.#answer(`getPrivateDataHash ${collection} ${key}`, (): Uint8Array | undefined => new Uint8Array(32).fill(5))
  }

  invokeChaincode(chaincode: string, args: readonly Uint8Array[], channel: string) {
    const given = args.map((arg) => new TextDecoder().decode(arg))
    return this.#answer(`invokeChaincode ${chaincode} ${given.join()} ${channel}`, (): ChaincodeResponse => {
      return { status: 201, message: 'called', payload: text.encode(given.join('+')) }
    })
  }

  setEvent(name: string, payload: Uint8Array) {
    this.events.push([name, Uint8Array.from(payload)])
  }

  #page(found: readonly { key: string; value: Uint8Array }[], cursor = `q${this.#next++}`): QueryPage {
    const rest = found.slice(PAGE)
    if (rest.length > 0) {
      this.#cursors.set(cursor, rest)
      this.open.add(cursor)
    }
    return { results: found.slice(0, PAGE), cursor: rest.length > 0 ? cursor : undefined }
  }

  #close(cursor: string): void {
    this.#cursors.delete(cursor)
    this.open.delete(cursor)
  }
}
