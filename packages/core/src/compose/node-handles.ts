import { join } from 'node:path'
import { ledgerFolder } from '../adapters/disk/ledger-folder.ts'
import type { ClientIdentity } from '../client/options.ts'
import { suggestion } from '../config/nearest.ts'
import type { OrderingStatus } from '../flow/order/ordering-host.ts'
import type { Block } from '../model/block.ts'
import { NodeError } from '../node/errors.ts'
import type { PeerChannel, PeerChannelStatus } from '../node/peer-channel.ts'
import { OrdererServices } from '../node/services/orderer-services.ts'
import { PeerServices } from '../node/services/peer-services.ts'
import type { NetworkCore } from './network-core.ts'
import type { RunningOrderer } from './running-orderer.ts'
import type { RunningPeer } from './running-peer.ts'

/** State of a node, for operators. */
export interface NodeStatus<C> {
  readonly name: string
  readonly mspId: string
  readonly running: boolean
  readonly channels: readonly C[]
}

export interface PeerStatus
  extends NodeStatus<PeerChannelStatus & { readonly dissemination: Readonly<Record<string, unknown>> }> {
  readonly organization: string
}

/** State of an ordering node at one moment. */
export type OrdererStatus = NodeStatus<OrderingStatus>

/** A peer of a network: its ledgers, and a switch. */
export class Peer {
  readonly name: string
  readonly organization: string
  readonly mspId: string
  private readonly core: NetworkCore
  private readonly peer: RunningPeer

  /** @internal */
  constructor(core: NetworkCore, peer: RunningPeer) {
    this.core = core
    this.peer = peer
    this.name = peer.name
    this.organization = peer.organization
    this.mspId = peer.mspId
  }

  get running(): boolean {
    return this.peer.node !== undefined
  }

  /** Starts a peer that was stopped: it goes on where its ledger ends. */
  start(): Promise<void> {
    return this.peer.start()
  }

  stop(): Promise<void> {
    return this.peer.stop()
  }

  /** Committed blocks of a channel. */
  height(channel: string): number {
    return this.channelOf(channel).committed
  }

  /** Hash over all validation flags and updates, hex: equal on all peers of a channel at one height. Empty after the genesis block. */
  commitHash(channel: string): string {
    return Buffer.from(this.channelOf(channel).world.commitHash).toString('hex')
  }

  /** Hash of the chaincodes' data without versions, hex: compares networks. Reads the whole state. */
  contentHash(channel: string): Promise<string> {
    return this.channelOf(channel).world.contentHash()
  }

  /** A committed block with its flags; undefined above the height. */
  block(channel: string, number: number): Promise<Block | undefined> {
    return this.channelOf(channel).blocksStore.get(number)
  }

  /** Committed blocks, then new ones as they come, until the signal aborts. Without a signal: those that exist now. */
  blocks(channel: string, from = 0, signal?: AbortSignal): AsyncIterable<Block> {
    const found = this.channelOf(channel)
    return signal === undefined ? found.blocksStore.read(from) : found.blocks(from, signal)
  }

  /** Resolves when this many blocks of a channel are committed. */
  reach(channel: string, height: number): Promise<void> {
    return this.channelOf(channel).reach(height)
  }

  /** Where the ledger of a channel lies; undefined in memory. */
  ledgerPath(channel: string): string | undefined {
    const { folder } = this.core.disks
    return folder === undefined ? undefined : join(folder, 'nodes', this.name, ledgerFolder(channel))
  }

  /** The peer's own identity. */
  get identity(): ClientIdentity {
    return this.core.clientIdentity(this.peer.member)
  }

  /** What the peer offers to clients outside this process; `@heddle/fabric` puts it on the wire. */
  get services(): PeerServices {
    const { core, peer, name, mspId } = this
    return new PeerServices({
      name,
      mspId,
      gateway: core.gatewayOf(peer),
      node: () => peer.node,
      provider: core.provider,
    })
  }

  status(): PeerStatus {
    const { name, mspId, organization, running } = this
    const { node } = this.peer
    const channels = (node?.channelNames ?? []).map((channel) => ({
      ...node!.channel(channel)!.status(),
      dissemination: node!.disseminationStatus(channel),
    }))
    return { name, mspId, organization, running, channels }
  }

  private channelOf(name: string): PeerChannel {
    const { node } = this.peer
    if (node === undefined) throw new NodeError('NODE_STOPPED', `peer ${this.name} is not running`, { node: this.name })
    const found = node.channel(name)
    if (found !== undefined) return found
    const message = `peer ${this.name} has not joined channel '${name}'${suggestion(name, node.channelNames)}`
    throw new NodeError('NODE_UNKNOWN_CHANNEL', message, { node: this.name, channel: name })
  }
}

/** An ordering node of a network: its state, and a switch. */
export class Orderer {
  readonly name: string
  readonly mspId: string
  private readonly orderer: RunningOrderer

  /** @internal */
  constructor(orderer: RunningOrderer) {
    this.orderer = orderer
    this.name = orderer.name
    this.mspId = orderer.mspId
  }

  get running(): boolean {
    return this.orderer.node !== undefined
  }

  start(): Promise<void> {
    return this.orderer.start()
  }

  stop(): Promise<void> {
    return this.orderer.stop()
  }

  /**
   * Ends the node without warning, as a kill of its process would: it tells nobody, hands nothing over and writes nothing more. What it was
   * sent and did not answer has an unknown outcome. `start` brings it back.
   */
  kill(): Promise<void> {
    return this.orderer.kill()
  }

  /** Durable blocks of a channel; undefined while stopped. */
  height(channel: string): number | undefined {
    return this.orderer.host(channel)?.height
  }

  /** What the orderer offers to clients outside this process; `@heddle/fabric` puts it on the wire. */
  get services(): OrdererServices {
    return new OrdererServices(this.name, this.mspId, () => this.orderer.node)
  }

  status(): OrdererStatus {
    const { name, mspId, running } = this
    const { node } = this.orderer
    return { name, mspId, running, channels: (node?.channelNames ?? []).map((channel) => node!.channel(channel)!.status()) }
  }
}
