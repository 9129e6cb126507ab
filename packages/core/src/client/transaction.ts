import { ChannelHeader, Payload } from '../model/messages/common.ts'
import { PreparedTransaction as PreparedMessage } from '../model/messages/gateway.ts'
import { SerializedIdentity } from '../model/messages/identities.ts'
import { ChaincodeAction } from '../model/messages/proposal.ts'
import { ProposalResponsePayload } from '../model/messages/proposal-response.ts'
import { ChaincodeActionPayload, Transaction as TransactionMessage } from '../model/messages/transaction.ts'
import { sha256 } from '../model/sha256.ts'
import { within } from '../ports/deadlines.ts'
import { Commit } from './commit.ts'
import type { PreparedTransaction } from './connection.ts'
import type { GatewayContext } from './context.ts'
import { GatewayError, SubmitError } from './errors.ts'

interface Draft {
  readonly channel: string
  readonly transactionId: string
  readonly prepared: PreparedTransaction
  readonly signal: AbortSignal | undefined
}

/** Second step: an endorsed transaction. `submit` sends it to the ordering service and gives a {@link Commit}. */
export class Transaction {
  private readonly context: GatewayContext
  private readonly draft: Draft
  private signature: Uint8Array | undefined

  /** @internal */
  constructor(context: GatewayContext, draft: Draft, signature?: Uint8Array) {
    this.context = context
    this.draft = draft
    this.signature = signature
  }

  getTransactionId(): string {
    return this.draft.transactionId
  }

  /** What the chaincode returned. Not committed yet. */
  getResult(): Uint8Array {
    return this.draft.prepared.response.payload
  }

  /** MSP ids of the organisations that endorsed. */
  getEndorsers(): readonly string[] {
    return this.draft.prepared.endorsers
  }

  /** gateway.PreparedTransaction: to be signed elsewhere, and restored by `gateway.newSignedTransaction`. */
  getBytes(): Uint8Array {
    return PreparedMessage.encode({
      transactionId: this.draft.transactionId,
      envelope: { payload: this.draft.prepared.payload, ...(this.signature !== undefined ? { signature: this.signature } : {}) },
    })
  }

  /** SHA-256 of what is signed. */
  getDigest(): Uint8Array {
    return sha256(this.draft.prepared.payload)
  }

  withSignature(signature: Uint8Array): Transaction {
    return new Transaction(this.context, this.draft, signature)
  }

  /**
   * Resolves when the transaction is durably ordered. May be called again after SUBMIT_UNAVAILABLE or OUTCOME_UNKNOWN: the same bytes
   * are sent, and the ledger counts a transaction once.
   *
   * @throws SubmitError
   */
  async submit(): Promise<Commit> {
    const { context, draft } = this
    context.checkOpen()
    const { payload } = draft.prepared
    this.signature ??= await context.sign(payload)
    if (draft.signal?.aborted === true)
      throw new SubmitError(
        'SUBMIT_UNAVAILABLE',
        `transaction ${draft.transactionId} was given up before it was sent`,
        { transactionId: draft.transactionId, details: [] },
        { cause: draft.signal.reason },
      )
    const call = { channel: draft.channel, transactionId: draft.transactionId, payload, signature: this.signature }
    await within(
      context.deadlines.submit,
      draft.signal,
      () => context.connection.submit(call, draft.signal),
      (cause) =>
        new SubmitError(
          'OUTCOME_UNKNOWN',
          `transaction ${draft.transactionId}: no orderer answered in time`,
          { transactionId: draft.transactionId },
          { cause },
        ),
    )
    return new Commit(context, draft.channel, draft.transactionId, draft.signal)
  }
}

/**
 * A transaction from the bytes of {@link Transaction.getBytes}.
 * @throws DecodeError, GatewayError GATEWAY_BAD_ARGUMENT
 */
export function restoreTransaction(context: GatewayContext, bytes: Uint8Array, signature: Uint8Array | undefined): Transaction {
  const { transactionId, envelope } = PreparedMessage.decode(bytes)
  const payload = envelope?.payload ?? new Uint8Array(0)
  const { header, data } = Payload.decode(payload)
  const { channelId, txId } = ChannelHeader.decode(header?.channelHeader ?? new Uint8Array(0))
  if (transactionId !== txId)
    throw new GatewayError(
      'GATEWAY_BAD_ARGUMENT',
      `the bytes name transaction '${transactionId.slice(0, 100)}', the envelope in them another`,
    )
  const action = ChaincodeActionPayload.decode(TransactionMessage.decode(data).actions[0]?.payload ?? new Uint8Array(0)).action
  const { response } = ChaincodeAction.decode(
    ProposalResponsePayload.decode(action?.proposalResponsePayload ?? new Uint8Array(0)).extension,
  )
  const prepared: PreparedTransaction = {
    payload,
    response: response ?? { status: 0, message: '', payload: new Uint8Array(0) },
    endorsers: (action?.endorsements ?? []).map(({ endorser }) => SerializedIdentity.decode(endorser).mspid),
  }
  const known = signature ?? envelope?.signature
  return new Transaction(
    context,
    { channel: channelId, transactionId, prepared, signal: undefined },
    known !== undefined && known.length > 0 ? known : undefined,
  )
}
