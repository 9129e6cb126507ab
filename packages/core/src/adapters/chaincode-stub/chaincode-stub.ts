import { copyBytes } from '../../model/byte-slab.ts'
import { ChannelHeader, Header, SignatureHeader } from '../../model/messages/common.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { ChaincodeProposalPayload, Proposal, SignedProposal } from '../../model/messages/proposal.ts'
import { sha256Hex } from '../../model/sha256.ts'
import type { ChaincodeResponse, Invocation, LedgerAccess } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import {
  checkSimpleBound,
  createCompositeKey,
  FIRST_SIMPLE_KEY,
  partialCompositeRange,
  splitCompositeKey,
} from './composite-key.ts'
import { handled } from './handled.ts'
import {
  type HistoryQueryIterator,
  historyQuery,
  type KeyChange,
  type KeyValue,
  type PageResult,
  pagedStateQuery,
  type QueryPromise,
  refusedQuery,
  type StateQueryIterator,
  stateQuery,
} from './query-iterator.ts'
import { RESPONSE_CODE } from './response.ts'
import { TimestampSeconds } from './timestamp-seconds.ts'

/** Name under which Fabric keeps a key's own endorsement policy. */
const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER'
const EPOCH = new Uint8Array(8)

export interface SignedProposalView {
  readonly signature: Uint8Array
  readonly proposal: {
    readonly header: {
      readonly channelHeader: ChannelHeader
      readonly signatureHeader: {
        readonly nonce: Uint8Array
        readonly creator: SerializedIdentity
        readonly creator_u8: Uint8Array
      }
    }
    readonly payload: ChaincodeProposalPayload
  }
}

/**
 * What a chaincode sees of its invocation and of the ledger: the public methods of fabric-shim's ChaincodeStub, so that chaincode
 * written for Fabric runs unchanged. An absent key reads as an empty Buffer. Methods that reach for the ledger reject with a
 * ChaincodeError; the others throw it.
 *
 * Bytes handed out are copies, bytes taken are copied: chaincode may do with its buffers what it likes.
 */
export class ChaincodeStub {
  static readonly RESPONSE_CODE: typeof RESPONSE_CODE = RESPONSE_CODE

  readonly #invocation: Invocation
  readonly #ledger: LedgerAccess
  readonly #mspId: string
  #args: string[] | undefined
  #buffers: Buffer[] | undefined
  #creator: { mspid: string; idBytes: Uint8Array } | undefined
  #transient: Map<string, Buffer> | undefined

  /** @param mspId organisation of the peer that runs the chaincode */
  constructor(invocation: Invocation, ledger: LedgerAccess, mspId: string) {
    this.#invocation = invocation
    this.#ledger = ledger
    this.#mspId = mspId
  }

  getArgs(): string[] {
    return this.getStringArgs()
  }

  getStringArgs(): string[] {
    this.#args ??= this.getBufferArgs().map((arg) => arg.toString())
    return this.#args
  }

  getBufferArgs(): Buffer[] {
    this.#buffers ??= this.#invocation.args.map((arg) => Buffer.from(arg))
    return this.#buffers
  }

  /** The first argument, and those after it. */
  getFunctionAndParameters(): { fcn: string; params: string[] } {
    const [fcn = '', ...params] = this.getStringArgs()
    return { fcn, params }
  }

  getTxID(): string {
    return this.#invocation.txId
  }

  getChannelID(): string {
    return this.#invocation.channelId
  }

  /** The client that made the proposal: organisation, and certificate as PEM. */
  getCreator(): { mspid: string; idBytes: Uint8Array } {
    if (this.#creator === undefined) {
      const { mspid, idBytes } = SerializedIdentity.decode(this.#invocation.creator)
      this.#creator = { mspid, idBytes: Uint8Array.from(idBytes) }
    }
    return this.#creator
  }

  /** Organisation of the peer that runs the chaincode: differs between endorsers, so keep it out of what is written. */
  getMspID(): string {
    return this.#mspId
  }

  getTransient(): Map<string, Buffer> {
    if (this.#transient === undefined) {
      this.#transient = new Map()
      for (const [name, value] of this.#invocation.transient) this.#transient.set(name, Buffer.from(value))
    }
    return this.#transient
  }

  getSignedProposal(): SignedProposalView {
    const { proposalBytes, signature } = SignedProposal.decode(Uint8Array.from(this.#invocation.signedProposal))
    const proposal = Proposal.decode(proposalBytes)
    const header = Header.decode(proposal.header)
    const { nonce, creator } = SignatureHeader.decode(header.signatureHeader)
    return {
      signature,
      proposal: {
        header: {
          channelHeader: ChannelHeader.decode(header.channelHeader),
          signatureHeader: { nonce, creator: SerializedIdentity.decode(creator), creator_u8: creator },
        },
        payload: ChaincodeProposalPayload.decode(proposal.payload),
      },
    }
  }

  /** When the client made the proposal: the same on every endorser. */
  getTxTimestamp(): { seconds: TimestampSeconds; nanos: number } {
    const { seconds, nanos } = this.#invocation.timestamp
    return { seconds: new TimestampSeconds(seconds), nanos }
  }

  getDateTimestamp(): Date {
    const { seconds, nanos } = this.#invocation.timestamp
    return new Date(seconds * 1000 + Math.floor(nanos / 1_000_000))
  }

  /** Binds a transaction to its proposal: SHA-256 of nonce, creator and epoch, in hex. */
  getBinding(): string {
    return sha256Hex(this.#invocation.nonce, this.#invocation.creator, EPOCH)
  }

  /** Data that the peer added to the invocation. */
  getDecorations(): Map<string, Buffer> {
    return new Map([...this.#invocation.decorations].map(([name, value]) => [name, Buffer.from(value)]))
  }

  getState(key: string): Promise<Buffer> {
    return ask(() => this.#ledger.getState(text(key, 'key')), buffer)
  }

  getMultipleStates(keys: string[]): Promise<Buffer[]> {
    return ask(
      () => {
        if (!Array.isArray(keys)) throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'keys must be an array of strings')
        return this.#ledger.getStates(keys.map((key) => text(key, 'key')))
      },
      (values) => values.map(buffer),
    )
  }

  /** An empty value deletes the key. */
  putState(key: string, value: Uint8Array | string): Promise<void> {
    return ask(() => this.#ledger.putState(text(key, 'key'), bytes(value, 'value')), nothing)
  }

  deleteState(key: string): Promise<void> {
    return ask(() => this.#ledger.deleteState(text(key, 'key')), nothing)
  }

  /** Gives a key an endorsement policy of its own, in place of the chaincode's. See KeyEndorsementPolicy. */
  setStateValidationParameter(key: string, policy: Uint8Array): Promise<void> {
    return ask(() => this.#ledger.putStateMetadata(text(key, 'key'), VALIDATION_PARAMETER, bytes(policy, 'policy')), nothing)
  }

  /** The key's own endorsement policy, undefined when it has none. */
  getStateValidationParameter(key: string): Promise<Buffer | undefined> {
    return ask(
      () => this.#ledger.getStateMetadata(text(key, 'key')),
      (metadata) => {
        const policy = metadata?.get(VALIDATION_PARAMETER)
        return policy && Buffer.from(policy)
      },
    )
  }

  /** Simple keys from `startKey` to before `endKey`, in byte order; an empty bound is open. Protected against phantoms. */
  getStateByRange(startKey: string, endKey: string): QueryPromise<StateQueryIterator, KeyValue> {
    return this.#simpleRange(startKey, endKey, (start, end) =>
      stateQuery(this.#ledger, () => this.#ledger.getStateByRange(start, end)),
    )
  }

  /** One page of a range. Only for transactions that write nothing. */
  getStateByRangeWithPagination(
    startKey: string,
    endKey: string,
    pageSize: number,
    bookmark = '',
  ): QueryPromise<PageResult, KeyValue> {
    return this.#simpleRange(startKey, endKey, (start, end) =>
      pagedStateQuery(this.#ledger, () => this.#ledger.getStateByRange(start, end, page(pageSize, bookmark))),
    )
  }

  /** All composite keys that begin with these parts. */
  getStateByPartialCompositeKey(objectType: string, attributes: string[]): QueryPromise<StateQueryIterator, KeyValue> {
    return this.#partialRange(objectType, attributes, (start, end) =>
      stateQuery(this.#ledger, () => this.#ledger.getStateByRange(start, end)),
    )
  }

  getStateByPartialCompositeKeyWithPagination(
    objectType: string,
    attributes: string[],
    pageSize: number,
    bookmark = '',
  ): QueryPromise<PageResult, KeyValue> {
    return this.#partialRange(objectType, attributes, (start, end) =>
      pagedStateQuery(this.#ledger, () => this.#ledger.getStateByRange(start, end, page(pageSize, bookmark))),
    )
  }

  /** A query in the state database's own language. Not protected against phantoms. */
  getQueryResult(query: string): QueryPromise<StateQueryIterator, KeyValue> {
    return stateQuery(this.#ledger, () => this.#ledger.getQueryResult(text(query, 'query')))
  }

  getQueryResultWithPagination(query: string, pageSize: number, bookmark = ''): QueryPromise<PageResult, KeyValue> {
    return pagedStateQuery(this.#ledger, () => this.#ledger.getQueryResult(text(query, 'query'), page(pageSize, bookmark)))
  }

  /** Committed changes of a key, newest first. Not protected against later ones. */
  getHistoryForKey(key: string): QueryPromise<HistoryQueryIterator, KeyChange> {
    return historyQuery(this.#ledger, () => this.#ledger.getHistoryForKey(text(key, 'key')))
  }

  createCompositeKey(objectType: string, attributes: readonly string[]): string {
    return createCompositeKey(objectType, attributes)
  }

  splitCompositeKey(compositeKey: string): { objectType: string | null; attributes: string[] } {
    return splitCompositeKey(compositeKey)
  }

  /**
   * Calls another chaincode. On the same channel it takes part in this transaction, and the endorsement policy of what it writes
   * applies too; on another channel it only reads. Its events are dropped.
   */
  invokeChaincode(
    chaincodeName: string,
    args: readonly (string | Uint8Array)[],
    channel = '',
  ): Promise<ChaincodeResponse & { payload: Buffer }> {
    return ask(
      () => {
        if (!Array.isArray(args)) throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'args must be an array')
        const sent = args.map((arg: string | Uint8Array) => bytes(arg, 'argument'))
        return this.#ledger.invokeChaincode(text(chaincodeName, 'chaincode name'), sent, text(channel, 'channel'))
      },
      ({ status, message, payload }) => ({ status, message, payload: Buffer.from(payload) }),
    )
  }

  /** Sets the transaction's event; the last one counts. Only that of the chaincode which the client invoked. */
  setEvent(name: string, payload: Uint8Array | string = Buffer.alloc(0)): void {
    if (typeof name !== 'string' || name === '') throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'an event must have a name')
    const result = this.#ledger.setEvent(name, bytes(payload, 'payload'))
    if (result instanceof Promise) handled(result)
  }

  /** SHA-256 of a private value, as every peer of the channel knows it; empty when there is none. */
  getPrivateDataHash(collection: string, key: string): Promise<Buffer> {
    return ask(() => this.#ledger.getPrivateDataHash(text(collection, 'collection'), text(key, 'key')), buffer)
  }

  /** Here for compatibility: writes are batched already. */
  startWriteBatch(): void {}

  async finishWriteBatch(): Promise<void> {}

  getPrivateData(_collection: string, _key: string): Promise<Buffer> {
    return noPrivateData()
  }

  getMultiplePrivateData(_collection: string, _keys: string[]): Promise<Buffer[]> {
    return noPrivateData()
  }

  putPrivateData(_collection: string, _key: string, _value: Uint8Array | string): Promise<void> {
    return noPrivateData()
  }

  deletePrivateData(_collection: string, _key: string): Promise<void> {
    return noPrivateData()
  }

  purgePrivateData(_collection: string, _key: string): Promise<void> {
    return noPrivateData()
  }

  setPrivateDataValidationParameter(_collection: string, _key: string, _policy: Uint8Array): Promise<void> {
    return noPrivateData()
  }

  getPrivateDataValidationParameter(_collection: string, _key: string): Promise<Buffer | undefined> {
    return noPrivateData()
  }

  getPrivateDataByRange(_collection: string, _startKey: string, _endKey: string): QueryPromise<PageResult, KeyValue> {
    return refusedQuery(privateDataError())
  }

  getPrivateDataByPartialCompositeKey(
    _collection: string,
    _objectType: string,
    _attributes: string[],
  ): QueryPromise<PageResult, KeyValue> {
    return refusedQuery(privateDataError())
  }

  getPrivateDataQueryResult(_collection: string, _query: string): QueryPromise<PageResult, KeyValue> {
    return refusedQuery(privateDataError())
  }

  #simpleRange<R>(
    startKey: string,
    endKey: string,
    open: (start: string, end: string) => QueryPromise<R, KeyValue>,
  ): QueryPromise<R, KeyValue> {
    const start = startKey || FIRST_SIMPLE_KEY
    const end = endKey || ''
    try {
      checkSimpleBound(start)
      checkSimpleBound(end)
    } catch (error) {
      return refusedQuery(error)
    }
    return open(start, end)
  }

  #partialRange<R>(
    objectType: string,
    attributes: readonly string[],
    open: (start: string, end: string) => QueryPromise<R, KeyValue>,
  ): QueryPromise<R, KeyValue> {
    const { start, end } = partialCompositeRange(objectType, attributes)
    return open(start, end)
  }
}

const NOTHING = Promise.resolve()

/** Asks the ledger; whatever way it fails, the caller gets a rejection. */
function ask<T, R>(question: () => Awaitable<T>, convert: (answer: T) => R): Promise<R> {
  try {
    const answer = question()
    if (answer instanceof Promise) return handled(answer.then(convert))
    const value = convert(answer)
    return value === undefined ? (NOTHING as Promise<R>) : Promise.resolve(value)
  } catch (error) {
    return handled(Promise.reject(error))
  }
}

function nothing(): void {}

function buffer(value: Uint8Array | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : Buffer.from(value)
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', `${what} must be a string, not ${typeof value}`)
}

function bytes(value: unknown, what: string): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return copyBytes(value)
  throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', `${what} must be bytes or a string, not ${typeof value}`)
}

function page(size: unknown, bookmark: unknown): { size: number; bookmark: string } {
  if (typeof size !== 'number') throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', 'the size of a page must be a number')
  return { size, bookmark: bookmark === undefined || bookmark === null ? '' : text(bookmark, 'bookmark') }
}

function privateDataError(): ChaincodeError {
  return new ChaincodeError(
    'PRIVATE_DATA_NOT_SUPPORTED',
    'private data collections are not supported yet; only hashes can be read',
  )
}

function noPrivateData(): Promise<never> {
  return handled(Promise.reject(privateDataError()))
}
