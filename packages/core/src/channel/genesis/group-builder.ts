import type { ConfigGroup } from '../../model/messages/configtx.ts'
import { ImplicitMetaPolicy, type Policy, PolicyType, SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import type { Input, MessageType } from '../../model/protobuf/message.ts'
import { isElementName } from '../config/names.ts'
import { ChannelError, PolicyError } from '../errors.ts'
import { isImplicitMetaText, parseImplicitMetaPolicy } from '../policy/implicit-meta.ts'
import { parseSignaturePolicy } from '../policy/policy-text.ts'
import type { PolicyDefinition, PolicyDefinitions } from './definition.ts'

export const ADMINS = 'Admins'
export const ORDERER_ADMINS = '/Channel/Orderer/Admins'

/** An empty config group that the Admins policy guards. */
export function newGroup(): ConfigGroup {
  return { version: 0, groups: new Map(), values: new Map(), policies: new Map(), modPolicy: ADMINS }
}

export function addValue<T>(
  group: ConfigGroup,
  name: string,
  type: MessageType<T>,
  value: Input<T>,
  modPolicy: string = ADMINS,
): void {
  group.values.set(name, { version: 0, value: type.encode(value), modPolicy })
}

export function addPolicies(path: string, group: ConfigGroup, policies: PolicyDefinitions): void {
  for (const [name, definition] of Object.entries(policies)) {
    group.policies.set(checkedName(path, name), {
      version: 0,
      policy: policyMessage(`${path}/${name}`, definition),
      modPolicy: ADMINS,
    })
  }
}

export function addGroup(path: string, group: ConfigGroup, name: string, child: ConfigGroup): void {
  if (group.groups.has(checkedName(path, name))) {
    throw new ChannelError('CHANNEL_BAD_DEFINITION', `${path} names ${name} twice`, { path, name })
  }
  group.groups.set(name, child)
}

/** The message for a policy definition. Throws CHANNEL_BAD_POLICY. */
export function policyMessage(path: string, definition: PolicyDefinition): Policy {
  try {
    if (typeof definition !== 'string') return { type: PolicyType.SIGNATURE, value: SignaturePolicyEnvelope.encode(definition) }
    if (!isImplicitMetaText(definition)) {
      return { type: PolicyType.SIGNATURE, value: SignaturePolicyEnvelope.encode(parseSignaturePolicy(definition)) }
    }
    return { type: PolicyType.IMPLICIT_META, value: ImplicitMetaPolicy.encode(parseImplicitMetaPolicy(definition)) }
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new ChannelError('CHANNEL_BAD_POLICY', `policy ${path}: ${cause.message}`, { path, ...cause.data }, { cause })
  }
}

function checkedName(path: string, name: string): string {
  if (isElementName(name)) return name
  throw new ChannelError(
    'CHANNEL_BAD_NAME',
    `illegal name in ${path}: '${name.slice(0, 300)}'; letters, digits, '.', '-' are legal`,
    { name, path },
  )
}
