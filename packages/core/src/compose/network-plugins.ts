import type { NetworkConfig } from '../config/definition.ts'
import { PluginError } from './errors.ts'
import { loadPlugin } from './load-plugin.ts'
import type { NetworkPlugins } from './network-context.ts'

/** Finds and checks the plugins of a network. @throws PluginError */
export async function loadPlugins(config: NetworkConfig): Promise<NetworkPlugins> {
  const { base } = config
  const [ordering, stateDb, identity, chaincodeRuntime, dissemination, blockStore] = await Promise.all([
    loadPlugin('ordering', config.ordering, base),
    loadPlugin('stateDb', config.stateDb, base),
    loadPlugin('identity', config.identity, base),
    loadPlugin('chaincodeRuntime', config.chaincodeRuntime, base),
    loadPlugin('dissemination', config.dissemination, base),
    loadPlugin('blockStore', config.blockStore, base),
  ])
  checkOrderers(config, ordering)
  return { ordering, stateDb, identity, chaincodeRuntime, dissemination, blockStore }
}

function checkOrderers(config: NetworkConfig, { name, capabilities }: NetworkPlugins['ordering']): void {
  const count = config.orderers.reduce((sum, { nodes }) => sum + nodes.length, 0)
  const { min, max = Number.POSITIVE_INFINITY } = capabilities.nodes
  if (count >= min && count <= max) return
  const range = max === min ? `exactly ${min}` : max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`
  throw new PluginError(
    'PLUGIN_NOT_SUITED',
    `${name} runs on ${range} ordering node${max === 1 ? '' : 's'}, the network has ${count}`,
    { plugin: name, min, max: capabilities.nodes.max, count },
  )
}
