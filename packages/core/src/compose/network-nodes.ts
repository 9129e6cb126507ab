import type { BroadcastEndpoint, EndorserEndpoint } from '../node/directory.ts'
import type { GatewayPeers } from '../node/gateway/local-gateway.ts'
import type { PeerChannel } from '../node/peer-channel.ts'
import type { DeliverEndpoint } from '../ports/dissemination.ts'
import type { RunningOrderer } from './running-orderer.ts'
import type { RunningPeer } from './running-peer.ts'

/** The nodes of this process by name: who is alive is looked up at each call. */
export class NetworkNodes {
  readonly peers = new Map<string, RunningPeer>()
  readonly orderers = new Map<string, RunningOrderer>()
  /** By organisation and channel. */
  private readonly known = new Map<string, readonly PeerChannel[]>()

  endorsers(channel: string): readonly EndorserEndpoint[] {
    const found: EndorserEndpoint[] = []
    for (const { node } of this.peers.values())
      if (node?.channel(channel) !== undefined) found.push(node.endorserEndpoint(channel))
    return found
  }

  broadcasters(channel: string): readonly BroadcastEndpoint[] {
    const found: BroadcastEndpoint[] = []
    for (const { node } of this.orderers.values())
      if (node?.channel(channel) !== undefined) found.push(node.broadcastEndpoint(channel))
    return found
  }

  deliverers(channel: string): readonly DeliverEndpoint[] {
    const found: DeliverEndpoint[] = []
    for (const { node } of this.orderers.values())
      if (node?.channel(channel) !== undefined) found.push(node.deliverEndpoint(channel))
    return found
  }

  /** Resolves when the peers here have committed what the orderers here hold. */
  async caughtUp(channel: string): Promise<void> {
    const height = Math.max(0, ...[...this.orderers.values()].map((orderer) => orderer.host(channel)?.height ?? 0))
    await Promise.all(this.channelPeers(channel).map((peer) => peer.reach(height)))
  }

  /** Running channels of running peers; those of an organisation first. */
  channelPeers(channel: string, mspId?: string): readonly PeerChannel[] {
    // Asked several times for each transaction: what was found last time nearly always still holds.
    const name = `${mspId ?? ''} ${channel}`
    const known = this.known.get(name)
    if (known !== undefined && this.holds(known, channel)) return known
    const own: PeerChannel[] = []
    const others: PeerChannel[] = []
    for (const { node } of this.peers.values()) {
      const found = node?.alive === true ? node.channel(channel) : undefined
      if (found?.running === true) (found.mspId === mspId ? own : others).push(found)
    }
    const found = own.length === 0 ? others : [...own, ...others]
    this.known.set(name, found)
    return found
  }

  /** Whether these, and no others, are the running channels of running peers. */
  private holds(known: readonly PeerChannel[], channel: string): boolean {
    let running = 0
    for (const { node } of this.peers.values()) {
      const found = node?.alive === true ? node.channel(channel) : undefined
      if (found?.running !== true) continue
      if (!known.includes(found)) return false
      running++
    }
    return running === known.length
  }

  /** What a gateway for clients of an organisation sees. */
  gatewayPeers(mspId: string, channels: () => readonly string[]): GatewayPeers {
    return {
      get channels() {
        return channels()
      },
      peers: (channel) => this.channelPeers(channel, mspId),
    }
  }
}
