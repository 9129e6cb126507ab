import type { ChannelDefinition } from '../channel/genesis/definition.ts'
import type { Address, BatchDefinition, ChannelMembers, NetworkConfig } from '../config/definition.ts'
import type { OrganizationIdentities } from './identities.ts'
import type { LoadedPlugin } from './load-plugin.ts'

/** Port that stands beside the names of nodes in the channel configuration, as Fabric's tools have it. */
const ORDERER_PORT = 7050
const PEER_PORT = 7051

/** A channel of a configuration, as the genesis block needs it. */
export function channelDefinition(
  config: NetworkConfig,
  channel: ChannelMembers,
  batch: BatchDefinition,
  ordering: LoadedPlugin<'ordering'>,
  organizations: ReadonlyMap<string, OrganizationIdentities>,
): ChannelDefinition {
  const identities = (name: string) => organizations.get(name)!
  const nodes = config.orderers.flatMap(({ name, mspId, nodes: names }) =>
    names.map((node) => {
      const { identity } = identities(name).member(node, { role: 'orderer' })
      const address = addressOf(config, node)
      return { name: node, mspId, identity, ...(address === undefined ? {} : { address }) }
    }),
  )
  const { plugin } = ordering
  return {
    channel: channel.name,
    consortium: config.name,
    ordering: {
      type: ordering.capabilities.consensusType ?? ordering.name,
      ...(plugin.genesisMetadata === undefined
        ? {}
        : { metadata: plugin.genesisMetadata(nodes, config.ordering.options as never) }),
      batchSize: {
        ...(batch.maxMessages === undefined ? {} : { maxMessageCount: batch.maxMessages }),
        ...(batch.preferredMaxBytes === undefined ? {} : { preferredMaxBytes: batch.preferredMaxBytes }),
        ...(batch.absoluteMaxBytes === undefined ? {} : { absoluteMaxBytes: batch.absoluteMaxBytes }),
      },
      ...(batch.timeout === undefined ? {} : { batchTimeout: batch.timeout }),
      organizations: config.orderers.map(({ name, nodes: names }) => ({
        name,
        mspConfig: identities(name).mspConfig(),
        endpoints: names.map((node) => {
          const { host, port } = addressOf(config, node) ?? { host: node, port: ORDERER_PORT }
          return `${host}:${port}`
        }),
      })),
    },
    application: {
      organizations: channel.organizations.map((name) => ({
        name,
        mspConfig: identities(name).mspConfig(),
        anchorPeers: config.organizations
          .filter((each) => each.name === name)
          .flatMap(({ peers }) => peers.slice(0, 1).map((node) => addressOf(config, node) ?? { host: node, port: PEER_PORT })),
      })),
      policies: channel.policies,
      acls: channel.acls,
    },
  }
}

function addressOf({ nodes }: NetworkConfig, node: string): Address | undefined {
  return nodes.find(({ name }) => name === node)?.address
}
