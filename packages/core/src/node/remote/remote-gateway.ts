import type {
  ChaincodeEvent,
  CommitOutcome,
  EventsCall,
  GatewayConnection,
  PreparedTransaction,
  ProposalCall,
  StatusCall,
  SubmitCall,
} from '../../client/connection.ts'
import {
  CommitStatusError,
  EndorseError,
  type ErrorDetail,
  EvaluateError,
  EventsError,
  GatewayError,
  SubmitError,
} from '../../client/errors.ts'
import { Block } from '../../model/block.ts'
import { HeddleError } from '../../model/errors.ts'
import type { Cancellation } from '../../ports/cancellation.ts'
import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Transport } from '../../ports/transport.ts'
import {
  bytesPart,
  decodeParts,
  encodeParts,
  GatewayCall,
  numberField,
  type Parts,
  textField,
  textsField,
} from './gateway-codec.ts'
import { GATEWAY } from './gateway-over-transport.ts'
import { Reachability } from './reachability.ts'

/** A peer that serves as gateway. */
export interface GatewayPeer {
  readonly node: string
  readonly mspId: string
}

export interface RemoteGatewayParts {
  /** The client's own: the connection proves who asks. */
  readonly transport: () => Promise<Transport>
  readonly channels: () => readonly string[]
  /** Peers of a channel, in the order in which to try them: those of the client's organisation first. */
  readonly peers: (channel: string) => readonly GatewayPeer[]
  readonly clock: Clock
}

/** The gateway service of peers in other processes, for a client here: the next peer takes over when one is gone. */
export class RemoteGateway implements GatewayConnection {
  private readonly parts: RemoteGatewayParts
  private readonly reachability = new Map<string, Reachability>()

  constructor(parts: RemoteGatewayParts) {
    this.parts = parts
  }

  get channels(): readonly string[] {
    return this.parts.channels()
  }

  async evaluate(call: ProposalCall, signal: AbortSignal | undefined): Promise<ChaincodeResponse> {
    const { transactionId } = call
    const answer = await this.ask(call.channel, encodeProposal(GatewayCall.EVALUATE, call), signal, (details, cause) => {
      const message = `no peer answers for ${call.chaincode}`
      return new EvaluateError('EVALUATE_UNAVAILABLE', message, { transactionId, details }, { cause })
    })
    return { status: numberField(answer, 'status') ?? 500, message: textField(answer, 'message'), payload: bytesPart(answer, 0) }
  }

  async endorse(call: ProposalCall, signal: AbortSignal | undefined): Promise<PreparedTransaction> {
    const { transactionId } = call
    const answer = await this.ask(call.channel, encodeProposal(GatewayCall.ENDORSE, call), signal, (details, cause) => {
      const message = `no peer of ${call.channel} answers`
      return new EndorseError('ENDORSE_UNAVAILABLE', message, { transactionId, details }, { cause })
    })
    return {
      payload: bytesPart(answer, 0),
      response: {
        status: numberField(answer, 'status') ?? 500,
        message: textField(answer, 'message'),
        payload: bytesPart(answer, 1),
      },
      endorsers: textsField(answer, 'endorsers') ?? [],
    }
  }

  async submit({ channel, transactionId, payload, signature }: SubmitCall, signal: AbortSignal | undefined): Promise<void> {
    const request = encodeParts(GatewayCall.SUBMIT, { transactionId }, payload, signature)
    // The same bytes may go to several peers: the ledger counts a transaction once.
    await this.ask(channel, request, signal, (details, cause, isUnknown) =>
      isUnknown
        ? new SubmitError(
            'OUTCOME_UNKNOWN',
            `it is not known whether transaction ${transactionId} was ordered`,
            { transactionId, details },
            { cause },
          )
        : new SubmitError(
            'SUBMIT_UNAVAILABLE',
            `no peer of ${channel} takes transaction ${transactionId}`,
            { transactionId, details },
            { cause },
          ),
    )
  }

  async commitStatus({ channel, transactionId }: StatusCall, cancellation: Cancellation | undefined): Promise<CommitOutcome> {
    const request = encodeParts(GatewayCall.COMMIT_STATUS, { transactionId })
    const { fields } = await this.ask(channel, request, cancellation?.signal, (_details, cause) => {
      const message = `no peer of channel ${channel} can tell the fate of transaction ${transactionId}`
      return new CommitStatusError('COMMIT_STATUS_UNAVAILABLE', message, { transactionId }, { cause })
    })
    return fields as unknown as CommitOutcome
  }

  async *chaincodeEvents(
    call: EventsCall & { readonly chaincode: string },
    signal: AbortSignal,
  ): AsyncGenerator<ChaincodeEvent, void, undefined> {
    const { channel, chaincode } = call
    let { startBlock, afterTransactionId } = call
    const request = () => encodeParts(GatewayCall.EVENTS, { chaincode, startBlock, afterTransactionId })
    for await (const item of this.read(channel, request, () => startBlock, signal)) {
      const parts = decodeParts(item)
      const event: ChaincodeEvent = {
        blockNumber: numberField(parts, 'blockNumber') ?? 0,
        transactionId: textField(parts, 'transactionId'),
        chaincodeName: textField(parts, 'chaincodeName'),
        eventName: textField(parts, 'eventName'),
        payload: bytesPart(parts, 0),
      }
      // Where another peer would go on.
      startBlock = event.blockNumber
      afterTransactionId = event.transactionId
      yield event
    }
  }

  async *blocks({ channel, startBlock }: EventsCall, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    let next = startBlock
    const request = () => encodeParts(GatewayCall.BLOCKS, { startBlock: next })
    for await (const item of this.read(channel, request, () => next, signal)) {
      const block = Block.decode(item)
      next = block.number + 1
      yield block
    }
  }

  /** The first answer of a peer, or of the next when one is gone. */
  private async ask(
    channel: string,
    request: Uint8Array,
    signal: AbortSignal | undefined,
    unavailable: (details: readonly ErrorDetail[], cause: unknown, isUnknown: boolean) => HeddleError,
  ): Promise<Parts> {
    this.checkChannel(channel)
    const transport = await this.parts.transport()
    const details: ErrorDetail[] = []
    let cause: unknown
    let isUnknown = false
    for (const { node, mspId } of this.peers(channel)) {
      try {
        const asked = transport.request({ to: node, service: GATEWAY, channel }, request, signal)
        return decodeParts(await this.of(node).of(asked))
      } catch (error) {
        if (signal?.aborted === true || !isOfTransport(error)) throw error
        isUnknown ||= error.duty === 'ask-status'
        details.push({ node, mspId, code: error.code, message: error.message })
        cause = error
      }
    }
    throw unavailable(details, cause, isUnknown)
  }

  /** A stream that goes on at another peer when one is gone. */
  private async *read(
    channel: string,
    request: () => Uint8Array,
    position: () => number | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.checkChannel(channel)
    const transport = await this.parts.transport()
    let cause: unknown
    // Each peer may fail once between two items.
    for (let failures = 0; !signal.aborted; ) {
      const peers = this.peers(channel)
      const peer = peers[failures]
      if (peer === undefined) {
        const data = { channel, nextBlock: position() }
        throw new EventsError('EVENTS_UNAVAILABLE', `no peer of channel ${channel} answers`, data, { cause })
      }
      try {
        for await (const item of transport.stream({ to: peer.node, service: GATEWAY, channel }, request(), signal)) {
          failures = 0
          yield item
        }
        return
      } catch (error) {
        if (signal.aborted) return
        if (!isOfTransport(error)) throw error
        // Without a position what came meanwhile would be lost without a word.
        if (position() === undefined && !BEFORE.has(error.code)) throw error
        cause = error
        failures++
      }
    }
  }

  /** Peers in the order in which to try them: those that were gone just now last. */
  private peers(channel: string): readonly GatewayPeer[] {
    const all = this.parts.peers(channel)
    return [...all.filter(({ node }) => this.of(node).alive), ...all.filter(({ node }) => !this.of(node).alive)]
  }

  private of(node: string): Reachability {
    let known = this.reachability.get(node)
    if (known === undefined) {
      known = new Reachability(this.parts.clock)
      this.reachability.set(node, known)
    }
    return known
  }

  private checkChannel(channel: string): void {
    const { channels } = this
    if (channels.includes(channel)) return
    throw new GatewayError('GATEWAY_UNKNOWN_CHANNEL', `there is no channel '${channel.slice(0, 100)}'`, { channels })
  }
}

/** Codes of a stream that never began. */
const BEFORE: ReadonlySet<string> = new Set(['TRANSPORT_UNREACHABLE', 'TRANSPORT_NO_SERVICE', 'TRANSPORT_BUSY'])

function encodeProposal(
  kind: number,
  { transactionId, chaincode, organizations, proposalBytes, signature }: ProposalCall,
): Uint8Array {
  return encodeParts(kind, { transactionId, chaincode, organizations }, proposalBytes, signature)
}

/** The way there failed, not the peer: another one may be asked. */
function isOfTransport(error: unknown): error is HeddleError {
  return (
    error instanceof HeddleError &&
    (error.code.startsWith('TRANSPORT_') || error.code === 'NODE_STOPPED') &&
    error.code !== 'TRANSPORT_TOO_LARGE'
  )
}
