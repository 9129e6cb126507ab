import type { SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import type { Identity } from '../../ports/identity.ts'

/** What a policy is made of, for planners and for people. */
export type PolicyShape =
  | { readonly kind: 'signature'; readonly envelope: SignaturePolicyEnvelope }
  | {
      readonly kind: 'implicit-meta'
      readonly rule: 'ANY' | 'ALL' | 'MAJORITY'
      readonly subPolicy: string
      /** How many of `parts` must be satisfied. */
      readonly threshold: number
      readonly parts: readonly PolicyShape[]
    }
  | { readonly kind: 'reject'; readonly reason: string }

/** A compiled policy under one channel configuration. Immutable. */
export interface Policy {
  /**
   * Whether the identities satisfy the policy. Their signatures have been verified by the caller. An identity that occurs
   * twice counts
   * once; order matters, because evaluation is greedy as in Fabric.
   */
  evaluate(identities: readonly Identity[]): boolean
  readonly shape: PolicyShape
}

/** The policies of a config group and of the groups below it. */
export interface PolicyManager {
  /** Path of this group, such as `/Channel/Application`. */
  readonly path: string
  /** By absolute path below this group (`/Channel/Application/Writers`) or relative to it (`Writers`, `Org1MSP/Admins`). */
  policy(path: string): Policy | undefined
  /** Manager of a group below this one. */
  manager(path: readonly string[]): PolicyManager | undefined
}

/** Identities of the question whose answer a policy remembers. */
const MAX_REMEMBERED = 16

function sameObjects(a: readonly Identity[], b: readonly Identity[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A policy that can be asked without de-duplicating again: parts of a policy get the identities that the whole de-duplicated. */
export abstract class DistinctPolicy implements Policy {
  abstract readonly shape: PolicyShape
  /** The same few endorsers sign one transaction after another. */
  private asked: readonly Identity[] | undefined
  private answer = false

  evaluate(identities: readonly Identity[]): boolean {
    if (this.asked === undefined || !sameObjects(this.asked, identities)) {
      this.answer = this.satisfied(distinctIdentities(identities))
      this.asked = identities.length <= MAX_REMEMBERED ? [...identities] : undefined
    }
    return this.answer
  }

  /** `identities` hold no identity twice. */
  abstract satisfied(identities: readonly Identity[]): boolean
}

/** The first occurrence of each identity, in order. The same array when there are no duplicates. */
export function distinctIdentities(identities: readonly Identity[]): readonly Identity[] {
  if (identities.length < 2) return identities
  if (identities.length === 2) return same(identities[0]!, identities[1]!) ? [identities[0]!] : identities
  const seen = new Set<string>()
  const distinct = identities.filter((identity) => {
    const key = `${identity.mspId}\0${identity.id}`
    return !seen.has(key) && seen.add(key)
  })
  return distinct.length === identities.length ? identities : distinct
}

function same(a: Identity, b: Identity): boolean {
  return a === b || (a.id === b.id && a.mspId === b.mspId)
}

/** Stands where a policy is missing: nobody satisfies it. */
export class RejectPolicy extends DistinctPolicy {
  readonly shape: PolicyShape

  constructor(reason: string) {
    super()
    this.shape = { kind: 'reject', reason }
  }

  satisfied(): boolean {
    return false
  }
}
