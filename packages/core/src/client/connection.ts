import type { Block } from '../model/block.ts'
import type { Cancellation } from '../ports/cancellation.ts'
import type { ChaincodeResponse } from '../ports/chaincode.ts'

/** A proposal with its signature, ready to send. */
export interface ProposalCall {
  readonly channel: string
  readonly transactionId: string
  /** Name of the chaincode that is called. */
  readonly chaincode: string
  /** Serialized protos.Proposal. */
  readonly proposalBytes: Uint8Array
  readonly signature: Uint8Array
  /** MSP ids whose peers must endorse (or one of which must answer); undefined: enough for the policy. */
  readonly organizations: readonly string[] | undefined
}

/** A transaction that lacks only the client's signature. */
export interface PreparedTransaction {
  /** Serialized common.Payload: what the client signs. */
  readonly payload: Uint8Array
  /** What the chaincode returned. */
  readonly response: ChaincodeResponse
  /** MSP ids of the endorsers, in the order of the endorsements. */
  readonly endorsers: readonly string[]
}

/** What a client sends to be ordered: payload and signature of an envelope. */
export interface SubmitCall {
  readonly channel: string
  readonly transactionId: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** What a transaction had read, and who changed it. */
export interface Conflict {
  readonly namespace: string
  readonly key: string
  /** Version that the endorsers read; undefined when the key did not exist. */
  readonly read: { readonly blockNumber: number; readonly txNumber: number } | undefined
  /** Version in the ledger now; undefined when the key was deleted. */
  readonly committed: { readonly blockNumber: number; readonly txNumber: number } | undefined
  /** The transaction that wrote the committed version. */
  readonly transactionId: string | undefined
}

/** Outcome of an ordered transaction. */
export interface CommitOutcome {
  /** TxValidationCode. */
  readonly code: number
  readonly blockNumber: number
  /** After a read conflict, as far as it is known. */
  readonly conflict?: Conflict | undefined
}

/** A chaincode event of a valid transaction. */
export interface ChaincodeEvent {
  readonly blockNumber: number
  readonly transactionId: string
  readonly chaincodeName: string
  readonly eventName: string
  readonly payload: Uint8Array
}

/** Who asks for the fate of which transaction. */
export interface StatusCall {
  readonly channel: string
  readonly transactionId: string
  /** SerializedIdentity of who asks: the channel's readers may. */
  readonly identity: Uint8Array
}

/** Where a stream of events begins. */
export interface EventPosition {
  /** First block; undefined: the next one to be committed. */
  readonly startBlock?: number | undefined
  /** Events of the start block up to and including this transaction are passed over. */
  readonly afterTransactionId?: string | undefined
}

/** Who asks for the events or blocks of which channel. */
export interface EventsCall extends EventPosition {
  readonly channel: string
  /** SerializedIdentity of who asks: the channel's readers may. */
  readonly identity: Uint8Array
}

/**
 * What a client needs of a network: the five calls of Fabric's gateway service, and blocks. In process a peer answers directly; over
 * a wire the same calls are gRPC's. Calls reject with EvaluateError, EndorseError, SubmitError and CommitStatusError.
 */
export interface GatewayConnection {
  readonly channels: readonly string[]
  evaluate(call: ProposalCall, signal: AbortSignal | undefined): Promise<ChaincodeResponse>
  endorse(call: ProposalCall, signal: AbortSignal | undefined): Promise<PreparedTransaction>
  submit(call: SubmitCall, signal: AbortSignal | undefined): Promise<void>
  commitStatus(call: StatusCall, cancellation: Cancellation | undefined): Promise<CommitOutcome>
  chaincodeEvents(call: EventsCall & { readonly chaincode: string }, signal: AbortSignal): AsyncIterable<ChaincodeEvent>
  blocks(call: EventsCall, signal: AbortSignal): AsyncIterable<Block>
}
