import type { Disk, LocalNodes } from '@heddle/core/plugin'

/** Nodes of one process, as a network gives them to its plugins. */
export function localNodes(nodes: readonly string[], disk: Disk): LocalNodes {
  const shared = new Map<string, unknown>()
  return {
    nodes,
    disk: async () => disk,
    shared<T>(name: string, make: () => T): T {
      if (!shared.has(name)) shared.set(name, make())
      return shared.get(name) as T
    },
  }
}
