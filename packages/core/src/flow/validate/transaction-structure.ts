import type { ActionView } from '../../model/endorser-transaction-view.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { ChaincodeHeaderExtension } from '../../model/messages/proposal.ts'
import { proposalHash } from '../../model/proposal-hash.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { NsRwSet, TxRwSet } from '../../model/rwset-view.ts'
import { transactionId } from '../../model/transaction-id.ts'
import { TxValidationCode } from '../../model/validation-code.ts'

/** What the bytes alone tell of a transaction. Each check holds only where the ones before it passed; the codes are Fabric's. */
export interface Structure {
  readonly view: EnvelopeView
  /** Set when the envelope, or its headers, are broken: there is nobody whose signature could be checked. */
  readonly header: TxValidationCode | undefined
  /** Set when the transaction is broken inside; a wrong signature of the creator comes before it. */
  readonly body: TxValidationCode | undefined
  readonly isConfig: boolean
  /** Of a sound endorser transaction. */
  readonly endorsed: EndorsedTransaction | undefined
}

/** An endorser transaction whose outer structure is sound. */
export interface EndorsedTransaction {
  readonly txId: string
  readonly action: ActionView
  /** Set when what the endorsers signed is broken; a duplicate txid comes before it. */
  readonly results: TxValidationCode | undefined
  /** The chaincode that was called. */
  readonly chaincode: string
  readonly rwset: TxRwSet
  /** The called chaincode, then every other one that is written to, in the order of the read-write set. */
  readonly written: readonly string[]
}

const Code = TxValidationCode
const NO_RWSET: TxRwSet = Object.freeze({ namespaces: [] })

/** What was found of a view, for as long as it lives: peers of one process share views, and the bytes tell each of them the same. */
const examined = new WeakMap<EnvelopeView, Structure>()

/**
 * Examines a transaction as far as its bytes go, once. Never throws for what the bytes hold.
 *
 * Fabric: core/common/validation/msgvalidation.go, then the first half of core/committer/txvalidator/v20/plugindispatcher/dispatcher.go.
 */
export function examine(view: EnvelopeView): Structure {
  let structure = examined.get(view)
  if (structure === undefined) {
    structure = structureOf(view)
    examined.set(view, structure)
  }
  return structure
}

function structureOf(view: EnvelopeView): Structure {
  const header = decoded(Code.INVALID_OTHER_REASON, () => void view.payload) ?? headerCode(view)
  if (header !== undefined) return { view, header, body: undefined, isConfig: false, endorsed: undefined }
  switch (view.type) {
    case HeaderType.CONFIG:
      return {
        view,
        header,
        body: view.data.length === 0 ? Code.INVALID_CONFIG_TRANSACTION : undefined,
        isConfig: true,
        endorsed: undefined,
      }
    case HeaderType.ENDORSER_TRANSACTION: {
      const body = endorserCode(view)
      return { view, header, body, isConfig: false, endorsed: body === undefined ? examineResults(view) : undefined }
    }
    default:
      return { view, header, body: Code.UNSUPPORTED_TX_PAYLOAD, isConfig: false, endorsed: undefined }
  }
}

function headerCode(view: EnvelopeView): TxValidationCode | undefined {
  const payload = decoded(Code.BAD_PAYLOAD, () => void view.hasHeader)
  if (payload !== undefined) return payload
  if (!view.hasHeader) return Code.BAD_COMMON_HEADER
  return decoded(Code.BAD_COMMON_HEADER, () => {
    const { type, epoch } = view.channelHeader
    const { nonce, creator } = view.signatureHeader
    const known = type === HeaderType.ENDORSER_TRANSACTION || type === HeaderType.CONFIG || type === HeaderType.CONFIG_UPDATE
    return known && epoch === 0 && nonce.length > 0 && creator.length > 0 ? undefined : Code.BAD_COMMON_HEADER
  })
}

function endorserCode(view: EnvelopeView): TxValidationCode | undefined {
  if (transactionId(view.nonce, view.creator) !== view.txId) return Code.BAD_PROPOSAL_TXID
  return decoded(Code.INVALID_ENDORSER_TRANSACTION, () => {
    const actions = view.data.length === 0 ? [] : view.transaction.actions
    const action = actions[0]
    if (action === undefined || actions.length !== 1) return Code.INVALID_ENDORSER_TRANSACTION
    const { nonce, creator } = action.signatureHeader
    const sound =
      nonce.length > 0 &&
      creator.length > 0 &&
      action.hasAction &&
      action.chaincodeProposalPayload.length > 0 &&
      view.channelHeaderBytes.length > 0 &&
      isProposalHash(action, proposalHash(view.channelHeaderBytes, action.header, action.chaincodeProposalPayload))
    return sound ? undefined : Code.INVALID_ENDORSER_TRANSACTION
  })
}

function isProposalHash(action: ActionView, hash: Uint8Array): boolean {
  return Buffer.compare(action.proposalHash, hash) === 0
}

function examineResults(view: EnvelopeView): EndorsedTransaction {
  const action = view.transaction.actions[0]!
  const { txId } = view
  const broken = (results: TxValidationCode): EndorsedTransaction => {
    return { txId, action, results, chaincode: '', rwset: NO_RWSET, written: [] }
  }
  let chaincode: string | undefined
  const extension = decoded(Code.BAD_HEADER_EXTENSION, () => {
    chaincode = ChaincodeHeaderExtension.decode(view.channelHeader.extension).chaincodeId?.name
    return undefined
  })
  if (extension !== undefined) return broken(extension)
  // An absent extension and an empty one are the same to protobuf.
  const response = decoded(Code.BAD_RESPONSE_PAYLOAD, () =>
    action.hasExtension ? void action.chaincodeAction : Code.BAD_RESPONSE_PAYLOAD,
  )
  if (response !== undefined) return broken(response)
  const rwset = decoded(Code.BAD_RWSET, () => void action.rwset())
  if (rwset !== undefined) return broken(rwset)
  const called = calledChaincode(action, chaincode)
  if (typeof called === 'number') return broken(called)
  const written = writtenChaincodes(called, action.rwset())
  if (written === undefined) return broken(Code.ILLEGAL_WRITESET)
  return { txId, action, results: undefined, chaincode: called, rwset: action.rwset(), written }
}

/** The chaincode that header, action and event agree on. */
function calledChaincode(action: ActionView, inHeader: string | undefined): string | TxValidationCode {
  const inAction = action.chaincodeAction.chaincodeId
  if (inHeader === undefined || inAction === undefined) return Code.INVALID_OTHER_REASON
  if (inHeader === '' || inHeader !== inAction.name || inAction.version === '') return Code.INVALID_CHAINCODE
  if (action.events.length > 0) {
    const event = decoded(Code.INVALID_OTHER_REASON, () =>
      action.event.chaincodeId === inHeader ? undefined : Code.INVALID_OTHER_REASON,
    )
    if (event !== undefined) return event
  }
  return inHeader
}

/** Undefined when a namespace occurs twice. */
function writtenChaincodes(called: string, rwset: TxRwSet): string[] | undefined {
  const namespaces = new Set<string>()
  const written = [called]
  for (const nsRwSet of rwset.namespaces) {
    if (namespaces.has(nsRwSet.namespace)) return undefined
    namespaces.add(nsRwSet.namespace)
    if (nsRwSet.namespace !== called && isWritten(nsRwSet)) written.push(nsRwSet.namespace)
  }
  return written
}

function isWritten({ kv, collections }: NsRwSet): boolean {
  if (kv.writes.length > 0 || kv.metadataWrites.length > 0) return true
  return collections.some(({ hashed }) => hashed.hashedWrites.length > 0 || hashed.metadataWrites.length > 0)
}

/** The verdict of `check`, or `code` when something in it does not decode. */
function decoded(code: TxValidationCode, check: () => unknown): TxValidationCode | undefined {
  try {
    return check() as TxValidationCode | undefined
  } catch (error) {
    if (error instanceof DecodeError) return code
    throw error
  }
}
