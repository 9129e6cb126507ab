import type { LocalNodes } from '../ports/plugin.ts'
import type { NetworkNodes } from './network-nodes.ts'
import type { NodeDisks } from './node-disks.ts'

/** What plugins see of the nodes that share their process. */
export function localNodes(nodes: NetworkNodes, disks: NodeDisks): LocalNodes {
  const shared = new Map<string, unknown>()
  return {
    get nodes() {
      return [...nodes.orderers.keys(), ...nodes.peers.keys()]
    },
    disk: () => disks.common(),
    shared<T>(name: string, make: () => T): T {
      if (!shared.has(name)) shared.set(name, make())
      return shared.get(name) as T
    },
  }
}
