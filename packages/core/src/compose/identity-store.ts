import type { NetworkConfig, OrganizationConfig } from '../config/definition.ts'
import type { Block } from '../model/block.ts'
import type { Environment } from '../ports/environment.ts'
import { OrganizationIdentities } from './identities.ts'

/** Who belongs to a network, and how its channels began: in memory, or in the network's folder. */
export interface IdentityStore {
  readonly organizations: Map<string, OrganizationIdentities>
  /** The genesis block that is kept for a channel, or a new one. */
  genesis(channel: string, make: () => Block): Promise<Block>
  /** Enrols the named members of an organisation that is new. */
  add(organization: OrganizationConfig): OrganizationIdentities
  /** Writes what is not written yet. */
  save(): Promise<void>
}

/** Opens the identities of a configuration; those that it names and the store lacks are enrolled. */
export async function openIdentities(config: NetworkConfig, environment: Environment): Promise<IdentityStore> {
  const organizations = new Map<string, OrganizationIdentities>()
  for (const { name, mspId } of [...config.orderers, ...config.organizations])
    organizations.set(name, newOrganization(config, environment, name, mspId))
  enrolNamed(config, organizations)
  const add = (organization: OrganizationConfig): OrganizationIdentities => {
    const identities = newOrganization(config, environment, organization.name, organization.mspId)
    organizations.set(organization.name, identities)
    enrolMembers(organization, identities)
    return identities
  }
  return { organizations, add, genesis: async (_channel, make) => make(), save: async () => {} }
}

export function newOrganization(
  config: NetworkConfig,
  { clock, random }: Environment,
  name: string,
  mspId: string,
): OrganizationIdentities {
  return new OrganizationIdentities(name, mspId, { clock, random, deterministic: config.seed !== undefined })
}

function enrolNamed(config: NetworkConfig, organizations: ReadonlyMap<string, OrganizationIdentities>): void {
  for (const { name, nodes } of config.orderers) {
    const identities = organizations.get(name)!
    for (const node of nodes) identities.member(node, { role: 'orderer' })
    identities.member('admin', { role: 'admin' })
  }
  for (const organization of config.organizations) enrolMembers(organization, organizations.get(organization.name)!)
}

function enrolMembers({ peers, clients }: OrganizationConfig, identities: OrganizationIdentities): void {
  for (const peer of peers) identities.member(peer, { role: 'peer' })
  identities.member('admin', { role: 'admin' })
  for (const client of clients) identities.member(client, { role: 'client' })
}
