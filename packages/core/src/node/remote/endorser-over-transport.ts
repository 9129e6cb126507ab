import { EndorserError } from '../../flow/endorse/errors.ts'
import { type ParsedProposal, parseProposal } from '../../flow/endorse/proposal.ts'
import { HeddleError } from '../../model/errors.ts'
import { ProposalResponse } from '../../model/messages/proposal-response.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Transport } from '../../ports/transport.ts'
import type { EndorserEndpoint } from '../directory.ts'
import { NodeError } from '../errors.ts'
import type { PeerNode } from '../peer-node.ts'
import { Reachability } from './reachability.ts'

const ENDORSE = 'endorse'

/** First byte of a request. */
const Ask = { ENDORSE: 0, EVALUATE: 1, REACH: 2 } as const

/** Bytes of the height at the front of an answer. */
const HEIGHT = 8

/**
 * Endorses and evaluates proposals of a channel from elsewhere. Who may propose says the proposal's own signature, as for everybody.
 * Each answer begins with the peer's height: gateways wait for peers that are behind.
 */
export function serveEndorser(transport: Transport, channel: string, node: PeerNode): void {
  transport.onRequest(ENDORSE, channel, async (_from, request) => {
    const endpoint = node.endorserEndpoint(channel)
    const [ask] = request
    if (ask === Ask.REACH) {
      if (request.length !== 1 + HEIGHT) throw badRequest()
      await endpoint.reach(readHeight(request, 1))
      return withHeight(endpoint.height, new Uint8Array(0))
    }
    if (ask !== Ask.ENDORSE && ask !== Ask.EVALUATE) throw badRequest()
    const proposal = parseProposal(request.subarray(1))
    // What was asked for over this channel is decided by this channel's members alone.
    if (proposal.channelId !== channel) throw badRequest()
    const response = await endpoint.endorse(proposal, ask === Ask.EVALUATE)
    return withHeight(endpoint.height, ProposalResponse.encode(response))
  })
}

export function withdrawEndorser(transport: Transport, channel: string): void {
  transport.withdraw(ENDORSE, channel)
}

/** A peer in another process. */
export interface RemoteEndorserParts {
  readonly node: string
  readonly mspId: string
  readonly identity: Uint8Array
  readonly channel: string
  /** The transport of whoever asks, as long as it runs. */
  readonly via: () => Transport
  readonly clock: Clock
}

/** Where endorsements come from when the peer is elsewhere. */
export class RemoteEndorser implements EndorserEndpoint {
  readonly node: string
  readonly mspId: string
  readonly identity: Uint8Array
  private readonly parts: RemoteEndorserParts
  private readonly reachability: Reachability
  private known: number | undefined

  constructor(parts: RemoteEndorserParts) {
    this.parts = parts
    this.node = parts.node
    this.mspId = parts.mspId
    this.identity = parts.identity
    this.reachability = new Reachability(parts.clock)
  }

  get alive(): boolean {
    return this.reachability.alive
  }

  /** As its last answer said. */
  get height(): number | undefined {
    return this.known
  }

  async endorse(proposal: ParsedProposal, evaluate: boolean): Promise<ProposalResponse> {
    const { bytes } = proposal
    const request = Buffer.allocUnsafe(1 + bytes.length)
    request[0] = evaluate ? Ask.EVALUATE : Ask.ENDORSE
    request.set(bytes, 1)
    return ProposalResponse.decode(await this.ask(request))
  }

  async reach(height: number): Promise<void> {
    const request = Buffer.allocUnsafe(1 + HEIGHT)
    request[0] = Ask.REACH
    request.writeBigUInt64BE(BigInt(height), 1)
    // A peer that is gone never reaches it: whoever waits goes on without.
    await this.ask(request).catch(() => {})
  }

  private async ask(request: Uint8Array): Promise<Uint8Array> {
    const { node, channel, via } = this.parts
    let answer: Uint8Array
    try {
      answer = await this.reachability.of(via().request({ to: node, service: ENDORSE, channel }, request))
    } catch (cause) {
      if (!(cause instanceof HeddleError) || !LOST.has(cause.code)) throw cause
      // An endorsement changes nothing: whatever became of the request, another peer may be asked.
      throw new NodeError('NODE_STOPPED', `peer ${node} does not answer: ${cause.message}`, { node, code: cause.code }, { cause })
    }
    if (answer.length < HEIGHT)
      throw new NodeError('NODE_STOPPED', `${node} gave no answer that can be read`, { node, bytes: answer.length })
    this.known = Math.max(this.known ?? 0, readHeight(answer, 0))
    return answer.subarray(HEIGHT)
  }
}

/** The way to the peer failed, not the peer. */
const LOST: ReadonlySet<string> = new Set([
  'TRANSPORT_CLOSED',
  'TRANSPORT_REFUSED',
  'TRANSPORT_PEER_REFUSED',
  'TRANSPORT_PROTOCOL',
  'TRANSPORT_HANDLER_FAILED',
])

function withHeight(height: number | undefined, body: Uint8Array): Uint8Array {
  const answer = Buffer.allocUnsafe(HEIGHT + body.length)
  answer.writeBigUInt64BE(BigInt(height ?? 0))
  answer.set(body, HEIGHT)
  return answer
}

function readHeight(bytes: Uint8Array, at: number): number {
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigUInt64BE(at))
}

function badRequest(): EndorserError {
  return new EndorserError('ENDORSER_BAD_PROPOSAL', 'the request is none that a peer answers', {})
}
