import type { ChannelConfig } from '../channel/config/channel-config.ts'
import type { OrderingHost } from '../flow/order/ordering-host.ts'
import type { OrdererNode } from '../node/orderer-node.ts'
import { serveBroadcast, withdrawBroadcast } from '../node/remote/orderer-over-transport.ts'
import { Tokens } from '../ports/tokens.ts'
import type { Transport } from '../ports/transport.ts'
import { type Member, privateKeyOf } from './identities.ts'
import type { Level } from './level.ts'
import { type NetworkContext, provideNodeParts } from './network-context.ts'
import { openChain } from './open-chain.ts'
import { OrdererAssembly, OrdererChannelAssembly } from './orderer-assembly.ts'
import type { NodeScope } from './overrides.ts'

/** An ordering node of this process that can be started and stopped again and again. */
export class RunningOrderer {
  readonly name: string
  readonly mspId: string
  readonly member: Member
  private readonly context: NetworkContext
  private readonly scope: NodeScope
  /** Levels of its channels; they end after the node and before its other parts. */
  private stores: Level[] = []
  private level: Level | undefined
  private current: OrdererNode | undefined

  constructor(context: NetworkContext, name: string, member: Member) {
    this.context = context
    this.name = name
    this.member = member
    this.mspId = member.mspId
    this.scope = { name, role: 'orderer', mspId: member.mspId }
  }

  /** Undefined while it is stopped. */
  get node(): OrdererNode | undefined {
    return this.current
  }

  /** The node's own; undefined while it is stopped. */
  get transport(): Transport | undefined {
    return this.current === undefined ? undefined : this.level?.get(Tokens.Transport)
  }

  host(channel: string): OrderingHost | undefined {
    return this.current?.channel(channel)
  }

  async start(): Promise<void> {
    if (this.level !== undefined) return
    const { context, scope, member } = this
    const level = context.level.child()
    this.level = level
    try {
      const pluginContext = await provideNodeParts(context, level, scope, member)
      const { plugins } = context
      const provider = await level.provide(
        Tokens.IdentityProvider,
        () => plugins.identity.create(pluginContext),
        (part) => part.close(),
      )
      await level.provide(Tokens.Signer, () => provider.signer(member.identity, privateKeyOf(member)))
      await level.provide(
        Tokens.BlockStoreProvider,
        () => plugins.blockStore.create(pluginContext),
        (part) => part.close(),
      )
      await level.provide(Tokens.Consenter, () => plugins.ordering.create(pluginContext))
      const node = level.container.resolve(OrdererAssembly).build()
      level.own('orderer', () => node.stop())
      await node.start()
      this.current = node
      for (const channel of context.channels.values()) if (channel.orderers.has(this.name)) await this.join(channel.name)
    } catch (error) {
      await this.stop().catch(() => {})
      throw error
    }
  }

  /** Takes part in ordering a channel, from its genesis block or from where the node's own blocks end. */
  async join(channel: string): Promise<void> {
    const { context, level, current } = this
    const record = context.channels.get(channel)
    if (level === undefined || current === undefined || record === undefined) return
    const own = level.child()
    this.stores.push(own)
    await context.overrides.channel?.(own.container, { channel, node: this.scope })
    await own.provide(Tokens.ChannelName, () => channel)
    const store = await own.provide(
      Tokens.BlockStore,
      () => level.get(Tokens.BlockStoreProvider).open(channel),
      (part) => part.close(),
    )
    await openChain(store, record.genesis, this.name, channel)
    const { name } = this
    const configured = ({ membership }: ChannelConfig): void => context.wire?.configured(name, channel, membership)
    const host = await own.container.resolve(OrdererChannelAssembly).open(
      () => [...record.orderers],
      (member) => this.identityOf(member),
      configured,
    )
    // Members first: nobody asks for anything of the channel before it is known who may.
    configured(host.config)
    await current.join(host)
    const transport = level.get(Tokens.Transport)
    serveBroadcast(transport, host)
    own.own('broadcast', () => withdrawBroadcast(transport, channel))
  }

  /** Ends the node without warning: nobody hears of it from the node itself, and nothing more reaches its disk. */
  async kill(): Promise<void> {
    const { level, context } = this
    if (level === undefined) return
    context.disks.sever(this.name)
    await level.get(Tokens.Transport).stop()
    // What is left is only taken out of the way: parts of it fail, since the disk is gone.
    await this.stop().catch(() => {})
  }

  async stop(): Promise<void> {
    const { level } = this
    this.level = undefined
    this.current = undefined
    if (level === undefined) return
    const stores = this.stores.splice(0)
    // In this order, and whatever fails: a part that is left open would keep the node from starting again.
    const outcomes = await Promise.allSettled([level.stopFirst('orderer')])
    outcomes.push(...(await Promise.allSettled(stores.map((each) => each.stop()))))
    await level.stop()
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  private identityOf(node: string): Uint8Array | undefined {
    for (const organization of this.context.organizations.values()) {
      const found = organization.find(node)
      if (found !== undefined) return found.identity
    }
    return undefined
  }
}
