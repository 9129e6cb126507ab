import type { ParsedProposal } from '../flow/endorse/proposal.ts'
import type { EnvelopeView } from '../model/envelope-view.ts'
import type { ProposalResponse } from '../model/messages/proposal-response.ts'
import type { Ordered } from '../ports/ordering-service.ts'

/** A peer that endorses on a channel: in process a function call, elsewhere a request. */
export interface EndorserEndpoint {
  readonly node: string
  readonly mspId: string
  /** SerializedIdentity of the peer: what its endorsements will carry. */
  readonly identity: Uint8Array
  /** Whether it can be asked now, as far as is known here. */
  readonly alive: boolean
  endorse(proposal: ParsedProposal, evaluate: boolean): Promise<ProposalResponse>
  /** Committed blocks of the channel, where it is known. */
  readonly height: number | undefined
  /** Resolves when the peer has committed this many blocks, or will not. */
  reach(height: number): Promise<void>
}

/** An orderer that takes envelopes of a channel. */
export interface BroadcastEndpoint {
  readonly node: string
  readonly mspId: string
  readonly alive: boolean
  /** Rejects with an error whose duty says whether to retry (`retry`, `ask-status`) or not (`fix-input`). */
  broadcast(envelope: EnvelopeView, signal?: AbortSignal): Promise<Ordered>
}

/** Who serves a channel, as a gateway knows it. Asked at each call: nodes come and go. */
export interface ChannelDirectory {
  endorsers(channel: string): readonly EndorserEndpoint[]
  orderers(channel: string): readonly BroadcastEndpoint[]
}
