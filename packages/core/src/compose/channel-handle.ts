import type { ChannelConfig } from '../channel/config/channel-config.ts'
import type { BatchLimits, PolicyDefinition } from '../channel/genesis/definition.ts'
import { computeConfigUpdate } from '../channel/update/compute-update.ts'
import {
  addOrganization,
  revokeCertificates,
  setAcls,
  setBatchSize,
  setBatchTimeout,
  setPolicy,
} from '../channel/update/edit-config.ts'
import { configUpdateEnvelope, signConfigUpdate } from '../channel/update/sign-update.ts'
import type { ChaincodeDefinition, OrganizationDefinition } from '../config/definition.ts'
import { resolveChaincode, organization as resolveOrganization } from '../config/resolve-config.ts'
import type { Block } from '../model/block.ts'
import { EnvelopeView } from '../model/envelope-view.ts'
import { HeddleError } from '../model/errors.ts'
import { type Config, ConfigUpdate } from '../model/messages/configtx.ts'
import { utf8Bytes } from '../model/utf8.ts'
import type { PeerChannel } from '../node/peer-channel.ts'
import { approveChaincode } from './chaincode-deployment.ts'
import { NetworkError } from './errors.ts'
import type { NetworkCore } from './network-core.ts'

const NONCE_LENGTH = 24

/** Who signs a config update. */
export interface UpdateOptions {
  /** Organisations whose administrators sign. Default: all of the channel, those of the orderers included. */
  readonly signedBy?: readonly string[]
}

/** One channel of a network: its configuration, and changes to it. Each change is a config update, signed, ordered and committed. */
export class NetworkChannel {
  readonly name: string
  private readonly core: NetworkCore

  /** @internal */
  constructor(core: NetworkCore, name: string) {
    this.core = core
    this.name = name
  }

  /** The configuration in force at the most advanced peer. */
  get config(): ChannelConfig {
    return this.peer().config
  }

  /** Committed blocks at the most advanced peer. */
  get height(): number {
    return this.peer().committed
  }

  /** A committed block with its flags; undefined above the height. */
  block(number: number): Promise<Block | undefined> {
    return this.peer().blocksStore.get(number)
  }

  /** Committed blocks, then new ones as they come, until the signal aborts. Without a signal: those that exist now. */
  blocks(from = 0, signal?: AbortSignal): AsyncIterable<Block> {
    const peer = this.peer()
    return signal === undefined ? peer.blocksStore.read(from) : peer.blocks(from, signal)
  }

  /** Resolves when every running peer has committed what the most advanced one has. */
  async synchronize(): Promise<void> {
    const { height } = this
    await Promise.all(this.core.nodes.channelPeers(this.name).map((peer) => peer.reach(height)))
  }

  /**
   * Brings a changed configuration to the channel. Resolves when every running peer has it in force.
   *
   * @param edit gives a changed copy, such as `(config) => setBatchTimeout(config, 500)`
   * @throws ConfigUpdateError, OrderError
   */
  async update(edit: (config: Config) => Config, { signedBy }: UpdateOptions = {}): Promise<{ readonly blockNumber: number }> {
    const { core } = this
    const { config, organizations } = this.config
    const update = ConfigUpdate.encode(computeConfigUpdate(this.name, config, edit(config)))
    const members = new Set([...organizations.application, ...organizations.orderer].map(({ mspId }) => mspId))
    const names = signedBy ?? [...core.organizations.values()].filter(({ mspId }) => members.has(mspId)).map(({ name }) => name)
    const { random, clock } = core.environment
    const admins = names.map((name) => core.signer(core.identitiesOf(name).member('admin', { role: 'admin' })))
    const signatures = await Promise.all(admins.map((admin) => signConfigUpdate(update, admin, random.bytes(NONCE_LENGTH))))
    const submitter = admins[0]
    if (submitter === undefined) throw new NetworkError('NETWORK_UNKNOWN_NAME', 'nobody signs the config update', {})
    const envelope = await configUpdateEnvelope(update, signatures, submitter, {
      timestamp: clock.now(),
      nonce: random.bytes(NONCE_LENGTH),
    })
    const blockNumber = await this.broadcast(new EnvelopeView(envelope))
    await Promise.all(core.nodes.channelPeers(this.name).map((peer) => peer.reach(blockNumber + 1)))
    return { blockNumber }
  }

  setBatchSize(limits: Partial<BatchLimits>, options?: UpdateOptions): Promise<{ readonly blockNumber: number }> {
    return this.update((config) => setBatchSize(config, limits), options)
  }

  /** @param timeout milliseconds */
  setBatchTimeout(timeout: number, options?: UpdateOptions): Promise<{ readonly blockNumber: number }> {
    return this.update((config) => setBatchTimeout(config, timeout), options)
  }

  /** @param path such as `/Channel/Application/Writers` */
  setPolicy(path: string, policy: PolicyDefinition, options?: UpdateOptions): Promise<{ readonly blockNumber: number }> {
    return this.update((config) => setPolicy(config, path, policy), options)
  }

  setAcls(acls: Readonly<Record<string, string>>, options?: UpdateOptions): Promise<{ readonly blockNumber: number }> {
    return this.update((config) => setAcls(config, acls), options)
  }

  /** Revokes someone's certificate: it counts for nothing from the block of this update on. */
  async revoke(organization: string, name: string, options?: UpdateOptions): Promise<{ readonly blockNumber: number }> {
    const identities = this.core.identitiesOf(organization)
    if (identities.find(name) === undefined)
      throw new NetworkError('NETWORK_UNKNOWN_NAME', `${organization} has no identity '${name}'`, { name })
    const list = identities.revoke(name)
    await this.core.saveIdentities()
    return this.update((config) => revokeCertificates(config, identities.mspId, utf8Bytes(list)), options)
  }

  /**
   * Lets an organisation in: makes its identities, where it is new to the network, updates the channel, starts its peers, joins them,
   * and approves the channel's chaincodes in its name. Of one that the network has already, the name is enough: it joins as it is.
   */
  async addOrganization(definition: string | OrganizationDefinition, options?: UpdateOptions): Promise<void> {
    const { core, name } = this
    const given = resolveOrganization(definition)
    const organization = core.organizationConfigs.find((each) => each.name === given.name) ?? given
    const identities = await core.addOrganization(organization)
    await this.update(
      (config) => addOrganization(config, { name: organization.name, mspConfig: identities.mspConfig() }),
      options,
    )
    await core.joinOrganization(name, organization)
    await this.synchronize()
    const approver = { mspId: identities.mspId, gateway: core.admin(organization.name) }
    for (const chaincode of core.deployed(name)) {
      if (chaincode.organizations?.includes(organization.name) === false) continue
      await approveChaincode(name, chaincode, approver, this.peer())
    }
    await this.synchronize()
  }

  /**
   * Deploys a chaincode, or the next definition of one: new code, another version, another endorsement policy. Transactions go on
   * meanwhile; those endorsed before the definition commits and ordered after it fail as MVCC conflicts and can be proposed anew.
   */
  async deploy(name: string, definition: ChaincodeDefinition): Promise<void> {
    const { core } = this
    const sequence = definition.sequence ?? (await core.nextSequence(this.name, name))
    const chaincode = resolveChaincode(name, { ...definition, sequence, channels: [this.name] }, core.members)
    await core.install(chaincode)
    await core.deploy(this.name, chaincode)
  }

  private async broadcast(envelope: EnvelopeView): Promise<number> {
    let last: unknown
    for (const orderer of this.core.nodes.broadcasters(this.name)) {
      try {
        return (await orderer.broadcast(envelope)).blockNumber
      } catch (error) {
        if (error instanceof HeddleError && error.duty === 'fix-input') throw error
        last = error
      }
    }
    throw last ?? new NetworkError('NETWORK_STOPPED', `no orderer of channel ${this.name} is running`, { channel: this.name })
  }

  /** The most advanced running peer. */
  private peer(): PeerChannel {
    let best: PeerChannel | undefined
    for (const peer of this.core.nodes.channelPeers(this.name))
      if (best === undefined || peer.committed > best.committed) best = peer
    if (best === undefined)
      throw new NetworkError('NETWORK_STOPPED', `no peer of channel ${this.name} is running`, { channel: this.name })
    return best
  }
}
