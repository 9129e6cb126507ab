import { serializeIdentity } from '../adapters/ca/msp-definition.ts'
import type { NetworkConfig, OrganizationConfig } from '../config/definition.ts'
import type { Block } from '../model/block.ts'
import type { Environment } from '../ports/environment.ts'
import { NetworkError } from './errors.ts'
import type { OrganizationFolder } from './folder-identity-store.ts'
import { OrganizationIdentities } from './identities.ts'

/** Who belongs to a network, and how its channels began: in memory, or in the network's folder. */
export interface IdentityStore {
  readonly organizations: Map<string, OrganizationIdentities>
  /** The genesis block that is kept for a channel, or a new one. */
  genesis(channel: string, make: () => Block): Promise<Block>
  /** Enrols the named members of an organisation that is new. */
  add(organization: OrganizationConfig): Promise<OrganizationIdentities>
  /** Writes what is not written yet. */
  save(): Promise<void>
}

/**
 * Identities for a process that runs some nodes of a prepared network: the public part of everybody, and the keys of those nodes alone.
 * A process that runs none, of an operator or of clients, gets what keys of organisations this machine has.
 *
 * @throws NetworkError NETWORK_NOT_PREPARED, NETWORK_DATA_CORRUPT
 */
export async function openPreparedIdentities(
  config: NetworkConfig,
  environment: Environment,
  only: readonly string[],
): Promise<IdentityStore> {
  const { folder } = config
  if (folder === undefined)
    throw new NetworkError('NETWORK_NOT_PREPARED', 'nodes in processes of their own need a data folder: say storage.folder', {})
  const { readNodeMember, readPublic, readPublicGenesis } = await import('./prepared-folder.ts')
  const { OrganizationFolder } = await import('./folder-identity-store.ts')
  const { organizations: known, nodes } = await readPublic(folder)
  const organizations = new Map<string, OrganizationIdentities>()
  const folders = new Map<string, OrganizationFolder>()
  const kinds = [
    ...config.orderers.map(({ name, mspId }) => ({ name, mspId, kind: 'orderer' as const })),
    ...config.organizations.map(({ name, mspId }) => ({ name, mspId, kind: 'peer' as const })),
  ]
  for (const { name, mspId, kind } of kinds) {
    const definition = known.find((each) => each.name === name && each.definition.mspId === mspId)?.definition
    if (definition === undefined) {
      const message = `the prepared folder ${folder} knows no organisation ${name} (${mspId}): prepare the network again`
      throw new NetworkError('NETWORK_NOT_PREPARED', message, { organization: name })
    }
    let identities: OrganizationIdentities | undefined
    if (only.length === 0) {
      const place = new OrganizationFolder(folder, kind, name)
      identities = await place.load(name, mspId, environment)
      if (identities !== undefined) folders.set(name, place)
    }
    const { clock, random } = environment
    identities ??= new OrganizationIdentities(name, mspId, { clock, random, deterministic: false }, definition)
    for (const node of nodes) {
      if (node.mspId !== mspId || identities.find(node.name) !== undefined) continue
      if (only.includes(node.name)) identities.add(await readNodeMember(folder, node.name, mspId, node.role))
      else identities.add({ ...node, privateKey: '', identity: serializeIdentity(mspId, node.certificate) })
    }
    organizations.set(name, identities)
  }
  return {
    organizations,
    add: async ({ name }) => {
      throw new NetworkError('NETWORK_NOT_HERE', `${name} cannot be added here: prepare it with the whole network`, {
        organization: name,
      })
    },
    genesis: (channel) => readPublicGenesis(folder, channel),
    save: async () => {
      for (const [name, place] of folders) await place.save(organizations.get(name)!)
    },
  }
}

/** Opens the identities of a configuration; those that it names and the store lacks are enrolled. */
export async function openIdentities(config: NetworkConfig, environment: Environment): Promise<IdentityStore> {
  const organizations = new Map<string, OrganizationIdentities>()
  const folders = new Map<string, OrganizationFolder>()
  const { folder, seed } = config
  // In memory nothing of the file system is loaded.
  const files = folder === undefined ? undefined : await import('./folder-identity-store.ts')

  const openOrganization = async (kind: 'peer' | 'orderer', name: string, mspId: string): Promise<OrganizationIdentities> => {
    let identities: OrganizationIdentities | undefined
    if (files !== undefined && folder !== undefined) {
      const place = new files.OrganizationFolder(folder, kind, name)
      folders.set(name, place)
      identities = await place.load(name, mspId, environment)
    }
    const { clock, random } = environment
    identities ??= new OrganizationIdentities(name, mspId, { clock, random, deterministic: seed !== undefined })
    organizations.set(name, identities)
    return identities
  }

  const add = async (organization: OrganizationConfig): Promise<OrganizationIdentities> => {
    const { name, mspId, peers, clients } = organization
    const identities = await openOrganization('peer', name, mspId)
    for (const peer of peers) identities.member(peer, { role: 'peer' })
    identities.member('admin', { role: 'admin' })
    for (const client of clients) identities.member(client, { role: 'client' })
    return identities
  }

  for (const { name, mspId, nodes } of config.orderers) {
    const identities = await openOrganization('orderer', name, mspId)
    for (const node of nodes) identities.member(node, { role: 'orderer' })
    identities.member('admin', { role: 'admin' })
  }
  for (const organization of config.organizations) await add(organization)

  return {
    organizations,
    add,
    genesis: async (channel, make) =>
      files === undefined || folder === undefined ? make() : files.keptGenesis(folder, channel, make),
    save: async () => {
      for (const [name, place] of folders) await place.save(organizations.get(name)!)
    },
  }
}
