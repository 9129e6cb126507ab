import {
  decodeChaincodeAction,
  decodeChaincodeActionPayload,
  decodeProposalResponsePayload,
  decodeSignatureHeader,
  decodeTransaction,
} from './hot-codec.ts'
import { ChaincodeEvent } from './messages/chaincode-event.ts'
import type { SignatureHeader } from './messages/common.ts'
import type { ChaincodeAction } from './messages/proposal.ts'
import type { Endorsement, ProposalResponsePayload } from './messages/proposal-response.ts'
import type { ChaincodeActionPayload } from './messages/transaction.ts'
import { decodeTxRwSet, type TxRwSet } from './rwset-view.ts'

const NONE = new Uint8Array(0)
const NO_ENDORSEMENTS: readonly Endorsement[] = Object.freeze([])

/** A serialized protos.Transaction, read lazily; see EnvelopeView for the rules. */
export class EndorserTransactionView {
  readonly bytes: Uint8Array
  private decoded: readonly ActionView[] | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** A valid transaction has exactly one. */
  get actions(): readonly ActionView[] {
    this.decoded ??= decodeTransaction(this.bytes).actions.map(({ header, payload }) => new ActionView(header, payload))
    return this.decoded
  }
}

/** One action: what was proposed, what the endorsers answered and signed. */
export class ActionView {
  /** Serialized SignatureHeader of the proposal. */
  readonly header: Uint8Array
  /** Serialized ChaincodeActionPayload. */
  readonly payload: Uint8Array
  private decodedHeader: SignatureHeader | undefined
  private decodedPayload: ChaincodeActionPayload | undefined
  private response: ProposalResponsePayload | undefined
  private action: ChaincodeAction | undefined
  private readWriteSet: TxRwSet | undefined
  private chaincodeEvent: ChaincodeEvent | undefined

  constructor(header: Uint8Array, payload: Uint8Array) {
    this.header = header
    this.payload = payload
  }

  get signatureHeader(): Readonly<SignatureHeader> {
    this.decodedHeader ??= decodeSignatureHeader(this.header)
    return this.decodedHeader
  }

  /** The proposal's payload without transient data. */
  get chaincodeProposalPayload(): Uint8Array {
    return this.inner().chaincodeProposalPayload
  }

  /** Whether there is an endorsed action at all; without one, response payload and endorsements read as empty. */
  get hasAction(): boolean {
    return this.inner().action !== undefined
  }

  /** What the endorsers signed, each with its own identity appended. */
  get proposalResponsePayload(): Uint8Array {
    return this.inner().action?.proposalResponsePayload ?? NONE
  }

  get endorsements(): readonly Readonly<Endorsement>[] {
    return this.inner().action?.endorsements ?? NO_ENDORSEMENTS
  }

  /** As the endorsers state it; whether it is right is for validation to see. */
  get proposalHash(): Uint8Array {
    return this.endorsed().proposalHash
  }

  /** Whether the endorsers signed any chaincode action; without one, `chaincodeAction` reads as empty. */
  get hasExtension(): boolean {
    return this.endorsed().extension.length > 0
  }

  /** Results, events, response and chaincode id, as the endorsers state them. */
  get chaincodeAction(): Readonly<ChaincodeAction> {
    this.action ??= decodeChaincodeAction(this.endorsed().extension)
    return this.action
  }

  /** Serialized TxReadWriteSet. */
  get results(): Uint8Array {
    return this.chaincodeAction.results
  }

  /** Serialized ChaincodeEvent; empty when there is none. */
  get events(): Uint8Array {
    return this.chaincodeAction.events
  }

  get event(): Readonly<ChaincodeEvent> {
    this.chaincodeEvent ??= ChaincodeEvent.decode(this.events)
    return this.chaincodeEvent
  }

  rwset(): TxRwSet {
    this.readWriteSet ??= decodeTxRwSet(this.results)
    return this.readWriteSet
  }

  private inner(): ChaincodeActionPayload {
    this.decodedPayload ??= decodeChaincodeActionPayload(this.payload)
    return this.decodedPayload
  }

  private endorsed(): ProposalResponsePayload {
    this.response ??= decodeProposalResponsePayload(this.proposalResponsePayload)
    return this.response
  }
}
