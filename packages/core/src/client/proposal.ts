import { ChannelHeader, Header } from '../model/messages/common.ts'
import { ProposedTransaction } from '../model/messages/gateway.ts'
import { ChaincodeHeaderExtension, Proposal as ProposalMessage } from '../model/messages/proposal.ts'
import { sha256 } from '../model/sha256.ts'
import { transactionId } from '../model/transaction-id.ts'
import { utf8Bytes } from '../model/utf8.ts'
import type { ChaincodeResponse } from '../ports/chaincode.ts'
import { within } from '../ports/deadlines.ts'
import type { PreparedTransaction, ProposalCall } from './connection.ts'
import type { GatewayContext } from './context.ts'
import { encodeProposal } from './encode-proposal.ts'
import { EndorseError, EvaluateError, GatewayError } from './errors.ts'
import type { Call } from './options.ts'
import { Transaction } from './transaction.ts'

/** Everything about a proposal but its signature. */
interface Draft {
  readonly channel: string
  readonly chaincode: string
  readonly transactionId: string
  readonly proposalBytes: Uint8Array
  readonly organizations: readonly string[] | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * First step: what a client asks of the chaincode. Goes on to {@link Transaction} by `endorse`, or ends with `evaluate`.
 * Signed on the way out, by the gateway's signer or by {@link Proposal.withSignature}.
 */
export class Proposal {
  private readonly context: GatewayContext
  private readonly draft: Draft
  private readonly signature: Uint8Array | undefined

  /** @internal */
  constructor(context: GatewayContext, draft: Draft, signature?: Uint8Array) {
    this.context = context
    this.draft = draft
    this.signature = signature
  }

  getTransactionId(): string {
    return this.draft.transactionId
  }

  /** gateway.ProposedTransaction, signature included where there is one: to be signed elsewhere, and restored by `gateway.newSignedProposal`. */
  getBytes(): Uint8Array {
    return ProposedTransaction.encode({
      transactionId: this.draft.transactionId,
      proposal: {
        proposalBytes: this.draft.proposalBytes,
        ...(this.signature !== undefined ? { signature: this.signature } : {}),
      },
      endorsingOrganizations: this.draft.organizations ?? [],
    })
  }

  /** SHA-256 of what is signed. */
  getDigest(): Uint8Array {
    return sha256(this.draft.proposalBytes)
  }

  /** The same proposal with a signature (DER, low S) over its digest. */
  withSignature(signature: Uint8Array): Proposal {
    return new Proposal(this.context, this.draft, signature)
  }

  /**
   * Runs the chaincode on one peer and gives its answer; nothing is written.
   * @throws EvaluateError
   */
  async evaluate(): Promise<Uint8Array> {
    const { context, draft } = this
    const call = await this.signed()
    const response = await within<ChaincodeResponse>(
      context.deadlines.evaluate,
      draft.signal,
      () => context.connection.evaluate(call, draft.signal),
      (cause) =>
        new EvaluateError(
          'EVALUATE_TIMEOUT',
          `query ${draft.chaincode} got no answer in time`,
          { transactionId: draft.transactionId },
          { cause },
        ),
    )
    return response.payload
  }

  /**
   * Collects endorsements: from the organisations asked for, or from enough for the endorsement policy.
   * @throws EndorseError
   */
  async endorse(): Promise<Transaction> {
    const { context, draft } = this
    const call = await this.signed()
    const prepared = await within<PreparedTransaction>(
      context.deadlines.endorse,
      draft.signal,
      () => context.connection.endorse(call, draft.signal),
      (cause) =>
        new EndorseError(
          'ENDORSE_TIMEOUT',
          `transaction ${draft.transactionId} was not endorsed in time`,
          { transactionId: draft.transactionId },
          { cause },
        ),
    )
    return new Transaction(context, {
      channel: draft.channel,
      transactionId: draft.transactionId,
      prepared,
      signal: draft.signal,
    })
  }

  private async signed(): Promise<ProposalCall> {
    this.context.checkOpen()
    const { channel, chaincode, transactionId: id, proposalBytes, organizations } = this.draft
    const signature = this.signature ?? (await this.context.sign(proposalBytes))
    return { channel, chaincode, transactionId: id, proposalBytes, signature, organizations }
  }
}

/** Makes the proposal of a call. */
export function newProposal(context: GatewayContext, channel: string, chaincode: string, call: Call): Proposal {
  context.checkOpen()
  const creator = context.identity.identity
  const nonce = context.nonce()
  const id = transactionId(nonce, creator)
  const { transient, isInit = false } = call.options
  const proposalBytes = encodeProposal({
    channel,
    chaincode,
    transactionId: id,
    creator,
    nonce,
    now: context.clock.now(),
    args: [call.name, ...call.args],
    transient: transient === undefined ? undefined : transientMap(transient),
    isInit,
  })
  return new Proposal(context, {
    channel,
    chaincode,
    transactionId: id,
    proposalBytes,
    organizations: call.options.endorsingOrganizations,
    signal: call.options.signal,
  })
}

/**
 * A proposal from the bytes of {@link Proposal.getBytes}.
 * @throws DecodeError, GatewayError GATEWAY_BAD_ARGUMENT
 */
export function restoreProposal(context: GatewayContext, bytes: Uint8Array, signature: Uint8Array | undefined): Proposal {
  const { transactionId: id, proposal, endorsingOrganizations } = ProposedTransaction.decode(bytes)
  const proposalBytes = proposal?.proposalBytes ?? new Uint8Array(0)
  const { header } = ProposalMessage.decode(proposalBytes)
  const channelHeader = ChannelHeader.decode(Header.decode(header).channelHeader)
  // Under a false id the fate of the transaction could never be learned.
  if (id !== channelHeader.txId)
    throw new GatewayError(
      'GATEWAY_BAD_ARGUMENT',
      `the bytes name transaction '${id.slice(0, 100)}', the proposal in them another`,
    )
  const chaincode = ChaincodeHeaderExtension.decode(channelHeader.extension).chaincodeId?.name ?? ''
  const known = signature ?? proposal?.signature
  return new Proposal(
    context,
    {
      channel: channelHeader.channelId,
      chaincode,
      transactionId: id,
      proposalBytes,
      organizations: endorsingOrganizations.length > 0 ? endorsingOrganizations : undefined,
      signal: undefined,
    },
    known !== undefined && known.length > 0 ? known : undefined,
  )
}

function transientMap(transient: Readonly<Record<string, string | Uint8Array>>): Map<string, Uint8Array> {
  return new Map(Object.entries(transient).map(([key, value]) => [key, typeof value === 'string' ? utf8Bytes(value) : value]))
}
