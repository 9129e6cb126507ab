import { MspAdmission } from '../adapters/tcp-transport/msp-admission.ts'
import { TcpTransport } from '../adapters/tcp-transport/tcp-transport.ts'
import type { NetworkConfig } from '../config/definition.ts'
import type { Clock } from '../ports/clock.ts'
import type { IdentityProvider, Membership } from '../ports/identity.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { Random } from '../ports/random.ts'
import { NetworkError } from './errors.ts'
import type { Member, OrganizationIdentities } from './identities.ts'

/** What a transport takes from where its node runs. */
export interface WireEnvironment {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly logger: Logger
}

/** A node as the configuration places it. */
export interface PlacedNode {
  readonly name: string
  readonly mspId: string
  readonly role: 'peer' | 'orderer'
}

/** Connects the nodes of a network over TCP: who is where, and who is let in. */
export class TcpWire {
  private readonly config: NetworkConfig
  private readonly provider: IdentityProvider
  private readonly organizations: ReadonlyMap<string, OrganizationIdentities>
  private readonly placed = new Map<string, PlacedNode>()
  private readonly admissions = new Map<string, MspAdmission>()
  private base: { readonly size: number; readonly membership: Membership } | undefined

  constructor(config: NetworkConfig, provider: IdentityProvider, organizations: ReadonlyMap<string, OrganizationIdentities>) {
    this.config = config
    this.provider = provider
    this.organizations = organizations
    for (const { mspId, nodes } of config.orderers)
      for (const name of nodes) this.placed.set(name, { name, mspId, role: 'orderer' })
    for (const { mspId, peers } of config.organizations)
      for (const name of peers) this.placed.set(name, { name, mspId, role: 'peer' })
  }

  /** The nodes of the network by name. */
  get nodes(): ReadonlyMap<string, PlacedNode> {
    return this.placed
  }

  /** The transport of a node of this process. @throws NetworkError NETWORK_UNKNOWN_NAME */
  node(member: Member, environment: WireEnvironment): TcpTransport {
    const { name } = member
    const place = this.config.nodes.find((each) => each.name === name)
    if (place === undefined)
      throw new NetworkError('NETWORK_UNKNOWN_NAME', `the configuration has no address of ${name}`, { name })
    const admission = this.admission(environment.clock)
    this.admissions.set(name, admission)
    return this.transport(name, member, environment, admission, { listen: place.listen })
  }

  /** A transport for a client: it calls nodes, nobody calls it. */
  client(member: Member, environment: WireEnvironment): TcpTransport {
    return this.transport(`${member.mspId}/${member.name}`, member, environment, this.admission(environment.clock), {})
  }

  /** A node of this process serves a channel under this configuration from now on. */
  configured(node: string, channel: string, membership: Membership): void {
    this.admissions.get(node)?.setChannel(channel, membership)
  }

  private admission(clock: Clock): MspAdmission {
    const wire = this
    return new MspAdmission({
      clock,
      get base() {
        return wire.baseMembership()
      },
      nodes: (name) => this.placed.get(name),
    })
  }

  private transport(
    self: string,
    member: Member,
    environment: WireEnvironment,
    admission: MspAdmission,
    rest: { listen?: { host: string; port: number } },
  ): TcpTransport {
    const { certificate, privateKey, identity } = member
    return new TcpTransport({
      self,
      identity,
      credentials: { certificates: certificate, privateKey },
      addressOf: (name) => this.config.nodes.find((each) => each.name === name)?.address,
      admission,
      ...environment,
      ...rest,
    })
  }

  /** As the organisations were when the network began; channels know better once a node serves them. */
  private baseMembership(): Membership {
    const { size } = this.organizations
    if (this.base?.size !== size) {
      const configs = [...this.organizations.values()].map((each) => each.mspConfig())
      this.base = { size, membership: this.provider.createMembership(configs) }
    }
    return this.base.membership
  }
}
