import type { CertificateAuthority } from '../adapters/ca/certificate-authority.ts'
import type { Gateway } from '../client/gateway.ts'
import type { ClientIdentity, GatewayOptions } from '../client/options.ts'
import { suggestion } from '../config/nearest.ts'
import { addPeer } from './add-peer.ts'
import { NetworkError } from './errors.ts'
import type { Member, MemberOptions, OrganizationIdentities } from './identities.ts'
import type { NetworkCore } from './network-core.ts'

/** Someone of an organisation, with certificate and key. */
export interface UserIdentity extends ClientIdentity {
  readonly name: string
  /** PEM. */
  readonly certificate: string
  /** PKCS#8 PEM. */
  readonly privateKey: string
}

/** An organisation of a network: its identities and its certificate authority. */
export class Organization {
  readonly name: string
  readonly mspId: string
  private readonly core: NetworkCore
  private readonly identities: OrganizationIdentities

  /** @internal */
  constructor(core: NetworkCore, identities: OrganizationIdentities) {
    this.core = core
    this.identities = identities
    this.name = identities.name
    this.mspId = identities.mspId
  }

  /** Issues, revokes and lists certificates of this organisation. */
  get authority(): CertificateAuthority {
    return this.identities.authority
  }

  /**
   * Someone by name: `admin`, a client of the configuration, or whom `enrol` made.
   * @throws NetworkError NETWORK_UNKNOWN_NAME
   */
  identity(name: string): UserIdentity {
    const member = this.identities.find(name)
    if (member !== undefined) return this.user(member)
    const names = this.identities.all.map((each) => each.name)
    throw new NetworkError('NETWORK_UNKNOWN_NAME', `${this.name} has no identity '${name}'${suggestion(name, names)}`, {
      name,
      names,
    })
  }

  /** Someone new, or known already under the name; a client unless `role` says otherwise. */
  async enrol(name: string, options: MemberOptions = {}): Promise<UserIdentity> {
    const user = this.user(this.identities.member(name, options))
    await this.core.saveIdentities()
    return user
  }

  /**
   * One more peer, on the channels that the organisation is a member of; it gets their blocks from the first on, while the network runs.
   * It is the network's as long as that runs: to have it again after a restart, write it into the configuration.
   *
   * @throws ConfigError CONFIG_CONTRADICTION when there is a node of this name
   */
  async addPeer(name: string): Promise<void> {
    await addPeer(this.core, this.name, name)
  }

  /** A gateway for someone of this organisation. */
  gateway(name: string, options: GatewayOptions = {}): Gateway {
    return this.core.gateway(this.identity(name), options)
  }

  private user(member: Member): UserIdentity {
    const { name, certificate, privateKey } = member
    return { ...this.core.clientIdentity(member), name, certificate, privateKey }
  }
}
