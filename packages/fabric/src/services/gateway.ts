import { Cancellation, type PeerServices } from '@heddle/core'
import {
  ChaincodeEventsRequest,
  ChaincodeEventsResponse,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  ChannelHeader,
  CommitStatusRequest,
  CommitStatusResponse,
  EndorseRequest,
  EndorseResponse,
  EvaluateRequest,
  EvaluateResponse,
  Header,
  Proposal,
  SignedChaincodeEventsRequest,
  SignedCommitStatusRequest,
  type SignedProposal,
  SubmitRequest,
  SubmitResponse,
} from '@heddle/core/model'
import type { Call, Methods, StreamCall, UnaryMethod } from '../grpc/method.ts'
import { GrpcStatus, Status } from '../grpc/status.ts'
import { decoding, invalid } from './decoding.ts'
import { gatewayStatus } from './gateway-status.ts'

/** Requests at a time, for each method (Fabric: peer.limits.concurrency.gatewayService). */
const CONCURRENCY = 500
/** Milliseconds that collecting endorsements may take (Fabric: peer.gateway.endorsementTimeout). */
const ENDORSE_TIMEOUT = 30_000
/** Milliseconds that ordering may take (Fabric: peer.gateway.broadcastTimeout). */
const SUBMIT_TIMEOUT = 30_000

export interface GatewayServiceOptions {
  readonly concurrency?: number
  /** Where a node serves clients, for error details. Default: its name. */
  readonly addressOf?: (node: string) => string
}

/** gateway.Gateway of one peer: what the stock Fabric client libraries speak. */
export function gatewayService(peer: PeerServices, options: GatewayServiceOptions = {}): Methods {
  const { concurrency = CONCURRENCY, addressOf = (node) => node } = options
  const service = new GatewayService(peer)
  const unary = (handle: (request: Uint8Array, call: Call) => Promise<Uint8Array>): UnaryMethod => ({
    kind: 'unary',
    concurrency,
    handle: (request, call) =>
      handle(request, call).catch((error) => {
        throw gatewayStatus(error, addressOf)
      }),
  })
  return {
    '/gateway.Gateway/Evaluate': unary((request, call) => service.evaluate(request, call)),
    '/gateway.Gateway/Endorse': unary((request, call) => service.endorse(request, call)),
    '/gateway.Gateway/Submit': unary((request, call) => service.submit(request, call)),
    '/gateway.Gateway/CommitStatus': unary((request, call) => service.commitStatus(request, call)),
    '/gateway.Gateway/ChaincodeEvents': {
      kind: 'stream',
      concurrency,
      open: (call) => ({
        message: (request) => {
          // One request a stream: what comes after it goes nowhere.
          call.pause()
          service.events(request, call).then(
            () => call.end(),
            (error) => call.end(gatewayStatus(error, addressOf)),
          )
        },
        halfClosed: () => {},
      }),
    },
  }
}

/** What the gateway needs of a proposal before the endorsers look at it. */
interface Proposed {
  readonly channel: string
  readonly chaincode: string
  readonly hasTransient: boolean
}

class GatewayService {
  private readonly peer: PeerServices

  constructor(peer: PeerServices) {
    this.peer = peer
  }

  async evaluate(bytes: Uint8Array, call: Call): Promise<Uint8Array> {
    const request = decoding('EvaluateRequest', () => EvaluateRequest.decode(bytes))
    const { proposal, call: proposed } = this.proposed(
      request.proposedTransaction,
      request.targetOrganizations,
      request.transactionId,
    )
    const result = await before(call, ENDORSE_TIMEOUT, 'evaluate timeout expired', (signal) =>
      this.peer.gateway.evaluate(this.protecting(proposal, proposed), signal),
    )
    return EvaluateResponse.encode({ result })
  }

  async endorse(bytes: Uint8Array, call: Call): Promise<Uint8Array> {
    const request = decoding('EndorseRequest', () => EndorseRequest.decode(bytes))
    const { call: proposed } = this.proposed(request.proposedTransaction, request.endorsingOrganizations, request.transactionId)
    const prepared = await before(call, ENDORSE_TIMEOUT, 'endorsement timeout expired while collecting endorsements', (signal) =>
      this.peer.gateway.endorse(proposed, signal),
    )
    return EndorseResponse.encode({ preparedTransaction: { payload: prepared.payload } })
  }

  async submit(bytes: Uint8Array, call: Call): Promise<Uint8Array> {
    const {
      preparedTransaction: envelope,
      channelId,
      transactionId,
    } = decoding('SubmitRequest', () => SubmitRequest.decode(bytes))
    if (envelope === undefined) throw invalid('a prepared transaction is required')
    if (envelope.signature.length === 0) throw invalid('prepared transaction must be signed')
    const { payload, signature } = envelope
    await before(call, SUBMIT_TIMEOUT, 'submit timeout expired while broadcasting to ordering service', (signal) =>
      this.peer.gateway.submit({ channel: channelId, transactionId, payload, signature }, signal),
    )
    return SubmitResponse.encode({})
  }

  async commitStatus(bytes: Uint8Array, call: Call): Promise<Uint8Array> {
    const { request, signature } = decoding('SignedCommitStatusRequest', () => SignedCommitStatusRequest.decode(bytes))
    if (request.length === 0) throw invalid('a commit status request is required')
    const asked = decoding('invalid status request', () => CommitStatusRequest.decode(request))
    const { identity, channelId: channel, transactionId } = asked
    if (identity.length === 0) throw invalid('no identity provided')
    if (channel === '') throw invalid('no channel ID provided')
    if (transactionId === '') throw invalid('transaction ID should not be empty')
    await this.peer.authorize('gateway/CommitStatus', channel, { identity, data: request, signature })
    const { code, blockNumber } = await this.peer.gateway.commitStatus(
      { channel, transactionId, identity },
      cancellationOf(call.signal),
    )
    return CommitStatusResponse.encode({ result: code, blockNumber })
  }

  async events(bytes: Uint8Array, call: StreamCall): Promise<void> {
    const { request, signature } = decoding('SignedChaincodeEventsRequest', () => SignedChaincodeEventsRequest.decode(bytes))
    if (request.length === 0) throw invalid('a chaincode events request is required')
    const asked = decoding('invalid chaincode events request', () => ChaincodeEventsRequest.decode(request))
    const { identity, channelId: channel, chaincodeId: chaincode, startPosition, afterTransactionId } = asked
    if (identity.length === 0) throw invalid('no identity provided')
    if (channel === '') throw invalid('no channel ID provided')
    if (chaincode === '') throw invalid('no chaincode name provided')
    if (startPosition?.oldest !== undefined || startPosition?.newest !== undefined) throw invalid('invalid start position type')
    await this.peer.authorize('gateway/ChaincodeEvents', channel, { identity, data: request, signature })
    const startBlock = startPosition?.specified === undefined ? undefined : Number(startPosition.specified.number)
    const position = {
      channel,
      chaincode,
      identity,
      startBlock,
      afterTransactionId: afterTransactionId === '' ? undefined : afterTransactionId,
    }
    for await (const event of this.peer.gateway.chaincodeEvents(position, call.signal)) {
      const { blockNumber, transactionId: txId, chaincodeName: chaincodeId, eventName, payload } = event
      const response = { blockNumber, events: [{ chaincodeId, txId, eventName, payload }] }
      if (!call.send(ChaincodeEventsResponse.encode(response))) await call.drained()
      if (call.signal.aborted) return
    }
  }

  private proposed(signed: SignedProposal | undefined, organizations: readonly string[], transactionId: string) {
    if (signed === undefined || signed.proposalBytes.length === 0)
      throw invalid('the proposed transaction must contain a signed proposal')
    const proposal = decoding('failed to unpack transaction proposal', () => unpack(signed.proposalBytes))
    const { channel, chaincode } = proposal
    if (channel === '') throw invalid('failed to unpack transaction proposal: no channel id provided')
    if (chaincode === '') throw invalid('failed to unpack transaction proposal: no chaincode name is provided')
    const call = {
      channel,
      chaincode,
      transactionId,
      proposalBytes: signed.proposalBytes,
      signature: signed.signature,
      organizations: organizations.length === 0 ? undefined : organizations,
    }
    return { proposal, call }
  }

  /** Transient data goes to no other organisation than the client's own, unless the client names others. */
  private protecting<C extends { readonly organizations: readonly string[] | undefined }>(
    { hasTransient }: Proposed,
    call: C,
  ): C {
    return hasTransient && call.organizations === undefined ? { ...call, organizations: [this.peer.mspId] } : call
  }
}

function unpack(proposalBytes: Uint8Array): Proposed {
  const proposal = Proposal.decode(proposalBytes)
  const header = ChannelHeader.decode(Header.decode(proposal.header).channelHeader)
  const { transientMap } = ChaincodeProposalPayload.decode(proposal.payload)
  const chaincode = ChaincodeHeaderExtension.decode(header.extension).chaincodeId?.name ?? ''
  return { channel: header.channelId, chaincode, hasTransient: transientMap.size > 0 }
}

function cancellationOf(signal: AbortSignal): Cancellation {
  const gaveUp = new Cancellation()
  if (signal.aborted) gaveUp.cancel(signal.reason)
  else signal.addEventListener('abort', () => gaveUp.cancel(signal.reason), { once: true })
  return gaveUp
}

/** Ends a call when its work takes longer than the service gives it. The client's own deadline is the server's affair. */
async function before<T>(call: Call, limit: number, message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new GrpcStatus(Status.DEADLINE_EXCEEDED, message)), limit)
  timer.unref()
  try {
    return await Promise.race([work(call.signal), promise])
  } finally {
    clearTimeout(timer)
  }
}
