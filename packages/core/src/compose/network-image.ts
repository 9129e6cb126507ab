import type { ChaincodeConfig, ChannelMembers, OrganizationConfig } from '../config/definition.ts'
import type { ChannelRecord } from './network-context.ts'
import type { NetworkNodes } from './network-nodes.ts'
import type { NodeDisks } from './node-disks.ts'

/** What of a network changes while it runs. */
interface Changeable {
  readonly disks: NodeDisks
  readonly nodes: NetworkNodes
  readonly channels: ReadonlyMap<string, ChannelRecord>
  readonly members: ChannelMembers[]
  readonly added: OrganizationConfig[]
  readonly chaincodes: Map<string, Map<string, ChaincodeConfig>>
}

/** A network in memory at one moment: the ledgers, and who keeps them and runs what. */
export interface NetworkImage {
  readonly disks: ReturnType<NodeDisks['image']>
  /** Chaincodes of each peer. */
  readonly peers: ReadonlyMap<string, readonly ChaincodeConfig[]>
  /** Peers of each channel. */
  readonly joined: ReadonlyMap<string, readonly string[]>
  readonly members: readonly ChannelMembers[]
  readonly added: readonly OrganizationConfig[]
  readonly chaincodes: ReadonlyMap<string, ReadonlyMap<string, ChaincodeConfig>>
}

export function takeImage({ disks, nodes, channels, members, added, chaincodes }: Changeable): NetworkImage {
  return {
    disks: disks.image(),
    peers: new Map([...nodes.peers].map(([name, peer]) => [name, [...peer.chaincodes]])),
    joined: new Map([...channels].map(([name, channel]) => [name, [...channel.peers]])),
    members: [...members],
    added: [...added],
    chaincodes: new Map([...chaincodes].map(([channel, installed]) => [channel, new Map(installed)])),
  }
}

/** Puts everything back. No node may be running; peers that came since are dropped. */
export function restoreImage({ disks, nodes, channels, members, added, chaincodes }: Changeable, image: NetworkImage): void {
  disks.restore(image.disks)
  for (const [name, peer] of nodes.peers) {
    const known = image.peers.get(name)
    if (known === undefined) nodes.peers.delete(name)
    else peer.chaincodes.splice(0, peer.chaincodes.length, ...known)
  }
  for (const [name, channel] of channels) {
    channel.peers.clear()
    for (const peer of image.joined.get(name) ?? []) channel.peers.add(peer)
  }
  members.splice(0, members.length, ...image.members)
  added.splice(0, added.length, ...image.added)
  chaincodes.clear()
  for (const [channel, installed] of image.chaincodes) chaincodes.set(channel, new Map(installed))
}
