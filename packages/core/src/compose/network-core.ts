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
import { NodeError } from '../node/errors.ts'
import { type GatewayPeers, LocalGateway } from '../node/gateway/local-gateway.ts'
import type { IdentityProvider } from '../ports/identity.ts'
import type { PluginContext } from '../ports/plugin.ts'
import { Tokens } from '../ports/tokens.ts'
import type { Transport } from '../ports/transport.ts'
import { type Approver, deployChaincode } from './chaincode-deployment.ts'
import { channelDefinition } from './channel-definition.ts'
import { ClientTransports } from './client-transports.ts'
import { NetworkError } from './errors.ts'
import { type Member, type OrganizationIdentities, privateKeyOf } from './identities.ts'
import { type IdentityStore, openIdentities, openPreparedIdentities } from './identity-store.ts'
import { Level } from './level.ts'
import { LocalDirectory } from './local-directory.ts'
import { localNodes } from './local-nodes.ts'
import type { ChannelRecord, GatewayHost, NetworkContext, NetworkPlugins } from './network-context.ts'
import { type NetworkImage, restoreImage } from './network-image.ts'
import { NetworkNodes } from './network-nodes.ts'
import { type NetworkParts, provideNetworkParts } from './network-parts.ts'
import { loadPlugins } from './network-plugins.ts'
import { NodeDisks } from './node-disks.ts'
import type { Overrides } from './overrides.ts'
import { deployThroughGateways } from './remote-deployment.ts'
import { RemoteNodes, remoteGateway } from './remote-nodes.ts'
import { RunningOrderer } from './running-orderer.ts'
import { RunningPeer } from './running-peer.ts'
import type { TcpWire } from './tcp-wire.ts'

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
  /** Names of the nodes that this process runs; undefined: all. */
  readonly only: readonly string[] | undefined
  /** Ways of this process's clients to nodes elsewhere. */
  readonly clients: ClientTransports
  private readonly store: IdentityStore
  private readonly context: NetworkContext
  private readonly connections = new Map<string, LocalGateway>()
  private readonly admins = new Map<string, Gateway>()

  private constructor(
    config: NetworkConfig,
    overrides: Overrides,
    only: readonly string[] | undefined,
    made: {
      level: Level
      parts: NetworkParts
      plugins: NetworkPlugins
      provider: IdentityProvider
      store: IdentityStore
      wire: TcpWire | undefined
    },
  ) {
    this.config = config
    this.only = only
    this.level = made.level
    this.parts = made.parts
    this.plugins = made.plugins
    this.provider = made.provider
    this.store = made.store
    this.organizations = made.store.organizations
    this.disks = new NodeDisks(config.folder)
    this.members = [...config.channels]
    const { environment } = made.parts
    this.clients = new ClientTransports(made.wire, made.level, environment)
    const { nodes, disks } = this
    this.context = {
      local: localNodes(nodes, disks),
      config,
      level: made.level,
      plugins: made.plugins,
      overrides,
      disks: this.disks,
      hub: made.parts.hub,
      wire: made.wire,
      remote: (via) => this.remoteNodes(via),
      gatewayOf: (peer) => this.gatewayOf(peer),
      organizations: this.organizations,
      channels: this.channels,
      directory: nodes,
      listeners: new LocalDirectory(),
    }
  }

  /** Starts everything in the order of dependence; what was started is ended again when something fails. */
  static start(config: NetworkConfig, overrides: Overrides, only?: readonly string[]): Promise<NetworkCore> {
    return NetworkCore.open(config, overrides, only, (core) => core.startNodes())
  }

  /** Makes what processes of single nodes need, and starts none. @throws NetworkError NETWORK_NOT_PREPARED without folder or addresses */
  static async prepareOnly(config: NetworkConfig, overrides: Overrides): Promise<void> {
    if (config.folder === undefined || config.nodes.length === 0) {
      const message = "a network of several processes needs a data folder (storage) and addresses of its nodes ('nodes')"
      throw new NetworkError('NETWORK_NOT_PREPARED', message, {})
    }
    const core = await NetworkCore.open(config, overrides, undefined, (made) => made.prepare())
    await core.stop()
  }

  private static async open(
    config: NetworkConfig,
    overrides: Overrides,
    only: readonly string[] | undefined,
    begin: (core: NetworkCore) => Promise<void>,
  ): Promise<NetworkCore> {
    if (only !== undefined) checkOnly(config, only)
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
      if (config.folder !== undefined && only === undefined) {
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
      const { environment } = parts
      const store = await (only === undefined
        ? openIdentities(config, environment)
        : openPreparedIdentities(config, environment, only))
      const wire =
        config.nodes.length === 0 ? undefined : new (await import('./tcp-wire.ts')).TcpWire(config, provider, store.organizations)
      const core = new NetworkCore(config, overrides, only, { level, parts, plugins, provider, store, wire })
      await begin(core)
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
    await this.prepare()
    level.own('orderers', () => stopAll(this.nodes.orderers.values()))
    for (const { name, nodes } of config.orderers) {
      const identities = this.organizations.get(name)!
      for (const node of nodes.filter((each) => this.runsHere(each)))
        this.nodes.orderers.set(node, new RunningOrderer(this.context, node, identities.member(node, { role: 'orderer' })))
    }
    // Together: a consensus of several nodes may answer only when most of them run.
    await Promise.all([...this.nodes.orderers.values()].map((orderer) => orderer.start()))
    level.own('peers', () => stopAll(this.nodes.peers.values()))
    for (const organization of config.organizations) await this.startPeers(organization)
    if (config.folder !== undefined) this.checkLedgers()
    for (const chaincode of config.chaincodes) await this.install(chaincode)
    // Definitions are agreed on when all nodes run, wherever they do: see `deploy` of the network.
    if (this.only !== undefined) return
    // A peer that was behind when the network ended would answer from its past, and have approved anew what it is about to read.
    await Promise.all(config.channels.map(({ name }) => this.nodes.caughtUp(name)))
    await Promise.all(
      config.chaincodes.flatMap((chaincode) => chaincode.channels.map((channel) => this.deploy(channel, chaincode))),
    )
  }

  /** Makes, or finds, identities and genesis blocks; with a folder, also what processes of single nodes need. */
  async prepare(): Promise<void> {
    const { config } = this
    // Identities first: a genesis block whose authorities' keys are lost would be worth nothing.
    if (this.only === undefined) await this.store.save()
    for (const channel of config.channels) await this.addChannel(channel)
    if (this.only !== undefined || config.folder === undefined || config.nodes.length === 0) return
    const { writePrepared } = await import('./prepared-folder.ts')
    const genesis = new Map([...this.channels].map(([name, channel]) => [name, channel.genesis]))
    await writePrepared(config.folder, config.name, this.organizations.values(), genesis)
  }

  private runsHere(node: string): boolean {
    return this.only?.includes(node) ?? true
  }

  /** Nodes of other processes; undefined when there are none. */
  private remoteNodes(via: () => Transport): RemoteNodes | undefined {
    const { wire } = this.context
    if (wire === undefined || this.only === undefined) return undefined
    return new RemoteNodes(
      {
        nodes: wire.nodes,
        isLocal: (name) => this.runsHere(name),
        channels: this.channels,
        organizations: this.organizations,
        clock: this.environment.clock,
      },
      via,
    )
  }

  /** Peers of an organisation, each on the channels that it is a member of. */
  async startPeers({ name, peers }: OrganizationConfig): Promise<void> {
    const identities = this.organizations.get(name)!
    const started = peers
      .filter((each) => this.runsHere(each))
      .map((peer) => {
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

  /** Brings the definitions of all configured chaincodes to their channels, whichever processes their peers run in. */
  async deployConfigured(): Promise<void> {
    const { clock } = this.environment
    for (const chaincode of this.config.chaincodes)
      for (const channel of chaincode.channels) {
        if (this.only === undefined) await this.deploy(channel, chaincode)
        else await deployThroughGateways(channel, chaincode, this.approvers(channel), clock)
      }
  }

  /** Organisations of a channel whose administrators' keys are here. */
  private approvers(channel: string): Approver[] {
    return this.membersOf(channel).organizations.flatMap((name) => {
      const identities = this.organizations.get(name)!
      return identities.isOwn ? [{ mspId: identities.mspId, gateway: this.admin(name) }] : []
    })
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
  gatewayOf(peer: GatewayHost): LocalGateway {
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
    const { clock, random } = this.environment
    if (this.only !== undefined && this.nodes.peers.size === 0) {
      const connection = remoteGateway(identity, this.clients, { ...this, nodes: this.context.wire!.nodes, clock })
      return connect(connection, identity, { clock, random, ...options })
    }
    let connection = this.connections.get(identity.mspId)
    if (connection === undefined) {
      const { nodes } = this
      const peers = nodes.gatewayPeers(identity.mspId, () => [...this.channels.keys()])
      connection = new LocalGateway(identity.mspId, peers, this.directory)
      this.connections.set(identity.mspId, connection)
    }
    return connect(connection, identity, { clock, random, ...options })
  }

  /** Nodes here, then those of other processes. */
  private get directory(): ChannelDirectory {
    const { nodes } = this
    const remote = this.remoteNodes(() => this.anyTransport())
    return {
      endorsers: (channel) => [...nodes.endorsers(channel), ...(remote?.endorsers(channel) ?? [])],
      orderers: (channel) => [...nodes.broadcasters(channel), ...(remote?.broadcasters(channel) ?? [])],
    }
  }

  /** That of a running node: a gateway of this process goes to other processes in the name of one of its nodes. */
  private anyTransport(): Transport {
    for (const node of [...this.nodes.peers.values(), ...this.nodes.orderers.values()])
      if (node.transport !== undefined) return node.transport
    throw new NodeError('NODE_STOPPED', 'no node of this process is running', {})
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
      gateway = this.gateway({ ...member, ...this.clientIdentity(member) }, {})
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

/** @throws NetworkError NETWORK_UNKNOWN_NAME, ConfigError CONFIG_CONTRADICTION */
function checkOnly({ nodes, orderers, organizations }: NetworkConfig, only: readonly string[]): void {
  const names = [...orderers.flatMap((each) => each.nodes), ...organizations.flatMap((each) => each.peers)]
  for (const name of only)
    if (!names.includes(name))
      throw new NetworkError('NETWORK_UNKNOWN_NAME', `there is no node '${name}'${suggestion(name, names)}`, { name, names })
  if (nodes.length > 0) return
  const message = "nodes in processes of their own need addresses: give all of them one under 'nodes'"
  throw new ConfigError('CONFIG_CONTRADICTION', message, { problems: [{ path: 'nodes', message }] })
}

async function stopAll(nodes: Iterable<{ stop(): Promise<void> }>): Promise<void> {
  const outcomes = await Promise.allSettled([...nodes].map((node) => node.stop()))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
