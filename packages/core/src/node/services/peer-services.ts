import type { GatewayConnection } from '../../client/connection.ts'
import { checkAccess } from '../../flow/endorse/access-control.ts'
import { EndorserError } from '../../flow/endorse/errors.ts'
import { DeliverService } from '../../flow/order/deliver-service.ts'
import type { Block } from '../../model/block.ts'
import type { ProposalResponse } from '../../model/messages/proposal-response.ts'
import type { IdentityProvider, SignedData } from '../../ports/identity.ts'
import { NodeError } from '../errors.ts'
import type { PeerChannel } from '../peer-channel.ts'
import type { PeerNode } from '../peer-node.ts'

/** Resources of a channel that a wire service gives to those who may read. */
export type ReadResource = 'event/Block' | 'event/FilteredBlock' | 'gateway/CommitStatus' | 'gateway/ChaincodeEvents'

/** What a peer offers to clients outside this process, without any wire: requests are bytes, and whoever asks proves who it is. */
export class PeerServices {
  readonly name: string
  readonly mspId: string
  /** The five calls of Fabric's gateway, through this peer first. */
  readonly gateway: GatewayConnection
  private readonly node: () => PeerNode | undefined
  private readonly provider: IdentityProvider

  /** @internal */
  constructor(parts: {
    name: string
    mspId: string
    gateway: GatewayConnection
    /** Undefined while the peer is stopped. */
    node: () => PeerNode | undefined
    provider: IdentityProvider
  }) {
    this.name = parts.name
    this.mspId = parts.mspId
    this.gateway = parts.gateway
    this.node = parts.node
    this.provider = parts.provider
  }

  /** Channels that the peer has joined. */
  get channels(): readonly string[] {
    return this.node()?.channelNames ?? []
  }

  /**
   * Simulates and endorses a serialized protos.SignedProposal.
   * @throws EndorserError before any chaincode runs, NodeError NODE_STOPPED
   */
  async endorse(signedProposal: Uint8Array): Promise<ProposalResponse> {
    return this.running().endorse(signedProposal)
  }

  /**
   * Whether who signed may use a resource of a channel: a valid member whose signature is genuine and whom the access rules admit.
   *
   * @throws NodeError NODE_UNKNOWN_CHANNEL, EndorserError, IdentityError
   */
  async authorize(resource: ReadResource, channel: string, { identity, data, signature }: SignedData): Promise<void> {
    const { config, environment } = this.channelOf(channel)
    const reader = config.membership.identity(identity)
    if (reader.expiresAt <= environment.clock.now())
      throw new EndorserError('ENDORSER_IDENTITY_EXPIRED', `the certificate of ${reader.mspId} has expired`, {
        mspId: reader.mspId,
        expiredAt: reader.expiresAt,
      })
    const [genuine] = await this.provider.verifyAll([{ key: reader.publicKey, data, signature }])
    if (genuine !== true)
      throw new EndorserError('ENDORSER_BAD_SIGNATURE', `the signature over the request is not that of ${reader.mspId}`, {
        mspId: reader.mspId,
      })
    checkAccess(resource, config, reader)
  }

  /**
   * Committed blocks as a signed DELIVER_SEEK_INFO envelope asks, for as long as who signed may read them.
   *
   * @throws OrderError (at the first read) ORDER_FORBIDDEN, ORDER_BLOCK_NOT_FOUND, ...; NodeError NODE_UNKNOWN_CHANNEL
   */
  deliver(
    resource: 'event/Block' | 'event/FilteredBlock',
    channel: string,
    envelope: Uint8Array,
    signal: AbortSignal,
  ): AsyncGenerator<Block, void, undefined> {
    const found = this.channelOf(channel)
    const service = new DeliverService({
      channel,
      chain: found.chain,
      provider: this.provider,
      clock: found.environment.clock,
      admit: (config, identity) => checkAccess(resource, config, identity),
    })
    return service.forClient(envelope, signal)
  }

  private running(): PeerNode {
    const node = this.node()
    if (node === undefined) throw new NodeError('NODE_STOPPED', `peer ${this.name} is not running`, { node: this.name })
    return node
  }

  private channelOf(name: string): PeerChannel {
    const found = this.running().channel(name)
    if (found !== undefined) return found
    throw new NodeError('NODE_UNKNOWN_CHANNEL', `peer ${this.name} has not joined channel '${name.slice(0, 100)}'`, {
      node: this.name,
      channel: name.slice(0, 100),
    })
  }
}
