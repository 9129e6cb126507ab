import type { ConfigGroup } from '../../model/messages/configtx.ts'
import { OrdererAddresses } from '../../model/messages/configuration.ts'
import { MSPConfig } from '../../model/messages/msp-config.ts'
import { AnchorPeers } from '../../model/messages/peer-configuration.ts'
import { applicationOrganizationPolicies, fabricMspOf, ordererOrganizationPolicies } from './default-policies.ts'
import type {
  ApplicationOrganizationDefinition,
  OrdererOrganizationDefinition,
  OrganizationDefinition,
  PolicyDefinitions,
} from './definition.ts'
import { addPolicies, addValue, newGroup } from './group-builder.ts'

/** Config group of an organisation with peers. */
export function applicationOrganizationGroup(path: string, organization: ApplicationOrganizationDefinition): ConfigGroup {
  const { mspConfig, anchorPeers = [] } = organization
  const group = organizationGroup(path, organization, applicationOrganizationPolicies(mspIdOf(organization), mspConfig))
  if (anchorPeers.length > 0) addValue(group, 'AnchorPeers', AnchorPeers, { anchorPeers })
  return group
}

/** Config group of an organisation with ordering nodes. */
export function ordererOrganizationGroup(path: string, organization: OrdererOrganizationDefinition): ConfigGroup {
  const { endpoints = [] } = organization
  const group = organizationGroup(path, organization, ordererOrganizationPolicies(mspIdOf(organization)))
  if (endpoints.length > 0) addValue(group, 'Endpoints', OrdererAddresses, { addresses: endpoints })
  return group
}

function organizationGroup(
  path: string,
  { mspConfig, policies }: OrganizationDefinition,
  defaults: PolicyDefinitions,
): ConfigGroup {
  const group = newGroup()
  addPolicies(path, group, { ...defaults, ...policies })
  addValue(group, 'MSP', MSPConfig, MSPConfig.decode(mspConfig))
  return group
}

/** Identifier of the organisation's MSP. */
export function mspIdOf({ name, mspConfig, mspId }: OrganizationDefinition): string {
  return mspId ?? fabricMspOf(mspConfig, name)?.name ?? name
}
