import type { Config, ConfigGroup, ConfigPolicy, ConfigUpdate, ConfigValue } from '../../model/messages/configtx.ts'
import type { Long } from '../../model/protobuf/field.ts'
import { channelGroupOf, nextVersion } from '../config/config-map.ts'
import { ConfigUpdateError } from '../errors.ts'

const NONE = new Uint8Array(0)

/**
 * The update that leads from one configuration to another: read set and write set, as small as Fabric's configtxlator makes them.
 * Versions in `updated` are not looked at.
 *
 * @throws ConfigUpdateError CONFIG_UPDATE_NO_CHANGE
 */
export function computeConfigUpdate(channel: string, original: Config, updated: Config): ConfigUpdate {
  const delta = groupDelta(channelGroupOf(original), channelGroupOf(updated))
  if (delta === undefined) throw new ConfigUpdateError('CONFIG_UPDATE_NO_CHANGE', 'the configurations are equal')
  return { channelId: channel, readSet: delta.read, writeSet: delta.write, isolatedData: new Map() }
}

interface Delta<T> {
  readonly read?: T
  readonly write: T
}

interface MembersDelta<T> {
  /** What changed, by name. */
  readonly changed: Map<string, Delta<T>>
  /** What stayed, reduced to its version. */
  readonly same: Map<string, T>
  /** Whether something was added or taken away. */
  readonly membership: boolean
}

function membersDelta<T extends { readonly version: Long }>(
  original: ReadonlyMap<string, T>,
  updated: ReadonlyMap<string, T>,
  change: (before: T, after: T) => Delta<T> | undefined,
  create: (item: T) => T,
  reference: (version: Long) => T,
): MembersDelta<T> {
  const changed = new Map<string, Delta<T>>()
  const same = new Map<string, T>()
  let membership = false
  for (const [name, before] of original) {
    const after = updated.get(name)
    const delta = after && change(before, after)
    if (after === undefined) membership = true
    else if (delta === undefined) same.set(name, reference(before.version))
    else changed.set(name, delta)
  }
  for (const [name, item] of updated) {
    if (original.has(name)) continue
    membership = true
    changed.set(name, { write: create(item) })
  }
  return { changed, same, membership }
}

function groupDelta(original: ConfigGroup, updated: ConfigGroup): Delta<ConfigGroup> | undefined {
  const groups = membersDelta(original.groups, updated.groups, groupDelta, newGroup, emptyGroup)
  const values = membersDelta(original.values, updated.values, valueDelta, (item) => ({ ...item, version: 0 }), emptyValue)
  const policies = membersDelta(
    original.policies,
    updated.policies,
    policyDelta,
    (item) => ({ ...item, version: 0 }),
    emptyPolicy,
  )
  const own = groups.membership || values.membership || policies.membership || original.modPolicy !== updated.modPolicy
  if (!own && groups.changed.size + values.changed.size + policies.changed.size === 0) return undefined
  const read = emptyGroup(original.version)
  const write = emptyGroup(own ? nextVersion(original.version) : original.version)
  if (own) write.modPolicy = updated.modPolicy
  fill(read.groups, write.groups, groups, own)
  fill(read.values, write.values, values, own)
  fill(read.policies, write.policies, policies, own)
  return { read, write }
}

/** A group at a new version lists all its members, those that stay by version. */
function fill<T>(read: Map<string, T>, write: Map<string, T>, { changed, same }: MembersDelta<T>, own: boolean): void {
  for (const [name, delta] of changed) {
    if (delta.read !== undefined) read.set(name, delta.read)
    write.set(name, delta.write)
  }
  if (!own) return
  for (const [name, item] of same) {
    read.set(name, item)
    write.set(name, item)
  }
}

function valueDelta(before: ConfigValue, after: ConfigValue): Delta<ConfigValue> | undefined {
  if (before.modPolicy === after.modPolicy && Buffer.compare(before.value, after.value) === 0) return undefined
  return { write: { version: nextVersion(before.version), value: after.value, modPolicy: after.modPolicy } }
}

function policyDelta(before: ConfigPolicy, after: ConfigPolicy): Delta<ConfigPolicy> | undefined {
  const samePolicy =
    before.policy?.type === after.policy?.type && Buffer.compare(before.policy?.value ?? NONE, after.policy?.value ?? NONE) === 0
  if (before.modPolicy === after.modPolicy && samePolicy) return undefined
  return { write: { version: nextVersion(before.version), policy: after.policy, modPolicy: after.modPolicy } }
}

/** A group that is new, with all that is in it, at version 0. */
function newGroup(group: ConfigGroup): ConfigGroup {
  const fresh = emptyGroup(0)
  fresh.modPolicy = group.modPolicy
  for (const [name, item] of group.groups) fresh.groups.set(name, newGroup(item))
  for (const [name, item] of group.values) fresh.values.set(name, { ...item, version: 0 })
  for (const [name, item] of group.policies) fresh.policies.set(name, { ...item, version: 0 })
  return fresh
}

function emptyGroup(version: Long): ConfigGroup {
  return { version, groups: new Map(), values: new Map(), policies: new Map(), modPolicy: '' }
}

function emptyValue(version: Long): ConfigValue {
  return { version, value: NONE, modPolicy: '' }
}

function emptyPolicy(version: Long): ConfigPolicy {
  return { version, policy: undefined, modPolicy: '' }
}
