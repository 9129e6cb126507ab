import type { InProcessHub } from '../adapters/environment/in-process-transport.ts'
import type { GatewayConnection } from '../client/connection.ts'
import type { NetworkConfig } from '../config/definition.ts'
import type { Block } from '../model/block.ts'
import type { BroadcastEndpoint, EndorserEndpoint } from '../node/directory.ts'
import type { PeerChannel } from '../node/peer-channel.ts'
import type { DeliverEndpoint, NodeDirectory } from '../ports/dissemination.ts'
import type { LocalNodes, PluginContext } from '../ports/plugin.ts'
import { Tokens } from '../ports/tokens.ts'
import type { Transport } from '../ports/transport.ts'
import type { Member, OrganizationIdentities } from './identities.ts'
import type { Level } from './level.ts'
import type { LoadedPlugin } from './load-plugin.ts'
import type { NodeDisks } from './node-disks.ts'
import type { NodeScope, Overrides } from './overrides.ts'
import type { RemoteNodes } from './remote-nodes.ts'
import type { TcpWire } from './tcp-wire.ts'

/** The plugins of a network, checked and not yet created. */
export interface NetworkPlugins {
  readonly ordering: LoadedPlugin<'ordering'>
  readonly stateDb: LoadedPlugin<'stateDb'>
  readonly identity: LoadedPlugin<'identity'>
  readonly chaincodeRuntime: LoadedPlugin<'chaincodeRuntime'>
  readonly dissemination: LoadedPlugin<'dissemination'>
  readonly blockStore: LoadedPlugin<'blockStore'>
}

/** A channel that nodes may join. */
export interface ChannelRecord {
  readonly name: string
  readonly genesis: Block
  /** Names of nodes. */
  readonly peers: Set<string>
  readonly orderers: Set<string>
}

/** A peer as a gateway sees it. */
export interface GatewayHost {
  readonly mspId: string
  channel(name: string): PeerChannel | undefined
}

/** What the nodes of a network share while they are put together. */
export interface NetworkContext {
  readonly config: NetworkConfig
  readonly level: Level
  readonly plugins: NetworkPlugins
  readonly overrides: Overrides
  readonly disks: NodeDisks
  readonly hub: InProcessHub
  /** Connects nodes over TCP where the configuration gives them addresses; undefined: the hub does. */
  readonly wire: TcpWire | undefined
  /** Nodes of other processes, over the transport of one here. */
  readonly remote: (via: () => Transport) => RemoteNodes | undefined
  /** What a peer offers to clients elsewhere. */
  readonly gatewayOf: (peer: GatewayHost) => GatewayConnection
  readonly local: LocalNodes
  readonly organizations: Map<string, OrganizationIdentities>
  readonly channels: Map<string, ChannelRecord>
  /** Nodes of this process, asked at each call. */
  readonly directory: {
    endorsers(channel: string): readonly EndorserEndpoint[]
    broadcasters(channel: string): readonly BroadcastEndpoint[]
    deliverers(channel: string): readonly DeliverEndpoint[]
  }
  /** Where the dissemination of each node of this process listens. */
  readonly listeners: NodeDirectory
}

/** Parts that every node has; at the level of the node. */
export async function provideNodeParts(
  context: NetworkContext,
  level: Level,
  node: NodeScope,
  member: Member,
): Promise<PluginContext> {
  await context.overrides.node?.(level.container, node)
  const logger = level.get(Tokens.Logger).child({ node: node.name })
  const metrics = level.get(Tokens.Metrics)
  await level.provide(Tokens.NodeName, () => node.name)
  const disk = await level.provide(Tokens.Disk, () => context.disks.open(node.name))
  // One process a folder: two that write the same ledger would ruin it.
  const lock = await disk.lock('')
  level.own('lock', () => lock.release())
  const clock = level.get(Tokens.Clock)
  const random = level.get(Tokens.Random).fork(`node ${node.name}`)
  const { wire } = context
  const transport = await level.provide(
    Tokens.Transport,
    () =>
      wire === undefined
        ? context.hub.connect({ name: node.name, identity: member.identity }, metrics)
        : wire.node(member, { clock, random, metrics, logger: logger.child({ subsystem: 'transport' }) }),
    (part) => part.stop(),
  )
  const environment = await level.provide(Tokens.Environment, () => ({
    clock,
    random,
    disk,
    transport,
    logger,
    metrics,
  }))
  await transport.start()
  const { base } = context.config
  return {
    node: node.name,
    mspId: node.mspId,
    identity: member.identity,
    environment,
    signatures: level.get(Tokens.SignaturePool),
    local: context.local,
    ...(base === undefined ? {} : { base }),
  }
}
