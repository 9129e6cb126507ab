import { openHistory } from '../adapters/history/open-history.ts'
import { DiskPrivateStore } from '../adapters/private-store/disk-private-store.ts'
import { DEFAULTS } from '../config/defaults.ts'
import type { ChaincodeConfig } from '../config/definition.ts'
import { OwnSignatures } from '../flow/validate/own-signatures.ts'
import type { PeerChannel } from '../node/peer-channel.ts'
import type { PeerNode } from '../node/peer-node.ts'
import { serveEndorser, withdrawEndorser } from '../node/remote/endorser-over-transport.ts'
import { serveGateway, withdrawGateway } from '../node/remote/gateway-over-transport.ts'
import type { ChaincodeRuntime, ChaincodeSource } from '../ports/chaincode.ts'
import type { PluginContext } from '../ports/plugin.ts'
import { Tokens } from '../ports/tokens.ts'
import type { Transport } from '../ports/transport.ts'
import { ChaincodeRegistry } from './chaincode-registry.ts'
import { type Member, privateKeyOf } from './identities.ts'
import type { Level } from './level.ts'
import { loadPlugin, resolveModule } from './load-plugin.ts'
import { type NetworkContext, provideNodeParts } from './network-context.ts'
import type { NodeScope } from './overrides.ts'
import { PeerAssembly, PeerChannelAssembly } from './peer-assembly.ts'
import { withTimeLimit } from './time-limit.ts'

/** A peer of this process that can be started and stopped again and again. */
export class RunningPeer {
  readonly name: string
  readonly organization: string
  readonly mspId: string
  readonly member: Member
  private readonly context: NetworkContext
  private readonly scope: NodeScope
  /** Chaincodes that it runs, kept over restarts. */
  readonly chaincodes: ChaincodeConfig[] = []
  private stores: Level[] = []
  private level: Level | undefined
  private current: PeerNode | undefined
  private registry = new ChaincodeRegistry()
  private own = new OwnSignatures()
  private pluginContext: PluginContext | undefined

  constructor(context: NetworkContext, name: string, organization: string, member: Member) {
    this.context = context
    this.name = name
    this.organization = organization
    this.member = member
    this.mspId = member.mspId
    this.scope = { name, role: 'peer', mspId: member.mspId }
  }

  /** Undefined while it is stopped. */
  get node(): PeerNode | undefined {
    return this.current
  }

  /** The node's own; undefined while it is stopped. */
  get transport(): Transport | undefined {
    return this.current === undefined ? undefined : this.level?.get(Tokens.Transport)
  }

  channel(name: string): PeerChannel | undefined {
    return this.current?.channel(name)
  }

  async start(): Promise<void> {
    if (this.level !== undefined) return
    const { context, scope, member } = this
    const level = context.level.child()
    this.level = level
    try {
      const pluginContext = await provideNodeParts(context, level, scope, member)
      this.pluginContext = pluginContext
      const { plugins, config } = context
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
      await level.provide(
        Tokens.StateDBProvider,
        () => plugins.stateDb.create(pluginContext),
        (part) => part.close(),
      )
      const runtime = await level.provide(
        Tokens.ChaincodeRuntime,
        () => plugins.chaincodeRuntime.create(pluginContext),
        (part) => part.stop(),
      )
      await runtime.start()
      this.registry = new ChaincodeRegistry()
      this.own = new OwnSignatures()
      const { registry, own } = this
      level.own('chaincodes', () => registry.close())
      for (const chaincode of this.chaincodes) await this.load(chaincode)
      await level.provide(Tokens.Dissemination, () => plugins.dissemination.create(pluginContext))
      const privateStore = await DiskPrivateStore.open(level.get(Tokens.Disk), 'private/values')
      level.own('private values', () => privateStore.close())
      const timeLimit = Math.max(DEFAULTS['chaincodes.timeout'].value, ...config.chaincodes.map(({ timeout }) => timeout))
      const maxConcurrent = config.limits.concurrentEndorsements
      const node = level.container
        .resolve(PeerAssembly)
        .build({ own, packages: registry.packages, privateStore, timeLimit, maxConcurrent })
      level.own('peer', () => node.stop())
      await node.start()
      this.current = node
      for (const channel of context.channels.values()) if (channel.peers.has(this.name)) await this.join(channel.name)
    } catch (error) {
      await this.stop().catch(() => {})
      throw error
    }
  }

  /** Keeps the ledger of a channel, from its genesis block or from where the node's own blocks end. */
  async join(channel: string): Promise<void> {
    const { context, level, current, registry, own } = this
    const record = context.channels.get(channel)
    if (level === undefined || current === undefined || record === undefined || current.channel(channel) !== undefined) return
    const parts = level.child()
    this.stores.push(parts)
    await context.overrides.channel?.(parts.container, { channel, node: this.scope })
    await parts.provide(Tokens.ChannelName, () => channel)
    await parts.provide(
      Tokens.BlockStore,
      () => level.get(Tokens.BlockStoreProvider).open(channel),
      (part) => part.close(),
    )
    await parts.provide(
      Tokens.StateDB,
      () => level.get(Tokens.StateDBProvider).open(channel),
      (part) => part.close(),
    )
    const history = await openHistory(level.get(Tokens.Disk), channel)
    parts.own('history', () => history.close())
    const transport = level.get(Tokens.Transport)
    const remote = context.remote(() => transport)
    const opened = await parts.container.resolve(PeerChannelAssembly).open({
      mspId: this.mspId,
      node: this.name,
      genesis: record.genesis,
      history,
      own,
      chaincode: (definition) => registry.find(definition),
      orderers: () => [...context.directory.deliverers(channel), ...(remote?.deliverers(channel) ?? [])],
      directory: context.listeners,
      pendingBlocks: context.config.limits.pendingBlocks,
    })
    // Members first: nobody asks for anything of the channel before it is known who may.
    context.wire?.configured(this.name, channel, opened.config.membership)
    opened.onConfig(({ membership }) => context.wire?.configured(this.name, channel, membership))
    await current.join(opened)
    serveEndorser(transport, channel, current)
    serveGateway(transport, channel, context.gatewayOf(this))
    parts.own('endorser and gateway', () => {
      withdrawEndorser(transport, channel)
      withdrawGateway(transport, channel)
    })
  }

  /** Makes the code of a chaincode known to this peer. */
  async install(chaincode: ChaincodeConfig): Promise<void> {
    this.chaincodes.push(chaincode)
    if (this.level !== undefined) await this.load(chaincode)
  }

  /** Where the code that it runs under a name and version came from. */
  code(name: string, version: string): ChaincodeConfig | undefined {
    return this.chaincodes.find((each) => each.name === name && each.version === version)
  }

  async stop(): Promise<void> {
    const { level } = this
    this.level = undefined
    this.current = undefined
    if (level === undefined) return
    try {
      await level.stopFirst('peer')
      for (const each of this.stores.splice(0)) await each.stop()
    } finally {
      await level.stop()
    }
  }

  private async load(chaincode: ChaincodeConfig): Promise<void> {
    const { name, version } = chaincode
    if (this.registry.has(name, version)) return
    const runtime = await this.runtimeOf(chaincode)
    const instance = await runtime.load(name, await sourceOf(chaincode, this.context.config.base))
    const { clock } = this.pluginContext!.environment
    const isShort = chaincode.timeout < DEFAULTS['chaincodes.timeout'].value
    this.registry.add(name, version, isShort ? withTimeLimit(instance, name, chaincode.timeout, clock) : instance)
  }

  private async runtimeOf({ runtime }: ChaincodeConfig): Promise<ChaincodeRuntime> {
    if (runtime === undefined) return this.level!.get(Tokens.ChaincodeRuntime)
    const plugin = await loadPlugin('chaincodeRuntime', runtime, this.context.config.base)
    const own = await plugin.create(this.pluginContext!)
    this.level!.own('runtime', () => own.stop())
    await own.start()
    return own
  }
}

async function sourceOf(
  { module, export: name, chaincode }: ChaincodeConfig,
  base: string | undefined,
): Promise<ChaincodeSource> {
  if (module === undefined) return { kind: 'object', value: chaincode, ...(base === undefined ? {} : { base }) }
  return { kind: 'module', url: await resolveModule(module, base), ...(name === undefined ? {} : { export: name }) }
}
