import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type AuthorityRecord, CertificateAuthority } from '../adapters/ca/certificate-authority.ts'
import { serializeIdentity } from '../adapters/ca/msp-definition.ts'
import { readMspFolder, writeMspFolder } from '../adapters/ca/msp-folder.ts'
import { encodePem, pemBlock } from '../adapters/crypto/pem.ts'
import { cryptoProvider } from '../adapters/crypto/providers.ts'
import { parseCertificate } from '../adapters/msp/certificate.ts'
import { Block } from '../model/block.ts'
import type { Environment } from '../ports/environment.ts'
import { NetworkError } from './errors.ts'
import { type Member, OrganizationIdentities } from './identities.ts'

/** Version of the files `authority.json` and `members.json`. */
const FORMAT = 1

interface MembersFile {
  readonly version: number
  readonly members: readonly { readonly name: string; readonly role: Member['role']; readonly folder: string }[]
}

/**
 * Identities of one organisation in the layout of Fabric's test network (`peers/PEER/msp`, `users/USER@DOMAIN/msp`, ...), which its
 * tools and clients read, with the authority's own key beside them in `ca/`.
 */
export class OrganizationFolder {
  private readonly path: string
  private readonly written = new Set<string>()

  constructor(folder: string, kind: 'peer' | 'orderer', name: string) {
    this.path = join(folder, 'organizations', `${kind}Organizations`, name.toLowerCase())
  }

  /** Undefined when the organisation was never written. @throws NetworkError NETWORK_DATA_CORRUPT */
  async load(name: string, mspId: string, environment: Environment): Promise<OrganizationIdentities | undefined> {
    try {
      return await this.read(name, mspId, environment)
    } catch (cause) {
      if (cause instanceof NetworkError) throw cause
      // Whatever a file that somebody changed makes the readers of certificates, keys and lists stumble over.
      const message = `${this.path} cannot be used: ${(cause as Error).message}; put back a copy of this folder`
      throw new NetworkError('NETWORK_DATA_CORRUPT', message, { path: this.path }, { cause })
    }
  }

  private async read(name: string, mspId: string, { clock, random }: Environment): Promise<OrganizationIdentities | undefined> {
    const record = await readJson<AuthorityRecord & { version: number; mspId: string }>(join(this.path, 'ca', 'authority.json'))
    const list = await readJson<MembersFile>(join(this.path, 'members.json'))
    if (record === undefined || list === undefined) return undefined
    if (record.version !== FORMAT || list.version !== FORMAT)
      throw new NetworkError(
        'NETWORK_DATA_CORRUPT',
        `${this.path} has format version ${record.version}/${list.version}, this release knows ${FORMAT}: use the release that wrote it`,
        { path: this.path },
      )
    if (record.mspId !== mspId)
      throw new NetworkError(
        'NETWORK_DATA_CORRUPT',
        `${this.path} holds the MSP ${record.mspId}, the configuration says ${mspId}`,
        { path: this.path },
      )
    const authority = CertificateAuthority.restoreRoot(record, { clock, random })
    const identities = new OrganizationIdentities(name, mspId, { clock, random, deterministic: false }, authority)
    for (const { name: member, role, folder } of list.members) {
      const { certificate, privateKey } = await readMspFolder(join(this.path, folder, 'msp'), mspId)
      if (certificate === undefined || privateKey === undefined)
        throw new NetworkError('NETWORK_DATA_CORRUPT', `${join(this.path, folder)} lacks certificate or key of ${member}`, {
          path: this.path,
          member,
        })
      checkPair(join(this.path, folder), certificate, privateKey)
      identities.add({
        name: member,
        mspId,
        role,
        certificate,
        privateKey: encodePem('PRIVATE KEY', privateKey),
        identity: serializeIdentity(mspId, certificate),
      })
      this.written.add(member)
    }
    return identities
  }

  /** Writes members that are new, then the lists: what is on the lists is there. */
  async save(identities: OrganizationIdentities): Promise<void> {
    const definition = identities.mspDefinition()
    const fresh = identities.all.filter(({ name }) => !this.written.has(name))
    await writeMspFolder(join(this.path, 'msp'), definition)
    for (const member of fresh)
      await writeMspFolder(join(this.path, folderOf(member, identities.name), 'msp'), definition, member)
    const members = identities.all.map((member) => ({
      name: member.name,
      role: member.role,
      folder: folderOf(member, identities.name),
    }))
    await writeFileWhole(
      join(this.path, 'ca', 'authority.json'),
      JSON.stringify({ version: FORMAT, mspId: identities.mspId, ...identities.authority.record() }),
      0o600,
    )
    await writeFileWhole(join(this.path, 'ca', 'ca-cert.pem'), identities.authority.certificate)
    await writeFileWhole(join(this.path, 'members.json'), JSON.stringify({ version: FORMAT, members }))
    for (const { name } of fresh) this.written.add(name)
  }
}

/** A node with a key that is not its certificate's would run, and nobody would believe what it signs. */
export function checkPair(folder: string, certificate: string, privateKey: Uint8Array): void {
  const { bits } = parseCertificate(pemBlock(certificate).bytes).publicKey
  const { raw } = cryptoProvider('auto').importPrivateKey(privateKey).publicKey
  if (Buffer.compare(bits, raw) === 0) return
  throw new NetworkError('NETWORK_DATA_CORRUPT', `the key in ${folder} is not that of the certificate there`, { path: folder })
}

function folderOf({ name, role }: Member, organization: string): string {
  if (role === 'peer') return `peers/${name}`
  if (role === 'orderer') return `orderers/${name}`
  const user = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return `users/${user}@${organization.toLowerCase()}`
}

/** The genesis block that a network's folder keeps for a channel. */
export async function keptGenesis(folder: string, channel: string, make: () => Block): Promise<Block> {
  const path = join(folder, 'channels', `${channel}.block`)
  const known = await readGenesis(path)
  if (known !== undefined) return known
  const block = make()
  await writeFileWhole(path, block.encode())
  return block
}

/** Undefined when there is no such file. @throws NetworkError NETWORK_DATA_CORRUPT */
export async function readGenesis(path: string): Promise<Block | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const block = Block.decode(new Uint8Array(bytes))
    if (block.number === 0 && block.hasDataHash()) return block
  } catch (cause) {
    throw new NetworkError('NETWORK_DATA_CORRUPT', `${path} is no block`, { path }, { cause })
  }
  throw new NetworkError('NETWORK_DATA_CORRUPT', `${path} is no genesis block`, { path })
}

export async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new NetworkError('NETWORK_DATA_CORRUPT', `${path} is not JSON`, { path }, { cause })
  }
}

/** The old content or the new one, whatever happens: written beside, synced, renamed. */
export async function writeFileWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(`${path}.new`, 'w', mode)
  try {
    await file.writeFile(content)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
