import type { MSPPrincipal } from '../../model/messages/msp-principal.ts'
import { type SignaturePolicy, SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import { PolicyError } from '../errors.ts'
import { DistinctPolicy, type Policy, type PolicyShape } from './policy.ts'

/** Identities that rules have consumed so far; what a failed gate consumed is given back. */
interface Consumption {
  readonly used: Uint8Array
  /** Indices in the order in which they were consumed. */
  readonly trail: number[]
}

interface Node {
  satisfied(identities: readonly Identity[], consumption: Consumption): boolean
}

/** Verdicts of the policy's principals about an identity: 0 not asked yet, 1 satisfies, 2 does not. */
class Principals {
  private readonly list: readonly MSPPrincipal[]
  private readonly membership: Membership
  private readonly verdicts = new WeakMap<Identity, Uint8Array>()

  constructor(list: readonly MSPPrincipal[], membership: Membership) {
    this.list = list
    this.membership = membership
  }

  get count(): number {
    return this.list.length
  }

  matches(index: number, identity: Identity): boolean {
    const known = this.verdictsOf(identity)
    if (known[index] === 0) known[index] = this.membership.satisfies(identity, this.list[index]!) ? 1 : 2
    return known[index] === 1
  }

  private verdictsOf(identity: Identity): Uint8Array {
    const known = this.verdicts.get(identity)
    if (known !== undefined) return known
    const fresh = new Uint8Array(this.list.length)
    this.verdicts.set(identity, fresh)
    return fresh
  }
}

class SignedBy implements Node {
  private readonly principals: Principals
  private readonly index: number

  constructor(principals: Principals, index: number) {
    this.principals = principals
    this.index = index
  }

  satisfied(identities: readonly Identity[], { used, trail }: Consumption): boolean {
    for (let i = 0; i < identities.length; i++) {
      if (used[i] === 1 || !this.principals.matches(this.index, identities[i]!)) continue
      used[i] = 1
      trail.push(i)
      return true
    }
    return false
  }
}

/**
 * Every rule is asked, even after enough are satisfied: a satisfied rule consumes its identities, which the gates around this one
 * then miss. Fabric's evaluation (common/cauthdsl) does so, and a ledger that stopped early would accept other transactions.
 */
class OutOf implements Node {
  private readonly threshold: number
  private readonly rules: readonly Node[]

  constructor(threshold: number, rules: readonly Node[]) {
    this.threshold = threshold
    this.rules = rules
  }

  satisfied(identities: readonly Identity[], consumption: Consumption): boolean {
    const { used, trail } = consumption
    let satisfied = 0
    for (const rule of this.rules) {
      const mark = trail.length
      if (rule.satisfied(identities, consumption)) satisfied++
      else while (trail.length > mark) used[trail.pop()!] = 0
    }
    return satisfied >= this.threshold
  }
}

function compile(rule: SignaturePolicy | undefined, principals: Principals): Node {
  if (rule?.nOutOf !== undefined) {
    return new OutOf(
      rule.nOutOf.n,
      rule.nOutOf.rules.map((each) => compile(each, principals)),
    )
  }
  const index = rule?.signedBy
  if (index === undefined) throw new PolicyError('POLICY_MALFORMED', 'a rule of the policy is empty')
  if (index < 0 || index >= principals.count) {
    throw new PolicyError('POLICY_MALFORMED', `the policy refers to identity ${index} and lists ${principals.count}`, { index })
  }
  return new SignedBy(principals, index)
}

class CompiledSignaturePolicy extends DistinctPolicy {
  readonly shape: PolicyShape
  private readonly root: Node

  constructor(envelope: SignaturePolicyEnvelope, membership: Membership) {
    super()
    this.shape = { kind: 'signature', envelope }
    this.root = compile(envelope.rule, new Principals(envelope.identities, membership))
  }

  satisfied(identities: readonly Identity[]): boolean {
    return this.root.satisfied(identities, { used: new Uint8Array(identities.length), trail: [] })
  }
}

/**
 * Compiles a signature policy for the members of a channel.
 *
 * Evaluation is Fabric's: rules in order, each principal takes the first identity that satisfies it and is not taken yet, one
 * signature counts for one principal. It is greedy: `AND('Org1MSP.member', 'Org1MSP.admin')` given an admin first and a
 * member second fails.
 *
 * @throws PolicyError POLICY_MALFORMED
 */
export function compileSignaturePolicy(envelope: SignaturePolicyEnvelope, membership: Membership): Policy {
  return compileDistinctSignaturePolicy(envelope, membership)
}

/** As {@link compileSignaturePolicy}, for use as a part of another policy. */
export function compileDistinctSignaturePolicy(envelope: SignaturePolicyEnvelope, membership: Membership): DistinctPolicy {
  return new CompiledSignaturePolicy(envelope, membership)
}

/** Decodes a signature policy. Throws PolicyError POLICY_MALFORMED. */
export function decodeSignaturePolicy(bytes: Uint8Array): SignaturePolicyEnvelope {
  try {
    return SignaturePolicyEnvelope.decode(bytes)
  } catch (cause) {
    throw new PolicyError('POLICY_MALFORMED', 'the bytes are no signature policy', {}, { cause })
  }
}
