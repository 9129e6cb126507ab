import type { Endorser } from '../flow/endorse/endorser.ts'
import type { EndorserChannel } from '../flow/endorse/endorser-channel.ts'
import type { ProposalResponse } from '../model/messages/proposal-response.ts'
import type { Dissemination } from '../ports/dissemination.ts'
import type { EndorserEndpoint } from './directory.ts'
import { NodeError } from './errors.ts'
import type { PeerChannel } from './peer-channel.ts'

/** The channels of a peer, as its endorser finds them. */
export interface EndorserChannels {
  get(name: string): EndorserChannel | undefined
  all(): readonly EndorserChannel[]
}

/** A peer: endorses, and keeps the ledgers of its channels. */
export class PeerNode {
  readonly name: string
  readonly mspId: string
  /** SerializedIdentity. */
  readonly identity: Uint8Array
  private readonly endorser: Endorser
  private readonly dissemination: Dissemination
  private readonly joined = new Map<string, PeerChannel>()
  private readonly views = new Map<string, EndorserChannel>()
  private readonly endpoints = new Map<string, EndorserEndpoint>()
  private running = false

  constructor(parts: {
    name: string
    mspId: string
    identity: Uint8Array
    endorser: (channels: EndorserChannels) => Endorser
    dissemination: Dissemination
  }) {
    this.name = parts.name
    this.mspId = parts.mspId
    this.identity = parts.identity
    this.endorser = parts.endorser({ get: (name) => this.views.get(name), all: () => [...this.views.values()] })
    this.dissemination = parts.dissemination
  }

  get alive(): boolean {
    return this.running
  }

  async start(): Promise<void> {
    await this.dissemination.start()
    this.running = true
  }

  /** Serves a channel and begins to take its blocks. Who opened the channel's stores closes them, after `stop`. */
  async join(channel: PeerChannel): Promise<void> {
    this.joined.set(channel.channel, channel)
    this.views.set(channel.channel, channel.forEndorser())
    await this.dissemination.join(channel)
  }

  async stop(): Promise<void> {
    this.running = false
    await this.dissemination.stop()
    await this.endorser.stop()
    await Promise.all([...this.joined.values()].map((channel) => channel.stop()))
    this.joined.clear()
    this.views.clear()
  }

  channel(name: string): PeerChannel | undefined {
    return this.joined.get(name)
  }

  get channelNames(): readonly string[] {
    return [...this.joined.keys()]
  }

  /** How blocks reach a channel here, as the dissemination plugin tells it. */
  disseminationStatus(channel: string): Readonly<Record<string, unknown>> {
    return this.dissemination.status(channel)
  }

  /** Simulates and endorses a serialized protos.SignedProposal of a client. Throws EndorserError. */
  endorse(signedProposal: Uint8Array): Promise<ProposalResponse> {
    if (!this.running)
      return Promise.reject(new NodeError('NODE_STOPPED', `peer ${this.name} is not running`, { node: this.name }))
    return this.endorser.processProposal(signedProposal)
  }

  /** Where gateways of this process get endorsements for a channel. */
  endorserEndpoint(channel: string): EndorserEndpoint {
    let endpoint = this.endpoints.get(channel)
    if (endpoint === undefined) {
      endpoint = this.newEndpoint(channel)
      this.endpoints.set(channel, endpoint)
    }
    return endpoint
  }

  private newEndpoint(channel: string): EndorserEndpoint {
    const peer = this
    return {
      node: peer.name,
      mspId: peer.mspId,
      identity: peer.identity,
      get alive() {
        return peer.running && peer.joined.get(channel)?.running === true
      },
      get height() {
        return peer.joined.get(channel)?.committed
      },
      endorse: (proposal, evaluate) => {
        if (!peer.running)
          return Promise.reject(new NodeError('NODE_STOPPED', `peer ${peer.name} is not running`, { node: peer.name }))
        return peer.endorser.processProposal(proposal, { evaluate })
      },
      reach: async (height) => peer.joined.get(channel)?.reach(height),
    }
  }
}
