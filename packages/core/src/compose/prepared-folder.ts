import { join } from 'node:path'
import type { EnrolmentRole } from '../adapters/ca/certificate-authority.ts'
import { type MspDefinition, serializeIdentity } from '../adapters/ca/msp-definition.ts'
import { readMspFolder, writeMspFolder } from '../adapters/ca/msp-folder.ts'
import { encodePem } from '../adapters/crypto/pem.ts'
import type { Block } from '../model/block.ts'
import { NetworkError } from './errors.ts'
import { checkPair, readGenesis, readJson, writeFileWhole } from './folder-identity-store.ts'
import type { Member, OrganizationIdentities } from './identities.ts'

/** Version of `public/members.json`. */
const FORMAT = 1

interface PublicOrganization {
  readonly name: string
  readonly definition: MspDefinition
}

interface PublicNode {
  readonly name: string
  readonly mspId: string
  readonly role: EnrolmentRole
  /** PEM. */
  readonly certificate: string
}

/** What everybody may know of a network: its organisations' verifying parts and its nodes' certificates. */
export interface PublicMembers {
  readonly version: number
  readonly network: string
  readonly organizations: readonly PublicOrganization[]
  readonly nodes: readonly PublicNode[]
}

/**
 * Writes what processes of single nodes need: `public/`, which all get, and `nodes/NAME/msp` with the key of one node, which only that
 * node's machine gets.
 */
export async function writePrepared(
  folder: string,
  network: string,
  organizations: Iterable<OrganizationIdentities>,
  genesis: ReadonlyMap<string, Block>,
): Promise<void> {
  const all = [...organizations]
  const nodes: PublicNode[] = []
  for (const identities of all) {
    const definition = identities.mspDefinition()
    for (const { name, mspId, role, certificate, privateKey } of identities.all) {
      if (role !== 'peer' && role !== 'orderer') continue
      await writeMspFolder(join(folder, 'nodes', name, 'msp'), definition, { certificate, privateKey })
      nodes.push({ name, mspId, role, certificate })
    }
  }
  for (const [channel, block] of genesis)
    await writeFileWhole(join(folder, 'public', 'channels', `${channel}.block`), block.encode())
  const members: PublicMembers = {
    version: FORMAT,
    network,
    organizations: all.map((identities) => ({ name: identities.name, definition: identities.mspDefinition() })),
    nodes,
  }
  // Last: what it stands for is there.
  await writeFileWhole(join(folder, 'public', 'members.json'), JSON.stringify(members))
}

/** @throws NetworkError NETWORK_NOT_PREPARED, NETWORK_DATA_CORRUPT */
export async function readPublic(folder: string): Promise<PublicMembers> {
  const path = join(folder, 'public', 'members.json')
  const members = await readJson<PublicMembers>(path)
  if (members === undefined)
    throw new NetworkError('NETWORK_NOT_PREPARED', `${path} is missing: prepare the network, or copy its folder 'public' here`, {
      path,
    })
  if (members.version === FORMAT) return members
  const message = `${path} has format version ${members.version}, this release knows ${FORMAT}: use the release that wrote it`
  throw new NetworkError('NETWORK_DATA_CORRUPT', message, { path })
}

/** @throws NetworkError NETWORK_NOT_PREPARED, NETWORK_DATA_CORRUPT */
export async function readPublicGenesis(folder: string, channel: string): Promise<Block> {
  const path = join(folder, 'public', 'channels', `${channel}.block`)
  const block = await readGenesis(path)
  if (block !== undefined) return block
  throw new NetworkError('NETWORK_NOT_PREPARED', `${path} is missing: prepare the network, or copy its folder 'public' here`, {
    path,
  })
}

/** A node's certificate and key, from its own folder. @throws NetworkError NETWORK_NOT_PREPARED, NETWORK_DATA_CORRUPT */
export async function readNodeMember(folder: string, name: string, mspId: string, role: EnrolmentRole): Promise<Member> {
  const path = join(folder, 'nodes', name, 'msp')
  let found: Awaited<ReturnType<typeof readMspFolder>>
  try {
    found = await readMspFolder(path, mspId)
  } catch (cause) {
    const message = `${path} cannot be used: ${(cause as Error).message}; prepare the network, or copy the folder of ${name} here`
    throw new NetworkError('NETWORK_NOT_PREPARED', message, { path, node: name }, { cause })
  }
  const { certificate, privateKey } = found
  if (certificate === undefined || privateKey === undefined)
    throw new NetworkError('NETWORK_NOT_PREPARED', `${path} lacks certificate or key of ${name}`, { path, node: name })
  checkPair(path, certificate, privateKey)
  return {
    name,
    mspId,
    role,
    certificate,
    privateKey: encodePem('PRIVATE KEY', privateKey),
    identity: serializeIdentity(mspId, certificate),
  }
}
