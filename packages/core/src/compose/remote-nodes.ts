import type { ClientIdentity } from '../client/options.ts'
import type { BroadcastEndpoint, EndorserEndpoint } from '../node/directory.ts'
import { RemoteEndorser } from '../node/remote/endorser-over-transport.ts'
import { RemoteOrderer } from '../node/remote/orderer-over-transport.ts'
import { RemoteGateway } from '../node/remote/remote-gateway.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliverEndpoint } from '../ports/dissemination.ts'
import type { Transport } from '../ports/transport.ts'
import type { ClientTransports } from './client-transports.ts'
import type { OrganizationIdentities } from './identities.ts'
import type { ChannelRecord } from './network-context.ts'
import type { UserIdentity } from './organization-handle.ts'
import type { PlacedNode } from './tcp-wire.ts'

/** The gateway service of peers elsewhere, for a client of this process; those of its own organisation are asked first. */
export function remoteGateway(
  identity: ClientIdentity,
  clients: ClientTransports,
  parts: Pick<RemoteNodesParts, 'nodes' | 'channels' | 'clock'>,
): RemoteGateway {
  const { nodes, channels, clock } = parts
  return new RemoteGateway({
    transport: async () => clients.of(identity as UserIdentity),
    channels: () => [...channels.keys()],
    peers: (channel) => {
      const all = [...(channels.get(channel)?.peers ?? [])].flatMap((name) => nodes.get(name) ?? [])
      const isOwn = ({ mspId }: PlacedNode): boolean => mspId === identity.mspId
      const sorted = [...all.filter(isOwn), ...all.filter((node) => !isOwn(node))]
      return sorted.map(({ name, mspId }) => ({ node: name, mspId }))
    },
    clock,
  })
}

export interface RemoteNodesParts {
  readonly nodes: ReadonlyMap<string, PlacedNode>
  /** Nodes of this process, which are asked without a network. */
  readonly isLocal: (name: string) => boolean
  readonly channels: ReadonlyMap<string, ChannelRecord>
  readonly organizations: ReadonlyMap<string, OrganizationIdentities>
  readonly clock: Clock
}

/** Nodes of other processes, as one of this process (or a client) reaches them over its own transport. */
export class RemoteNodes {
  private readonly parts: RemoteNodesParts
  private readonly via: () => Transport
  private readonly known = new Map<string, RemoteOrderer | RemoteEndorser>()

  constructor(parts: RemoteNodesParts, via: () => Transport) {
    this.parts = parts
    this.via = via
  }

  endorsers(channel: string): readonly EndorserEndpoint[] {
    return this.names(this.parts.channels.get(channel)?.peers).map((node) => this.endorser(node, channel))
  }

  broadcasters(channel: string): readonly BroadcastEndpoint[] {
    return this.orderers(channel)
  }

  deliverers(channel: string): readonly DeliverEndpoint[] {
    return this.orderers(channel)
  }

  private orderers(channel: string): readonly RemoteOrderer[] {
    return this.names(this.parts.channels.get(channel)?.orderers).map((node) => this.orderer(node, channel))
  }

  private names(names: Iterable<string> = []): PlacedNode[] {
    const { nodes, isLocal } = this.parts
    return [...names].filter((name) => !isLocal(name)).flatMap((name) => nodes.get(name) ?? [])
  }

  private orderer({ name, mspId }: PlacedNode, channel: string): RemoteOrderer {
    const { clock } = this.parts
    return this.once(`orderer ${name} ${channel}`, () => new RemoteOrderer({ node: name, mspId, channel, via: this.via, clock }))
  }

  private endorser({ name, mspId }: PlacedNode, channel: string): RemoteEndorser {
    const { clock, organizations } = this.parts
    return this.once(`peer ${name} ${channel}`, () => {
      const member = [...organizations.values()].find((each) => each.mspId === mspId)?.find(name)
      const identity = member?.identity ?? new Uint8Array(0)
      return new RemoteEndorser({ node: name, mspId, identity, channel, via: this.via, clock })
    })
  }

  private once<T extends RemoteOrderer | RemoteEndorser>(key: string, make: () => T): T {
    let known = this.known.get(key)
    if (known === undefined) {
      known = make()
      this.known.set(key, known)
    }
    return known as T
  }
}
