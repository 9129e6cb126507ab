import { compareConfig } from '../channel/config/compare-config.ts'
import { genesisBlock } from '../channel/genesis/genesis-block.ts'
import { connect, type Gateway } from '../client/gateway.ts'
import { type ClientIdentity, checkGateway, type GatewayOptions } from '../client/options.ts'
import type { ChaincodeConfig, ChannelMembers, NetworkConfig, OrganizationConfig } from '../config/definition.ts'
import { ConfigError } from '../config/errors.ts'
import { suggestion } from '../config/nearest.ts'
import { readDefinition } from '../flow/lifecycle/definitions.ts'
import type { Block } from '../model/block.ts'
import type { ChannelDirectory } from '../node/directory.ts'
import { type GatewayPeers, LocalGateway } from '../node/gateway/local-gateway.ts'
import type { IdentityProvider } from '../ports/identity.ts'
import type { LocalNodes, PluginContext } from '../ports/plugin.ts'
import { Tokens } from '../ports/tokens.ts'
import { type Approver, deployChaincode } from './chaincode-deployment.ts'
import { channelDefinition } from './channel-definition.ts'
import { NetworkError, PluginError } from './errors.ts'
import { type Member, type OrganizationIdentities, privateKeyOf } from './identities.ts'
import { type IdentityStore, openIdentities } from './identity-store.ts'
import { Level } from './level.ts'
import { loadPlugin } from './load-plugin.ts'
import { LocalDirectory } from './local-directory.ts'
import type { ChannelRecord, NetworkContext, NetworkPlugins } from './network-context.ts'
import { type NetworkImage, restoreImage } from './network-image.ts'
import { NetworkNodes } from './network-nodes.ts'
import { type NetworkParts, provideNetworkParts } from './network-parts.ts'
import { NodeDisks } from './node-disks.ts'
import type { Overrides } from './overrides.ts'
import { RunningOrderer } from './running-orderer.ts'
import { RunningPeer } from './running-peer.ts'

/** A running network, as the handles that users get see it. */
export class NetworkCore {
  readonly config: NetworkConfig
  readonly level: Level
  readonly parts: NetworkParts
  readonly plugins: NetworkPlugins
  readonly provider: IdentityProvider
  readonly disks: NodeDisks
  readonly nodes = new NetworkNodes()
  readonly channels = new Map<string, ChannelRecord>()
  readonly organizations: Map<string, OrganizationIdentities>
  readonly members: ChannelMembers[]
  /** Where metrics and health are served. */
  operationsPort: number | undefined
  /** Organisations that came after the start. */
  readonly added: OrganizationConfig[] = []
  /** What was last installed, by channel and name. */
  readonly chaincodes = new Map<string, Map<string, ChaincodeConfig>>()
  private readonly store: IdentityStore
  private readonly context: NetworkContext
  private readonly connections = new Map<string, LocalGateway>()
  private readonly admins = new Map<string, Gateway>()

  private constructor(
    config: NetworkConfig,
    overrides: Overrides,
    made: { level: Level; parts: NetworkParts; plugins: NetworkPlugins; provider: IdentityProvider; store: IdentityStore },
  ) {
    this.config = config
    this.level = made.level
    this.parts = made.parts
    this.plugins = made.plugins
    this.provider = made.provider
    this.store = made.store
    this.organizations = made.store.organizations
    this.disks = new NodeDisks(config.folder)
    this.members = [...config.channels]
    const { nodes, disks } = this
    this.context = {
      local: localNodes(nodes, disks),
      config,
      level: made.level,
      plugins: made.plugins,
      overrides,
      disks: this.disks,
      hub: made.parts.hub,
      organizations: this.organizations,
      channels: this.channels,
      directory: nodes,
      listeners: new LocalDirectory(),
    }
  }

  /** Starts everything in the order of dependence; what was started is ended again when something fails. */
  static async start(config: NetworkConfig, overrides: Overrides): Promise<NetworkCore> {
    const level = Level.root()
    try {
      await overrides.network?.(level.container)
      const parts = await provideNetworkParts(config, level)
      const plugins = await loadPlugins(config)
      const context: PluginContext = {
        node: config.name,
        mspId: '',
        identity: new Uint8Array(0),
        environment: parts.environment,
        signatures: level.get(Tokens.SignaturePool),
        ...(config.base === undefined ? {} : { base: config.base }),
      }
      if (config.folder !== undefined) {
        // Before anything is read or written: two processes would overwrite each other's identities.
        const { fileDisk } = await import('../adapters/disk/file-disk.ts')
        const lock = await fileDisk(config.folder).lock('')
        level.own('data folder', () => lock.release())
      }
      const provider = await level.provide(
        Tokens.IdentityProvider,
        () => plugins.identity.create(context),
        (part) => part.close(),
      )
      const store = await openIdentities(config, parts.environment)
      const core = new NetworkCore(config, overrides, { level, parts, plugins, provider, store })
      await core.startNodes()
      return core
    } catch (error) {
      await level.stop().catch(() => {})
      throw error
    }
  }

  get environment(): NetworkParts['environment'] {
    return this.parts.environment
  }

  private async startNodes(): Promise<void> {
    const { config, level } = this
    // Identities first: a genesis block whose authorities' keys are lost would be worth nothing.
    await this.store.save()
    for (const channel of config.channels) await this.addChannel(channel)
    level.own('orderers', () => stopAll(this.nodes.orderers.values()))
    for (const { name, nodes } of config.orderers) {
      const identities = this.organizations.get(name)!
      for (const node of nodes)
        this.nodes.orderers.set(node, new RunningOrderer(this.context, node, identities.member(node, { role: 'orderer' })))
    }
    // Together: a consensus of several nodes may answer only when most of them run.
    await Promise.all([...this.nodes.orderers.values()].map((orderer) => orderer.start()))
    level.own('peers', () => stopAll(this.nodes.peers.values()))
    for (const organization of config.organizations) await this.startPeers(organization)
    if (config.folder !== undefined) this.checkLedgers()
    for (const chaincode of config.chaincodes) await this.install(chaincode)
    // A peer that was behind when the network ended would answer from its past, and have approved anew what it is about to read.
    await Promise.all(config.channels.map(({ name }) => this.nodes.caughtUp(name)))
    await Promise.all(
      config.chaincodes.flatMap((chaincode) => chaincode.channels.map((channel) => this.deploy(channel, chaincode))),
    )
  }

  /** Peers of an organisation, each on the channels that it is a member of. */
  async startPeers({ name, peers }: OrganizationConfig): Promise<void> {
    const identities = this.organizations.get(name)!
    const started = peers.map((peer) => {
      const running = new RunningPeer(this.context, peer, name, identities.member(peer, { role: 'peer' }))
      this.nodes.peers.set(peer, running)
      return running
    })
    await Promise.all(started.map((peer) => peer.start()))
  }

  /** Makes code known to the peers that run it. @throws NetworkError NETWORK_CHAINCODE_NOT_DEPLOYED */
  async install(chaincode: ChaincodeConfig): Promise<void> {
    this.checkCode(chaincode)
    for (const channel of chaincode.channels) {
      const installed = this.chaincodes.get(channel) ?? new Map<string, ChaincodeConfig>()
      this.chaincodes.set(channel, installed.set(chaincode.name, chaincode))
    }
    const runs = (peer: RunningPeer) =>
      (chaincode.organizations?.includes(peer.organization) ?? true) &&
      chaincode.channels.some((channel) => this.channels.get(channel)?.peers.has(peer.name))
    await Promise.all([...this.nodes.peers.values()].filter(runs).map((peer) => peer.install(chaincode)))
  }

  /** Peers know code by name and version: other code under the same version would silently never run. */
  private checkCode({ name, version, chaincode, module, export: exported }: ChaincodeConfig): void {
    for (const peer of this.nodes.peers.values()) {
      const known = peer.code(name, version)
      if (known === undefined) continue
      if (known.chaincode === chaincode && known.module === module && known.export === exported) continue
      throw new NetworkError(
        'NETWORK_CHAINCODE_NOT_DEPLOYED',
        `the peers run other code as version '${version}' of chaincode ${name}: give the new code another version`,
        { chaincode: name, version },
      )
    }
  }

  deploy(channel: string, chaincode: ChaincodeConfig): Promise<void> {
    const members = this.membersOf(channel)
    const approvers: Approver[] = members.organizations
      .filter((name) => [...this.nodes.peers.values()].some((peer) => peer.organization === name))
      .map((name) => ({ mspId: this.organizations.get(name)!.mspId, gateway: this.admin(name) }))
    return deployChaincode(channel, chaincode, approvers, () => this.nodes.channelPeers(channel))
  }

  /** Chaincodes of a channel, as they were last installed here. */
  deployed(channel: string): readonly ChaincodeConfig[] {
    return [...(this.chaincodes.get(channel)?.values() ?? [])]
  }

  /** The sequence that follows the committed definition's. */
  async nextSequence(channel: string, chaincode: string): Promise<number> {
    const [peer] = this.nodes.channelPeers(channel)
    const definition = peer === undefined ? undefined : await readDefinition(peer.world.state, chaincode)
    return (definition?.sequence ?? 0) + 1
  }

  get organizationConfigs(): readonly OrganizationConfig[] {
    return [...this.config.organizations, ...this.added]
  }

  /** @throws NetworkError NETWORK_UNKNOWN_NAME */
  identitiesOf(organization: string): OrganizationIdentities {
    const found = this.organizations.get(organization)
    if (found !== undefined) return found
    const names = [...this.organizations.keys()]
    throw new NetworkError(
      'NETWORK_UNKNOWN_NAME',
      `there is no organisation '${organization}'${suggestion(organization, names)}`,
      { name: organization, names },
    )
  }

  /** Identities of an organisation that is new to the network, or those that it has. */
  async addOrganization(organization: OrganizationConfig): Promise<OrganizationIdentities> {
    const known = this.organizations.get(organization.name)
    if (known !== undefined) return known
    const identities = await this.store.add(organization)
    this.added.push(organization)
    await this.store.save()
    return identities
  }

  /** Starts the peers of an organisation where they do not run yet, and joins them to a channel. */
  async joinOrganization(channel: string, organization: OrganizationConfig): Promise<void> {
    const { name, peers } = organization
    const record = this.channels.get(channel)!
    for (const peer of peers) record.peers.add(peer)
    const members = this.membersOf(channel)
    if (!members.organizations.includes(name)) {
      this.members.splice(this.members.indexOf(members), 1, { ...members, organizations: [...members.organizations, name] })
    }
    if (peers.some((peer) => !this.nodes.peers.has(peer))) await this.startPeers(organization)
    else await Promise.all(peers.map((peer) => this.nodes.peers.get(peer)!.join(channel)))
    const own = peers.map((peer) => this.nodes.peers.get(peer)!)
    for (const chaincode of this.deployed(channel)) {
      if (chaincode.organizations?.includes(name) ?? true) await Promise.all(own.map((peer) => peer.install(chaincode)))
    }
  }

  membersOf(channel: string): ChannelMembers {
    return this.members.find(({ name }) => name === channel)!
  }

  /** What one peer offers clients as a gateway: it asks itself first. */
  gatewayOf(peer: RunningPeer): LocalGateway {
    const { nodes } = this
    const others = nodes.gatewayPeers(peer.mspId, () => [...this.channels.keys()])
    const peers: GatewayPeers = {
      get channels() {
        return others.channels
      },
      peers: (channel) => {
        const own = peer.channel(channel)
        return own?.running === true ? [own, ...others.peers(channel).filter((each) => each !== own)] : others.peers(channel)
      },
    }
    return new LocalGateway(peer.mspId, peers, this.directory)
  }

  /** A gateway for someone of an organisation, through the organisation's own peers where they run. */
  gateway(identity: ClientIdentity, options: GatewayOptions): Gateway {
    checkGateway(identity, options)
    let connection = this.connections.get(identity.mspId)
    if (connection === undefined) {
      const { nodes } = this
      const peers = nodes.gatewayPeers(identity.mspId, () => [...this.channels.keys()])
      connection = new LocalGateway(identity.mspId, peers, this.directory)
      this.connections.set(identity.mspId, connection)
    }
    const { clock, random } = this.environment
    return connect(connection, identity, { clock, random, ...options })
  }

  private get directory(): ChannelDirectory {
    const { nodes } = this
    return {
      endorsers: (channel) => nodes.endorsers(channel),
      orderers: (channel) => nodes.broadcasters(channel),
    }
  }

  clientIdentity(member: Member): ClientIdentity & { readonly signer: NonNullable<ClientIdentity['signer']> } {
    return { mspId: member.mspId, identity: member.identity, signer: this.signer(member) }
  }

  signer(member: Member) {
    return this.provider.signer(member.identity, privateKeyOf(member))
  }

  /** Gateway of an organisation's administrator. */
  admin(organization: string): Gateway {
    let gateway = this.admins.get(organization)
    if (gateway === undefined) {
      const member = this.organizations.get(organization)!.member('admin', { role: 'admin' })
      gateway = this.gateway(this.clientIdentity(member), {})
      this.admins.set(organization, gateway)
    }
    return gateway
  }

  private async addChannel(channel: ChannelMembers): Promise<void> {
    const { config } = this
    const genesis = await this.store.genesis(channel.name, () => this.newGenesis(channel))
    const peers = config.organizations.filter(({ name }) => channel.organizations.includes(name)).flatMap((each) => each.peers)
    this.channels.set(channel.name, {
      name: channel.name,
      genesis,
      peers: new Set(peers),
      orderers: new Set(config.orderers.flatMap(({ nodes }) => nodes)),
    })
  }

  /** A configuration creates a channel; afterwards the ledger governs. @throws ConfigError CONFIG_DIFFERS_FROM_LEDGER */
  private checkLedgers(): void {
    for (const channel of this.config.channels) {
      const [peer] = this.nodes.channelPeers(channel.name)
      if (peer === undefined) continue
      const definition = channelDefinition(this.config, channel, channel.givenBatch, this.plugins.ordering, this.organizations)
      const differences = compareConfig(definition, peer.config)
      if (differences.length === 0) continue
      const lines = differences.map(({ path, configured, ledger }) => `${path}: configured ${configured}, ledger ${ledger}`)
      throw new ConfigError('CONFIG_DIFFERS_FROM_LEDGER', `channel ${channel.name}: ${lines.join('; ')}`, {
        channel: channel.name,
        differences,
      })
    }
  }

  private newGenesis(channel: ChannelMembers): Block {
    const definition = channelDefinition(this.config, channel, channel.batch, this.plugins.ordering, this.organizations)
    return genesisBlock(definition, { timestamp: this.environment.clock.now() })
  }

  /** Takes everything back to an image. All nodes start again. */
  async restore(image: NetworkImage): Promise<void> {
    const { peers, orderers } = this.nodes
    await stopAll(peers.values())
    await stopAll(orderers.values())
    restoreImage(this, image)
    await Promise.all([...orderers.values()].map((orderer) => orderer.start()))
    await Promise.all([...peers.values()].map((peer) => peer.start()))
  }

  /** Keeps what was enrolled since, where the network has a folder. */
  saveIdentities(): Promise<void> {
    return this.store.save()
  }

  stop(): Promise<void> {
    return this.level.stop()
  }
}

async function loadPlugins(config: NetworkConfig): Promise<NetworkPlugins> {
  const { base } = config
  const [ordering, stateDb, identity, chaincodeRuntime, dissemination, blockStore] = await Promise.all([
    loadPlugin('ordering', config.ordering, base),
    loadPlugin('stateDb', config.stateDb, base),
    loadPlugin('identity', config.identity, base),
    loadPlugin('chaincodeRuntime', config.chaincodeRuntime, base),
    loadPlugin('dissemination', config.dissemination, base),
    loadPlugin('blockStore', config.blockStore, base),
  ])
  checkOrderers(config, ordering)
  return { ordering, stateDb, identity, chaincodeRuntime, dissemination, blockStore }
}

function checkOrderers(config: NetworkConfig, { name, capabilities }: NetworkPlugins['ordering']): void {
  const count = config.orderers.reduce((sum, { nodes }) => sum + nodes.length, 0)
  const { min, max = Number.POSITIVE_INFINITY } = capabilities.nodes
  if (count >= min && count <= max) return
  const range = max === min ? `exactly ${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`
  throw new PluginError(
    'PLUGIN_NOT_SUITED',
    `${name} runs on ${range} ordering node${max === 1 ? '' : 's'}, the network has ${count}`,
    { plugin: name, min, max: capabilities.nodes.max, count },
  )
}

function localNodes(nodes: NetworkNodes, disks: NodeDisks): LocalNodes {
  const shared = new Map<string, unknown>()
  return {
    get nodes() {
      return [...nodes.orderers.keys(), ...nodes.peers.keys()]
    },
    disk: () => disks.common(),
    shared<T>(name: string, make: () => T): T {
      if (!shared.has(name)) shared.set(name, make())
      return shared.get(name) as T
    },
  }
}

async function stopAll(nodes: Iterable<{ stop(): Promise<void> }>): Promise<void> {
  const outcomes = await Promise.allSettled([...nodes].map((node) => node.stop()))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
