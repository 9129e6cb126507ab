import type { Gateway } from '../client/gateway.ts'
import type { ClientIdentity, GatewayOptions } from '../client/options.ts'
import type { NetworkConfig } from '../config/definition.ts'
import { suggestion } from '../config/nearest.ts'
import type { BroadcastEndpoint } from '../node/directory.ts'
import { RemoteOrderer } from '../node/remote/orderer-over-transport.ts'
import type { SignaturePool } from '../ports/crypto-provider.ts'
import type { DeliverEndpoint } from '../ports/dissemination.ts'
import { Tokens } from '../ports/tokens.ts'
import { NetworkChannel } from './channel-handle.ts'
import { NetworkError } from './errors.ts'
import type { NetworkCore } from './network-core.ts'
import { type NetworkImage, takeImage } from './network-image.ts'
import { Orderer, type OrdererStatus, Peer, type PeerStatus } from './node-handles.ts'
import { Organization, type UserIdentity } from './organization-handle.ts'

const IMAGE = Symbol('image')

/** The ledgers of a network at one moment: see {@link Network.snapshot}. */
export interface NetworkSnapshot {
  /** @internal */
  readonly [IMAGE]: NetworkImage
}

/** What runs in a network, and how far it is. */
export interface NetworkStatus {
  readonly name: string
  /** Names of the plugins in use. */
  readonly ordering: string
  readonly stateDb: string
  readonly identity: string
  readonly dissemination: string
  /** The data folder, or `memory`. */
  readonly storage: string
  readonly peers: readonly PeerStatus[]
  readonly orderers: readonly OrdererStatus[]
}

/** A running network: its organisations, nodes and channels, and gateways into it. Ends with `stop` or `await using`. */
export class Network {
  private readonly core: NetworkCore
  private stopping: Promise<void> | undefined

  /** @internal Use `createNetwork`. */
  constructor(core: NetworkCore) {
    this.core = core
  }

  get name(): string {
    return this.core.config.name
  }

  /** As it was resolved: every default filled in. */
  get config(): NetworkConfig {
    return this.core.config
  }

  /**
   * A gateway for an organisation's client (the first that the configuration names, or the one named by `as`), or for an identity of
   * one's own.
   *
   * @throws NetworkError NETWORK_UNKNOWN_NAME
   */
  gateway(who: string | ClientIdentity, options: GatewayOptions & { readonly as?: string } = {}): Gateway {
    const { as, ...rest } = options
    return this.core.gateway(typeof who === 'string' ? this.client(who, as) : who, rest)
  }

  /** @throws NetworkError NETWORK_UNKNOWN_NAME */
  organization(name: string): Organization {
    return new Organization(this.core, this.core.identitiesOf(name))
  }

  /** Names of all organisations, those of the orderers included. */
  get organizations(): readonly string[] {
    return [...this.core.organizations.keys()]
  }

  /** @throws NetworkError NETWORK_UNKNOWN_NAME */
  channel(name: string): NetworkChannel {
    const names = [...this.core.channels.keys()]
    if (!names.includes(name)) throw unknown('channel', name, names)
    return new NetworkChannel(this.core, name)
  }

  get channels(): readonly string[] {
    return [...this.core.channels.keys()]
  }

  get peers(): readonly Peer[] {
    return [...this.core.nodes.peers.values()].map((peer) => new Peer(this.core, peer))
  }

  /** @throws NetworkError NETWORK_UNKNOWN_NAME */
  peer(name: string): Peer {
    const peer = this.core.nodes.peers.get(name)
    if (peer === undefined) throw unknown('peer', name, [...this.core.nodes.peers.keys()])
    return new Peer(this.core, peer)
  }

  get orderers(): readonly Orderer[] {
    return [...this.core.nodes.orderers.values()].map((orderer) => new Orderer(orderer))
  }

  /** @throws NetworkError NETWORK_UNKNOWN_NAME */
  orderer(name: string): Orderer {
    const orderer = this.core.nodes.orderers.get(name)
    if (orderer === undefined) throw unknown('orderer', name, [...this.core.nodes.orderers.keys()])
    return new Orderer(orderer)
  }

  /**
   * Brings the definitions of the configured chaincodes to their channels: once, when the nodes run, in a process that has the keys of
   * organisations' administrators. Nothing happens to those that are there. A network in one process does this when it starts.
   *
   * @throws ConfigError CONFIG_DIFFERS_FROM_LEDGER, NetworkError NETWORK_NOT_HERE, NETWORK_CHAINCODE_NOT_DEPLOYED
   */
  deploy(): Promise<void> {
    return this.core.deployConfigured()
  }

  /**
   * An orderer in another process as a client reaches it: to send envelopes of a channel, and to read its blocks. The orderer takes what
   * the channel's policies let this client write, and gives what they let it read.
   *
   * @throws NetworkError NETWORK_UNKNOWN_NAME, NETWORK_NOT_HERE
   */
  async remoteOrderer(name: string, channel: string, who: UserIdentity): Promise<BroadcastEndpoint & DeliverEndpoint> {
    const { config, clients, environment } = this.core
    const organization = config.orderers.find(({ nodes }) => nodes.includes(name))
    if (organization === undefined)
      throw unknown(
        'orderer',
        name,
        config.orderers.flatMap(({ nodes }) => nodes),
      )
    const transport = await clients.of(who)
    const { mspId } = organization
    return new RemoteOrderer({ node: name, mspId, channel, via: () => transport, clock: environment.clock })
  }

  /** What runs, and how far it is. */
  status(): NetworkStatus {
    const { plugins, config } = this.core
    return {
      name: config.name,
      ordering: plugins.ordering.name,
      stateDb: plugins.stateDb.name,
      identity: plugins.identity.name,
      dissemination: plugins.dissemination.name,
      storage: config.folder ?? 'memory',
      peers: this.peers.map((peer) => peer.status()),
      orderers: this.orderers.map((orderer) => orderer.status()),
    }
  }

  /** Port of /metrics, /healthz and /readyz, where the configuration asks for them. */
  get operationsPort(): number | undefined {
    return this.core.operationsPort
  }

  /** Signature work of this process since the network was created. */
  get signatureWork(): SignaturePool['work'] {
    return { ...this.core.level.get(Tokens.SignaturePool).work }
  }

  /**
   * The ledgers as they are now, for `revert`. Cheap: blocks are shared.
   * @throws NetworkError NETWORK_NOT_IN_MEMORY
   */
  snapshot(): NetworkSnapshot {
    const { config, plugins } = this.core
    if (config.folder !== undefined || plugins.stateDb.capabilities.durable || !plugins.ordering.capabilities.simulable) {
      const message = 'snapshots need a network whose blocks, state and ordering are all in memory'
      throw new NetworkError('NETWORK_NOT_IN_MEMORY', message, {
        storage: config.folder,
        stateDb: plugins.stateDb.name,
        ordering: plugins.ordering.name,
      })
    }
    return { [IMAGE]: takeImage(this.core) }
  }

  /**
   * Takes the ledgers back to a snapshot: what was committed since has never happened, and who joined since has never come.
   * Transactions under way fail; gateways and identities stay good, event streams end.
   */
  revert(snapshot: NetworkSnapshot): Promise<void> {
    return this.core.restore(snapshot[IMAGE])
  }

  private client(organization: string, name: string | undefined): ClientIdentity {
    const first = this.core.organizationConfigs.find((each) => each.name === organization)?.clients[0]
    return this.organization(organization).identity(name ?? first ?? 'admin')
  }

  /** Ends everything in the reverse order of the start. Safe to call twice. */
  stop(): Promise<void> {
    this.stopping ??= this.core.stop()
    return this.stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function unknown(what: string, name: string, names: readonly string[]): NetworkError {
  return new NetworkError('NETWORK_UNKNOWN_NAME', `there is no ${what} '${name}'${suggestion(name, names)}`, { name, names })
}
