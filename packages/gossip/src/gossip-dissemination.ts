import type { Dissemination, Environment, PeerChannelHost } from '@heddle/core/plugin'
import { GossipNode } from './gossip-node.ts'
import type { GossipNetwork } from './network.ts'
import type { Resolved } from './options.ts'

export interface GossipDisseminationParts {
  readonly node: string
  readonly environment: Environment
  readonly options: Resolved
  readonly network: (seed: Uint8Array) => Promise<GossipNetwork>
}

/** Brings blocks to one peer by gossip. The peer's libp2p node starts with its first channel: before, nobody could know it as a member. */
export class GossipDissemination implements Dissemination {
  private readonly parts: GossipDisseminationParts
  private node: Promise<GossipNode> | undefined

  constructor(parts: GossipDisseminationParts) {
    this.parts = parts
  }

  async start(): Promise<void> {}

  async join(channel: PeerChannelHost): Promise<void> {
    await this.leave(channel.channel)
    this.node ??= this.startNode(channel)
    const node = await this.node
    this.running = node
    await node.join(channel)
  }

  async leave(channel: string): Promise<void> {
    await (await this.node)?.leave(channel)
  }

  async stop(): Promise<void> {
    const { node } = this
    this.node = undefined
    this.running = undefined
    await (await node?.catch(() => undefined))?.stop()
  }

  status(channel: string): Readonly<Record<string, unknown>> {
    return this.running?.channels.get(channel)?.status() ?? {}
  }

  /** Once it has started. */
  private running: GossipNode | undefined

  private startNode(channel: PeerChannelHost): Promise<GossipNode> {
    const starting = GossipNode.start(this.parts, channel)
    // A start that failed is tried again with the next channel.
    starting.catch(() => {
      if (this.node === starting) this.node = undefined
    })
    return starting
  }
}
