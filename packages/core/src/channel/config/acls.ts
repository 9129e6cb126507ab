import type { ACLs } from '../../model/messages/peer-configuration.ts'

const READERS = '/Channel/Application/Readers'
const WRITERS = '/Channel/Application/Writers'

/** Policies of resources where the channel configuration does not say otherwise (Fabric: core/aclmgmt/defaultaclprovider.go). */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['_lifecycle/CommitChaincodeDefinition', WRITERS],
  ['_lifecycle/QueryChaincodeDefinition', WRITERS],
  ['_lifecycle/QueryChaincodeDefinitions', WRITERS],
  ['_lifecycle/CheckCommitReadiness', WRITERS],
  ['qscc/GetChainInfo', READERS],
  ['qscc/GetBlockByNumber', READERS],
  ['qscc/GetBlockByHash', READERS],
  ['qscc/GetTransactionByID', READERS],
  ['qscc/GetBlockByTxID', READERS],
  ['cscc/GetConfigBlock', READERS],
  ['cscc/GetChannelConfig', READERS],
  ['peer/Propose', WRITERS],
  ['peer/ChaincodeToChaincode', WRITERS],
  ['event/Block', READERS],
  ['event/FilteredBlock', READERS],
  ['gateway/CommitStatus', READERS],
  ['gateway/ChaincodeEvents', READERS],
])

/** Policy paths by resource: a relative reference is one of the Application group, an empty one falls back to the default. */
export function absoluteAcls(acls: ACLs | undefined): ReadonlyMap<string, string> {
  const paths = new Map<string, string>()
  for (const [resource, { policyRef }] of acls?.acls ?? []) {
    if (policyRef !== '') paths.set(resource, policyRef.startsWith('/') ? policyRef : `/Channel/Application/${policyRef}`)
  }
  return paths
}

/**
 * Path of the policy that guards a resource such as `peer/Propose`; undefined for a resource that has none, which nobody
 * may use.
 */
export function policyForResource(channel: { readonly acls: ReadonlyMap<string, string> }, resource: string): string | undefined {
  return channel.acls.get(resource) ?? DEFAULTS.get(resource)
}
