import type { Policy } from '../../channel/policy/policy.ts'
import { KVMetadataWrite } from '../../model/messages/kv-rwset.ts'
import { hashedNamespace } from '../../model/namespace.ts'
import type { NsRwSet } from '../../model/rwset-view.ts'
import type { Identity } from '../../ports/identity.ts'
import type { Namespace } from '../../ports/state-db.ts'
import { type BlockState, keyOfHash } from './block-state.ts'
import type { ChaincodePolicies, EndorsementPolicies } from './chaincode-policies.ts'

/** Name of the metadata entry that holds a key's endorsement policy. */
const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER'

/**
 * Keys whose policy the block's earlier transactions change. A write to such a key fails for the rest of the block: the policy that it
 * would have to satisfy is not committed yet. A change counts as soon as the transaction's endorsements of that namespace hold, even
 * if the transaction fails in another way later.
 *
 * Fabric: core/common/validation/statebased/vpmanagerimpl.go.
 */
export class PolicyChanges {
  private readonly keys = new Map<Namespace, Set<string>>()

  has(namespace: Namespace, key: string): boolean {
    return this.keys.get(namespace)?.has(key) === true
  }

  record({ namespace, kv, collections }: NsRwSet): void {
    for (const { key } of kv.metadataWrites) this.add(namespace, key)
    for (const { name, hashed } of collections) {
      for (const { keyHash } of hashed.metadataWrites) this.add(hashedNamespace(namespace, name), keyOfHash(keyHash))
    }
  }

  private add(namespace: Namespace, key: string): void {
    const keys = this.keys.get(namespace)
    if (keys === undefined) this.keys.set(namespace, new Set([key]))
    else keys.add(key)
  }
}

/**
 * Whether a transaction's endorsers may write what it writes to one chaincode.
 *
 * - A key with a policy of its own must satisfy that one, every other key that of its collection, or of the chaincode.
 * - When no policy was asked for (no writes), the chaincode's must hold.
 *
 * Fabric: core/common/validation/statebased/validator_keylevel.go and v20.go.
 *
 * @param rwset undefined when the transaction does not touch the chaincode's namespace
 */
export function isEndorsed(
  endorsers: readonly Identity[],
  rwset: NsRwSet | undefined,
  { chaincode, collection }: ChaincodePolicies,
  policies: EndorsementPolicies,
  state: BlockState,
  changes: PolicyChanges,
): boolean {
  // The same few policies are asked for again and again.
  let asked: Policy | undefined
  let answer = true
  const satisfied = (policy: Policy): boolean => {
    if (policy !== asked) {
      asked = policy
      answer = policy.evaluate(endorsers)
    }
    return answer
  }
  const mayWrite = (namespace: Namespace, key: string, fallback: Policy): boolean => {
    if (changes.has(namespace, key)) return false
    const metadata = state.get(namespace, key)?.metadata
    const own = metadata === undefined ? undefined : keyPolicy(metadata)
    return satisfied(own === undefined ? fallback : policies.ofKey(own))
  }

  if (rwset !== undefined) {
    const { namespace, kv, collections } = rwset
    for (const { key } of kv.writes) if (!mayWrite(namespace, key, chaincode)) return false
    for (const { key } of kv.metadataWrites) if (!mayWrite(namespace, key, chaincode)) return false
    for (const { name, hashed } of collections) {
      if (hashed.hashedWrites.length + hashed.metadataWrites.length === 0) continue
      const policy = collection(name)
      if (policy === undefined) return false
      const inCollection = hashedNamespace(namespace, name)
      for (const { keyHash } of hashed.hashedWrites) if (!mayWrite(inCollection, keyOfHash(keyHash), policy)) return false
      for (const { keyHash } of hashed.metadataWrites) if (!mayWrite(inCollection, keyOfHash(keyHash), policy)) return false
    }
  }
  return asked === undefined ? satisfied(chaincode) : true
}

/** The last entry of the name counts; an empty one is none. */
export function keyPolicy(metadata: Uint8Array): Uint8Array | undefined {
  let policy: Uint8Array | undefined
  for (const { name, value } of KVMetadataWrite.decode(metadata).entries) if (name === VALIDATION_PARAMETER) policy = value
  return policy === undefined || policy.length === 0 ? undefined : policy
}
