import type { Config, ConfigGroup, ConfigPolicy, ConfigValue } from '../../model/messages/configtx.ts'
import type { Long } from '../../model/protobuf/field.ts'
import { ChannelError } from '../errors.ts'
import { isElementName } from './names.ts'

/** Name of the root group. */
export const ROOT = 'Channel'

/** An element of the config tree with its place. */
export type ConfigElement = {
  readonly name: string
  /** Names of the groups around it, from the root; empty for the root group. */
  readonly path: readonly string[]
} & (
  | { readonly kind: 'group'; readonly item: ConfigGroup }
  | { readonly kind: 'value'; readonly item: ConfigValue }
  | { readonly kind: 'policy'; readonly item: ConfigPolicy }
)

/** All elements of a config tree by key: `value /Channel/Orderer/BatchSize`. */
export type ConfigMap = ReadonlyMap<string, ConfigElement>

export function elementKey(kind: ConfigElement['kind'], path: readonly string[], name: string): string {
  return `${kind} /${[...path, name].join('/')}`
}

/**
 * Flattens a config tree. A missing tree is an empty map.
 *
 * @throws ChannelError CHANNEL_BAD_NAME
 */
export function configMap(root: ConfigGroup | undefined): Map<string, ConfigElement> {
  const map = new Map<string, ConfigElement>()
  if (root !== undefined) addGroup(map, [], ROOT, root)
  return map
}

function addGroup(map: Map<string, ConfigElement>, path: readonly string[], name: string, group: ConfigGroup): void {
  add(map, { kind: 'group', name, path, item: group })
  const inside = [...path, name]
  for (const [key, item] of group.groups) addGroup(map, inside, key, item)
  for (const [key, item] of group.values) add(map, { kind: 'value', name: key, path: inside, item })
  for (const [key, item] of group.policies) add(map, { kind: 'policy', name: key, path: inside, item })
}

function add(map: Map<string, ConfigElement>, element: ConfigElement): void {
  const { kind, path, name } = element
  if (!isElementName(name)) {
    throw new ChannelError('CHANNEL_BAD_NAME', `illegal name of a ${kind} in /${path.join('/')}: '${name.slice(0, 300)}'`, {
      name,
      path,
    })
  }
  map.set(elementKey(kind, path, name), element)
}

const ORDERER_CAPABILITIES = elementKey('value', [ROOT, 'Orderer'], 'Capabilities')

/**
 * Builds the tree again. Each group holds what its own element lists, taken from the map; an element that no group lists is
 * left out.
 * Undefined when a group lists an element that the map lacks.
 *
 * An empty mod_policy becomes `Admins` where the ordering service has capabilities: Fabric repairs so the channels of its first
 * versions, whose unset policies would lock them (common/configtx/configmap.go), and every node must agree on the result.
 */
export function configTree(map: ConfigMap): ConfigGroup | undefined {
  return new TreeBuilder(map).group([], ROOT)
}

class TreeBuilder {
  private readonly map: ConfigMap
  private readonly repairs: boolean

  constructor(map: ConfigMap) {
    this.map = map
    this.repairs = map.has(ORDERER_CAPABILITIES)
  }

  group(path: readonly string[], name: string): ConfigGroup | undefined {
    const element = this.map.get(elementKey('group', path, name))
    if (element?.kind !== 'group') return undefined
    const inside = [...path, name]
    const tree: ConfigGroup = {
      version: element.item.version,
      groups: new Map(),
      values: new Map(),
      policies: new Map(),
      modPolicy: this.modPolicy(element.item),
    }
    for (const key of element.item.groups.keys()) {
      const group = this.group(inside, key)
      if (group === undefined) return undefined
      tree.groups.set(key, group)
    }
    for (const key of element.item.values.keys()) {
      const value = this.map.get(elementKey('value', inside, key))
      if (value?.kind !== 'value') return undefined
      tree.values.set(key, { ...value.item, modPolicy: this.modPolicy(value.item) })
    }
    for (const key of element.item.policies.keys()) {
      const policy = this.map.get(elementKey('policy', inside, key))
      if (policy?.kind !== 'policy') return undefined
      tree.policies.set(key, { ...policy.item, modPolicy: this.modPolicy(policy.item) })
    }
    return tree
  }

  private modPolicy(item: { readonly modPolicy: string }): string {
    return item.modPolicy === '' && this.repairs ? 'Admins' : item.modPolicy
  }
}

/** Version or sequence after this one. */
export function nextVersion(version: Long): Long {
  return version === Number.MAX_SAFE_INTEGER ? BigInt(version) + 1n : typeof version === 'bigint' ? version + 1n : version + 1
}

/** Its channel group. Throws CHANNEL_MISSING_GROUP. */
export function channelGroupOf(config: Config): ConfigGroup {
  if (config.channelGroup === undefined) throw new ChannelError('CHANNEL_MISSING_GROUP', 'the configuration has no channel group')
  return config.channelGroup
}
