import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { pemBlock, pemBlocks } from '../crypto/pem.ts'
import { privateKeyFromPem } from '../crypto/private-key.ts'
import { parseCertificate } from '../msp/certificate.ts'
import { keyId } from './certificate-authority.ts'
import { CaError } from './errors.ts'
import { DEFAULT_NODE_OUS, type MspDefinition, type NodeOus } from './msp-definition.ts'

/** A local MSP: the definition, and who this node or user is. */
export interface LocalMsp {
  readonly definition: MspDefinition
  /** PEM of the own certificate; undefined for a folder that only verifies. */
  readonly certificate: string | undefined
  /** PKCS#8 DER of the own key; undefined when it is not in the folder. */
  readonly privateKey: Uint8Array | undefined
}

/** Folders of Fabric's layout (msp/configbuilder.go). */
const FOLDERS = {
  roots: 'cacerts',
  intermediates: 'intermediatecerts',
  admins: 'admincerts',
  revocationLists: 'crls',
  tlsRoots: 'tlscacerts',
  tlsIntermediates: 'tlsintermediatecerts',
} as const

const MAX_FILES = 1000

/**
 * Writes an MSP folder as Fabric's tools read it: cacerts, intermediatecerts, admincerts, signcerts, keystore, tlscacerts, crls and
 * config.yaml. Keys are readable by their owner only.
 */
export async function writeMspFolder(
  folder: string,
  definition: MspDefinition,
  own?: { readonly certificate: string; readonly privateKey?: string | undefined },
): Promise<void> {
  for (const [name, subfolder] of Object.entries(FOLDERS)) {
    const files = definition[name as keyof typeof FOLDERS] ?? []
    if (files.length === 0 && name !== 'roots') continue
    await mkdir(join(folder, subfolder), { recursive: true })
    for (const [i, pem] of files.entries()) await writeFile(join(folder, subfolder, fileName(name, definition.mspId, i)), pem)
  }
  const nodeOus = definition.nodeOus ?? DEFAULT_NODE_OUS
  const units = definition.organizationalUnits ?? []
  const authorities = [...definition.roots, ...(definition.intermediates ?? [])]
  const pathOf = (pem: string | undefined): { Certificate?: string } => {
    if (pem === undefined) return {}
    const index = authorities.indexOf(pem)
    if (index < 0)
      throw new CaError('CA_BAD_FOLDER', 'the certifier of an organizational unit is none of the authorities', { folder })
    const inner = index - definition.roots.length
    return {
      Certificate:
        inner < 0
          ? `${FOLDERS.roots}/${fileName('roots', definition.mspId, index)}`
          : `${FOLDERS.intermediates}/${fileName('intermediates', definition.mspId, inner)}`,
    }
  }
  const config = {
    ...(units.length === 0
      ? {}
      : {
          OrganizationalUnitIdentifiers: units.map(({ unit, certificate }) => ({
            ...pathOf(certificate),
            OrganizationalUnitIdentifier: unit,
          })),
        }),
    ...(nodeOus === false
      ? {}
      : {
          NodeOUs: {
            Enable: true,
            ...Object.fromEntries(
              (['client', 'peer', 'admin', 'orderer'] as const)
                .filter((role) => nodeOus[role] !== undefined)
                .map((role) => [YAML_KEYS[role], { ...pathOf(nodeOus.certifier), OrganizationalUnitIdentifier: nodeOus[role] }]),
            ),
          },
        }),
  }
  await writeFile(join(folder, 'config.yaml'), stringify(config))
  if (own === undefined) return
  await mkdir(join(folder, 'signcerts'), { recursive: true })
  await writeFile(join(folder, 'signcerts', 'cert.pem'), own.certificate)
  if (own.privateKey === undefined) return
  const { bits } = parseCertificate(pemBlock(own.certificate).bytes).publicKey
  await mkdir(join(folder, 'keystore'), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'keystore', `${Buffer.from(keyId(bits)).toString('hex')}_sk`), own.privateKey, { mode: 0o600 })
}

const YAML_KEYS = {
  client: 'ClientOUIdentifier',
  peer: 'PeerOUIdentifier',
  admin: 'AdminOUIdentifier',
  orderer: 'OrdererOUIdentifier',
} as const

function fileName(kind: string, mspId: string, index: number): string {
  const stem = kind === 'revocationLists' ? 'crl' : kind === 'admins' ? 'admin' : 'ca'
  return `${stem}.${mspId.replace(/[^\w.-]/g, '_')}-${index}.pem`
}

/** Reads a folder of Fabric's layout, as cryptogen, Fabric CA or `writeMspFolder` made it. Throws CaError (CA_BAD_FOLDER). */
export async function readMspFolder(folder: string, mspId: string): Promise<LocalMsp> {
  const lists = Object.fromEntries(
    await Promise.all(
      Object.entries(FOLDERS).map(async ([name, subfolder]) => [name, await pemFiles(join(folder, subfolder))] as const),
    ),
  ) as Record<keyof typeof FOLDERS, string[]>
  if (lists.roots.length === 0)
    throw new CaError('CA_BAD_FOLDER', `${join(folder, FOLDERS.roots)} holds no certificate`, { folder })
  const [certificate] = await pemFiles(join(folder, 'signcerts'))
  const units = await readConfig(folder)
  return {
    definition: { mspId, ...lists, ...units },
    certificate,
    privateKey: certificate === undefined ? undefined : await findKey(join(folder, 'keystore')),
  }
}

async function pemFiles(folder: string): Promise<string[]> {
  let names: string[]
  try {
    names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new CaError('CA_BAD_FOLDER', `${folder} cannot be read`, { folder }, { cause: error })
  }
  if (names.length > MAX_FILES) throw new CaError('CA_BAD_FOLDER', `${folder} holds more than ${MAX_FILES} files`, { folder })
  const texts = await Promise.all(names.map((name) => readText(join(folder, name))))
  for (const [i, text] of texts.entries())
    if (pemBlocks(text, 1).length === 0) throw new CaError('CA_BAD_FOLDER', `${join(folder, names[i]!)} is not PEM`, { folder })
  return texts
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CaError('CA_BAD_FOLDER', `${path} cannot be read`, { path }, { cause: error })
  }
}

async function findKey(folder: string): Promise<Uint8Array | undefined> {
  const [text] = await pemFiles(folder)
  if (text === undefined) return undefined
  try {
    return privateKeyFromPem(text)
  } catch (error) {
    throw new CaError('CA_BAD_FOLDER', `${folder} holds no usable private key`, { folder }, { cause: error })
  }
}

interface YamlUnit {
  readonly Certificate?: string
  readonly OrganizationalUnitIdentifier?: string
}

interface YamlConfig {
  readonly OrganizationalUnitIdentifiers?: readonly YamlUnit[]
  readonly NodeOUs?: { readonly Enable?: boolean } & Readonly<Record<string, YamlUnit | undefined>>
}

async function readConfig(folder: string): Promise<Pick<MspDefinition, 'nodeOus' | 'organizationalUnits'>> {
  const path = join(folder, 'config.yaml')
  let config: YamlConfig
  try {
    config = (parse(await readFile(path, 'utf8')) as YamlConfig | null) ?? {}
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { nodeOus: false }
    throw new CaError('CA_BAD_FOLDER', `${path} is not readable`, { path }, { cause: error })
  }
  const organizationalUnits = await Promise.all(
    (config.OrganizationalUnitIdentifiers ?? []).map(async (entry) => ({
      unit: entry.OrganizationalUnitIdentifier ?? '',
      certificate: await readText(join(folder, entry.Certificate ?? '')),
    })),
  )
  if (config.NodeOUs?.Enable !== true) return { nodeOus: false, organizationalUnits }
  const units = config.NodeOUs
  const roles = (['client', 'peer', 'admin', 'orderer'] as const).flatMap((role) => {
    const entry = units[YAML_KEYS[role]]
    return entry?.OrganizationalUnitIdentifier
      ? [{ role, unit: entry.OrganizationalUnitIdentifier, path: entry.Certificate || undefined }]
      : []
  })
  const [certifierPath, ...others] = new Set(roles.map(({ path: certificate }) => certificate))
  if (others.length > 0)
    throw new CaError('CA_BAD_FOLDER', `${path}: NodeOUs of different authorities are not supported`, { path })
  const nodeOus: NodeOus = {
    ...Object.fromEntries(roles.map(({ role, unit }) => [role, unit])),
    ...(certifierPath === undefined ? {} : { certifier: await readText(join(folder, certifierPath)) }),
  }
  return { nodeOus, organizationalUnits }
}
