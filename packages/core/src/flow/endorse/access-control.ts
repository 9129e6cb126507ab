import { MSPPrincipalClassification, MSPRole, MSPRoleType } from '../../model/messages/msp-principal.ts'
import type { Identity, Membership } from '../../ports/identity.ts'
import type { EndorserChannelConfig } from './endorser-channel.ts'
import { EndorserError } from './errors.ts'

const WRITERS = '/Channel/Application/Writers'
const READERS = '/Channel/Application/Readers'

/** Fabric's default policy of each resource of a channel (core/aclmgmt/defaultaclprovider.go); a channel's configuration may name another. */
const CHANNEL_RESOURCES: Readonly<Record<string, string>> = Object.freeze({
  'peer/Propose': WRITERS,
  'peer/ChaincodeToChaincode': WRITERS,
  '_lifecycle/CommitChaincodeDefinition': WRITERS,
  '_lifecycle/QueryChaincodeDefinition': WRITERS,
  '_lifecycle/QueryChaincodeDefinitions': WRITERS,
  '_lifecycle/CheckCommitReadiness': WRITERS,
  'qscc/GetChainInfo': READERS,
  'qscc/GetBlockByNumber': READERS,
  'qscc/GetBlockByHash': READERS,
  'qscc/GetTransactionByID': READERS,
  'qscc/GetBlockByTxID': READERS,
  'cscc/GetConfigBlock': READERS,
  'cscc/GetChannelConfig': READERS,
  'event/Block': READERS,
  'event/FilteredBlock': READERS,
  'gateway/CommitStatus': READERS,
  'gateway/ChaincodeEvents': READERS,
})

/** Resources of the peer itself: for its organisation's administrators or members, whatever a channel says. */
const PEER_RESOURCES: Readonly<Record<string, 'admin' | 'member'>> = Object.freeze({
  '_lifecycle/InstallChaincode': 'admin',
  '_lifecycle/QueryInstalledChaincode': 'admin',
  '_lifecycle/GetInstalledChaincodePackage': 'admin',
  '_lifecycle/QueryInstalledChaincodes': 'admin',
  '_lifecycle/ApproveChaincodeDefinitionForMyOrg': 'admin',
  '_lifecycle/QueryApprovedChaincodeDefinition': 'admin',
  '_lifecycle/QueryApprovedChaincodeDefinitions': 'admin',
  'cscc/GetChannels': 'member',
})

/** Verdicts kept for each configuration; identities are many, resources few. */
const MAX_VERDICTS = 10_000

const verdicts = new WeakMap<EndorserChannelConfig, Map<string, boolean>>()

/**
 * Whether an identity whose signature was checked may use a resource of a channel.
 *
 * @throws EndorserError ENDORSER_ACCESS_DENIED
 */
export function checkAccess(resource: string, config: EndorserChannelConfig, identity: Identity): void {
  let known = verdicts.get(config)
  if (known === undefined) {
    known = new Map()
    verdicts.set(config, known)
  }
  const id = `${resource}\u0000${identity.mspId}\u0000${identity.id}`
  let allowed = known.get(id)
  if (allowed === undefined) {
    allowed = evaluate(resource, config, identity)
    if (known.size >= MAX_VERDICTS) known.clear()
    known.set(id, allowed)
  }
  if (!allowed) throw denied(resource, identity, policyOf(resource, config))
}

/**
 * Whether an identity may use a resource of the peer itself.
 *
 * @throws EndorserError ENDORSER_ACCESS_DENIED
 */
export function checkPeerAccess(resource: string, membership: Membership, mspId: string, identity: Identity): void {
  const role = PEER_RESOURCES[resource]
  const allowed = role !== undefined && membership.satisfies(identity, rolePrincipal(mspId, role))
  if (!allowed) throw denied(resource, identity, `${role ?? 'nobody'} of ${mspId}`)
}

/** True for resources that {@link checkPeerAccess} decides. */
export function isPeerResource(resource: string): boolean {
  return PEER_RESOURCES[resource] !== undefined
}

function policyOf(resource: string, config: EndorserChannelConfig): string | undefined {
  const named = config.acls.get(resource)
  if (named === undefined || named === '') return CHANNEL_RESOURCES[resource]
  return named.startsWith('/') ? named : `/Channel/Application/${named}`
}

function evaluate(resource: string, config: EndorserChannelConfig, identity: Identity): boolean {
  const path = policyOf(resource, config)
  return path !== undefined && config.policies.policy(path)?.evaluate([identity]) === true
}

function rolePrincipal(mspIdentifier: string, role: 'admin' | 'member') {
  const principal = MSPRole.encode({ mspIdentifier, role: role === 'admin' ? MSPRoleType.ADMIN : MSPRoleType.MEMBER })
  return { principalClassification: MSPPrincipalClassification.ROLE, principal }
}

function denied(resource: string, identity: Identity, policy: string | undefined): EndorserError {
  const data = { resource, mspId: identity.mspId, policy }
  return new EndorserError(
    'ENDORSER_ACCESS_DENIED',
    `${identity.mspId} may not use ${resource}: ${policy ?? 'no policy'} is not met`,
    data,
  )
}
