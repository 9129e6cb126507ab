import { type Config, ConsensusType, EtcdRaftConfigMetadata, SerializedIdentity } from '@heddle/core/model'
import { type GenesisNode, OrderError, setConsensusMetadata } from '@heddle/core/plugin'

/** Stands beside a name where no address is known, as Fabric's tools have it. */
const PORT = 7050

/** A node as the channel configuration names it: by its address, or its name where there is none, and its certificate. */
export function consenterOf({ name, identity, address }: GenesisNode): EtcdRaftConfigMetadata['consenters'][number] {
  const certificate = SerializedIdentity.decode(identity).idBytes
  const { host, port } = address ?? { host: name, port: PORT }
  return { host, port, clientTlsCert: certificate, serverTlsCert: certificate }
}

/**
 * The configuration with one consenter more, for `channel.update`: the node follows the chain until this block, then learns, then votes.
 *
 * @throws OrderError ORDER_CONFIG_REFUSED for a channel that is not ordered by Raft
 */
export function addConsenter(config: Config, node: GenesisNode): Config {
  return editConsenters(config, (consenters) => [...consenters, consenterOf(node)])
}

/**
 * The configuration without a consenter, for `channel.update`. One that is added again later gets a new id: the way back of a node that lost
 * its disk.
 *
 * @param host as the configuration names it: host of its address, or its name; with `:port` where several share a host
 * @throws OrderError ORDER_CONFIG_REFUSED when there is none, or more than one
 */
export function removeConsenter(config: Config, host: string): Config {
  return editConsenters(config, (consenters) => {
    const isMeant = (each: { host: string; port: number }): boolean => each.host === host || `${each.host}:${each.port}` === host
    const found = consenters.filter(isMeant).length
    if (found === 1) return consenters.filter((each) => !isMeant(each))
    const names = consenters.map((each) => `${each.host}:${each.port}`)
    throw new OrderError('ORDER_CONFIG_REFUSED', `${found} consenters are called ${host}; there are ${names.join(', ')}`, {
      names,
    })
  })
}

/**
 * The configuration with another certificate for a consenter, which keeps its id and its log, for `channel.update`. Start the node with the
 * new identity afterwards.
 */
export function replaceCertificate(config: Config, host: string, node: GenesisNode): Config {
  return addConsenter(removeConsenter(config, host), node)
}

type Consenters = EtcdRaftConfigMetadata['consenters']

function editConsenters(config: Config, edit: (consenters: Consenters) => Consenters): Config {
  const value = config.channelGroup?.groups.get('Orderer')?.values.get('ConsensusType')
  const { type, metadata } = ConsensusType.decode(value?.value ?? new Uint8Array(0))
  if (type !== 'etcdraft') throw new OrderError('ORDER_CONFIG_REFUSED', `the channel is ordered by '${type}', not by etcdraft`)
  const { consenters, options } = EtcdRaftConfigMetadata.decode(metadata)
  return setConsensusMetadata(config, EtcdRaftConfigMetadata.encode({ consenters: edit(consenters), options }))
}
