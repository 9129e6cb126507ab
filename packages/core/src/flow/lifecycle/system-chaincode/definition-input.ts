import type { CollectionConfigPackage, StaticCollectionConfig } from '../../../model/messages/collection.ts'
import { MSPPrincipalClassification, MSPRole, OrganizationUnit } from '../../../model/messages/msp-principal.ts'
import type { SignaturePolicy } from '../../../model/messages/policies.ts'
import type { Membership } from '../../../ports/identity.ts'
import { LifecycleRefusal } from './refusal.ts'

// Fabric's patterns (core/chaincode/lifecycle/scc.go).
const NAME = /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/
const VERSION = /^[A-Za-z0-9_.+-]+$/
/** Takes what Fabric's `^[A-Za-z0-9-]+([A-Za-z0-9_-]+)*$` takes, in linear time. */
const COLLECTION = /^[A-Za-z0-9-][A-Za-z0-9_-]*$/
const SYSTEM = new Set(['cscc', 'escc', 'lscc', 'qscc', 'vscc'])
/** Longest name or version; Fabric has no bound. */
const MAX_NAME = 256

/** Checks name, version and collections of a proposed definition. @throws LifecycleRefusal */
export function checkDefinitionInput(
  name: string,
  version: string,
  collections: CollectionConfigPackage | undefined,
  membership: Membership,
): StaticCollectionConfig[] {
  if (name.length > MAX_NAME || !NAME.test(name)) {
    throw new LifecycleRefusal(
      `invalid chaincode name '${name}'. Names can only consist of alphanumerics, '_', and '-' and can only begin with alphanumerics`,
    )
  }
  if (SYSTEM.has(name)) throw new LifecycleRefusal(`chaincode name '${name}' is the name of a system chaincode`)
  if (version.length > MAX_NAME || !VERSION.test(version)) {
    throw new LifecycleRefusal(
      `invalid chaincode version '${version}'. Versions can only consist of alphanumerics, '_', '-', '+', and '.'`,
    )
  }
  const configs = staticConfigs(collections)
  const seen = new Set<string>()
  for (const config of configs) {
    if (seen.has(config.name)) {
      throw new LifecycleRefusal(`collection-name: ${config.name} -- found duplicate in collection configuration`)
    }
    seen.add(config.name)
    checkCollection(config, membership)
  }
  return configs
}

/** A new definition keeps every collection of the committed one, with its time to live. @throws LifecycleRefusal */
export function checkCollectionsKept(
  proposed: readonly StaticCollectionConfig[],
  committed: CollectionConfigPackage | undefined,
): void {
  const kept = staticConfigs(committed)
  if (kept.length > 0 && proposed.length === 0) {
    throw new LifecycleRefusal('the proposed collection config does not contain previously defined collections')
  }
  for (const { name, blockToLive } of kept) {
    const found = proposed.find((each) => each.name === name)
    if (found === undefined) {
      throw new LifecycleRefusal(`existing collection [${name}] missing in the proposed collection configuration`)
    }
    if (BigInt(found.blockToLive) !== BigInt(blockToLive)) {
      throw new LifecycleRefusal(`the BlockToLive in an existing collection [${name}] modified. Existing value [${blockToLive}]`)
    }
  }
}

function staticConfigs(collections: CollectionConfigPackage | undefined): StaticCollectionConfig[] {
  return (collections?.config ?? []).map(({ staticCollectionConfig }) => {
    if (staticCollectionConfig === undefined) throw new LifecycleRefusal('collection configuration is empty')
    return staticCollectionConfig
  })
}

function checkCollection(config: StaticCollectionConfig, membership: Membership): void {
  const { name, maximumPeerCount, requiredPeerCount } = config
  if (name.length > MAX_NAME || !COLLECTION.test(name)) {
    throw new LifecycleRefusal(
      `invalid collection name '${name}'. Names can only consist of alphanumerics, '_', and '-' and cannot begin with '_'`,
    )
  }
  if (maximumPeerCount < requiredPeerCount) {
    throw new LifecycleRefusal(
      `collection-name: ${name} -- maximum peer count (${maximumPeerCount}) cannot be less than the required peer count (${requiredPeerCount})`,
    )
  }
  if (requiredPeerCount < 0) {
    throw new LifecycleRefusal(`collection-name: ${name} -- requiredPeerCount (${requiredPeerCount}) cannot be less than zero`)
  }
  const policy = config.memberOrgsPolicy?.signaturePolicy
  if (policy === undefined) throw new LifecycleRefusal(`collection member policy is not set for collection '${name}'`)
  if (policy.rule === undefined || !isOrOnly(policy.rule)) {
    throw new LifecycleRefusal(
      `collection-name: ${name} -- error in member org policy: signature policy is not an OR concatenation`,
    )
  }
  for (const { principalClassification, principal } of policy.identities) {
    const mspId = ownerOf(name, principalClassification, principal, membership)
    if (mspId !== undefined && !membership.mspIds.includes(mspId)) {
      throw new LifecycleRefusal(`collection-name: ${name} -- collection member '${mspId}' is not part of the channel`)
    }
  }
}

function ownerOf(name: string, classification: number, principal: Uint8Array, membership: Membership): string | undefined {
  switch (classification) {
    case MSPPrincipalClassification.ROLE:
      return MSPRole.decode(principal).mspIdentifier
    case MSPPrincipalClassification.ORGANIZATION_UNIT:
      return OrganizationUnit.decode(principal).mspIdentifier
    case MSPPrincipalClassification.IDENTITY:
      try {
        membership.identity(principal)
        return undefined
      } catch {
        throw new LifecycleRefusal(`collection-name: ${name} -- contains an identity that is not part of the channel`)
      }
    default:
      throw new LifecycleRefusal(`collection-name: ${name} -- principal type ${classification} is not supported`)
  }
}

function isOrOnly(policy: SignaturePolicy): boolean {
  return policy.nOutOf === undefined || (policy.nOutOf.n === 1 && policy.nOutOf.rules.every(isOrOnly))
}
