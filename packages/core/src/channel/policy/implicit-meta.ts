import { ImplicitMetaPolicy, ImplicitMetaPolicyRule } from '../../model/messages/policies.ts'
import type { Identity } from '../../ports/identity.ts'
import { PolicyError } from '../errors.ts'
import { DistinctPolicy, type PolicyShape } from './policy.ts'

export type ImplicitMetaRule = keyof typeof ImplicitMetaPolicyRule

const TEXT = /^(ANY|ALL|MAJORITY) ([^ ]+)$/

/** Whether a policy text is of the kind `MAJORITY Admins` rather than a signature policy. */
export function isImplicitMetaText(text: string): boolean {
  return /^\s*(any|all|majority)\s/i.test(text)
}

/**
 * Reads `ANY Readers`, `ALL Writers`, `MAJORITY Admins`.
 *
 * @throws PolicyError POLICY_SYNTAX
 */
export function parseImplicitMetaPolicy(text: string): ImplicitMetaPolicy {
  const match = TEXT.exec(text)
  if (match === null) {
    throw new PolicyError('POLICY_SYNTAX', `'${text}' is not ANY, ALL or MAJORITY, a space, and the name of a policy`, {
      position: 0,
    })
  }
  return { rule: ImplicitMetaPolicyRule[match[1] as ImplicitMetaRule], subPolicy: match[2]! }
}

/** Writes what {@link parseImplicitMetaPolicy} reads. Throws PolicyError POLICY_MALFORMED for an unknown rule. */
export function implicitMetaPolicyToString(policy: ImplicitMetaPolicy): string {
  return `${implicitMetaRule(policy)} ${policy.subPolicy}`
}

export function implicitMetaRule(policy: ImplicitMetaPolicy): ImplicitMetaRule {
  const found = (Object.keys(ImplicitMetaPolicyRule) as ImplicitMetaRule[]).find(
    (name) => ImplicitMetaPolicyRule[name] === policy.rule,
  )
  if (found === undefined) throw new PolicyError('POLICY_MALFORMED', `unknown implicit meta rule ${policy.rule}`)
  return found
}

export function decodeImplicitMetaPolicy(bytes: Uint8Array): ImplicitMetaPolicy {
  try {
    return ImplicitMetaPolicy.decode(bytes)
  } catch (cause) {
    throw new PolicyError('POLICY_MALFORMED', 'the bytes are no implicit meta policy', {}, { cause })
  }
}

/**
 * So many of the policies with one name in the groups below. A group that lacks the policy counts among them and is never
 * satisfied;
 * where there are no groups below, everybody is accepted (Fabric: common/policies/implicitmeta.go).
 */
export class ImplicitMeta extends DistinctPolicy {
  readonly shape: PolicyShape
  private readonly threshold: number
  private readonly parts: readonly DistinctPolicy[]

  constructor(rule: ImplicitMetaRule, subPolicy: string, parts: readonly DistinctPolicy[]) {
    super()
    this.threshold = thresholdOf(rule, parts.length)
    this.parts = parts
    this.shape = { kind: 'implicit-meta', rule, subPolicy, threshold: this.threshold, parts: parts.map((part) => part.shape) }
  }

  satisfied(identities: readonly Identity[]): boolean {
    let remaining = this.threshold
    for (const part of this.parts) {
      if (remaining === 0) return true
      if (part.satisfied(identities)) remaining--
    }
    return remaining === 0
  }
}

function thresholdOf(rule: ImplicitMetaRule, parts: number): number {
  if (parts === 0) return 0
  if (rule === 'ANY') return 1
  return rule === 'ALL' ? parts : Math.floor(parts / 2) + 1
}
