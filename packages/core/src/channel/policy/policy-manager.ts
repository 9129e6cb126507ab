import type { ConfigGroup } from '../../model/messages/configtx.ts'
import { type Policy as PolicyMessage, PolicyType } from '../../model/messages/policies.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { Membership } from '../../ports/identity.ts'
import { ChannelError, PolicyError } from '../errors.ts'
import { decodeImplicitMetaPolicy, ImplicitMeta, implicitMetaRule } from './implicit-meta.ts'
import { type DistinctPolicy, type PolicyManager, RejectPolicy } from './policy.ts'
import { compileDistinctSignaturePolicy, decodeSignaturePolicy } from './signature-policy.ts'

const SEPARATOR = '/'

class GroupPolicies implements PolicyManager {
  readonly path: string
  /** Policies of this group and of those below, by relative path. */
  private readonly policies = new Map<string, DistinctPolicy>()
  private readonly managers = new Map<string, GroupPolicies>()

  constructor(path: string, group: ConfigGroup, membership: Membership) {
    this.path = path
    for (const [name, below] of sorted(group.groups))
      this.managers.set(name, new GroupPolicies(`${path}/${name}`, below, membership))
    for (const [name, { policy }] of sorted(group.policies)) this.policies.set(name, this.compile(name, policy, membership))
    for (const [group, manager] of this.managers) {
      for (const [name, policy] of manager.policies) this.policies.set(`${group}/${name}`, policy)
    }
  }

  policy(path: string): DistinctPolicy | undefined {
    if (!path.startsWith(SEPARATOR)) return this.policies.get(path)
    const prefix = this.path + SEPARATOR
    return path.startsWith(prefix) ? this.policies.get(path.slice(prefix.length)) : undefined
  }

  manager(path: readonly string[]): GroupPolicies | undefined {
    let manager: GroupPolicies | undefined = this
    for (const name of path) manager = manager?.managers.get(name)
    return manager
  }

  private compile(name: string, policy: PolicyMessage | undefined, membership: Membership): DistinctPolicy {
    const path = `${this.path}/${name}`
    try {
      if (policy?.type === PolicyType.IMPLICIT_META) return this.implicitMeta(policy.value)
      if (policy?.type === PolicyType.SIGNATURE) return signature(policy.value, membership)
    } catch (cause) {
      if (!(cause instanceof PolicyError)) throw cause
      throw new ChannelError('CHANNEL_BAD_POLICY', `policy ${path}: ${cause.message}`, { path }, { cause })
    }
    throw new ChannelError(
      'CHANNEL_BAD_POLICY',
      `policy ${path} ${policy === undefined ? 'is empty' : `has the unknown type ${policy.type}`}`,
      { path },
    )
  }

  private implicitMeta(bytes: Uint8Array): DistinctPolicy {
    const definition = decodeImplicitMetaPolicy(bytes)
    const { subPolicy } = definition
    const parts = [...this.managers.values()].map(
      (manager) => manager.policy(subPolicy) ?? new RejectPolicy(`${manager.path} has no policy ${subPolicy}`),
    )
    return new ImplicitMeta(implicitMetaRule(definition), subPolicy, parts)
  }
}

function signature(bytes: Uint8Array, membership: Membership): DistinctPolicy {
  const envelope = decodeSignaturePolicy(bytes)
  if (envelope.version !== 0)
    throw new PolicyError('POLICY_MALFORMED', `signature policy of version ${envelope.version}, known is 0`)
  return compileDistinctSignaturePolicy(envelope, membership)
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => compareUtf8(a, b))
}

/**
 * Compiles all policies of a config tree. `path` is that of the group, `/Channel` for the root.
 *
 * @throws ChannelError CHANNEL_BAD_POLICY
 */
export function policyManager(path: string, group: ConfigGroup, membership: Membership): PolicyManager {
  return new GroupPolicies(path, group, membership)
}
