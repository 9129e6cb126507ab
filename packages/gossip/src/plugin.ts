import { definePlugin } from '@heddle/core/plugin'
import { GossipDissemination } from './gossip-dissemination.ts'
import { type GossipOptions, resolveOptions } from './options.ts'
import { optionsSchema } from './options-schema.ts'

/** Addresses inside the process are for all its networks: no two nodes may have one. */
let inProcess = 0

/** Peers get blocks from each other: one of each organisation pulls from the orderers and spreads by libp2p gossip. */
export const gossip = definePlugin<'dissemination', GossipOptions>({
  name: '@heddle/gossip',
  provides: 'dissemination',
  capabilities: {},
  options: optionsSchema,
  create({ node, environment }, given) {
    const options = resolveOptions(given, node)
    return new GossipDissemination({
      node,
      environment,
      options,
      network: async (seed) => {
        // libp2p is large: whoever only names the plugin does not load it.
        const { Libp2pNetwork } = await import('./libp2p/libp2p-network.ts')
        const { announce, connections, mesh } = options
        const listen = options.listen ?? [`/memory/heddle-${inProcess++}`]
        return Libp2pNetwork.start({ seed, listen, announce, connections, mesh })
      },
    })
  },
})
