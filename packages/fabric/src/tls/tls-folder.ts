import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CertificateAuthority, systemClock, systemRandom } from '@heddle/core'
import { ServiceError } from '../errors.ts'
import type { ServerTls } from '../grpc/server.ts'

/** Version of `tlsca/authority.json`. */
const FORMAT = 1
/** A certificate is issued anew when less of its life is left, in milliseconds. */
const RENEW_BEFORE = 30 * 24 * 3600 * 1000

/**
 * TLS certificates of an organisation's nodes, in the layout of Fabric's test network: `tlsca/tlsca.ORG-cert.pem`, and for each node
 * `peers/NODE/tls/{ca.crt,server.crt,server.key}`. The authority is the organisation's own and signs nothing but TLS certificates.
 */
export class TlsFolder {
  private readonly path: string
  private readonly nodes: string
  private readonly authority: CertificateAuthority

  private constructor(path: string, nodes: string, authority: CertificateAuthority) {
    this.path = path
    this.nodes = nodes
    this.authority = authority
  }

  /**
   * Opens the authority that the folder keeps, or makes one.
   *
   * @param folder of the network: where `organizations/` is
   * @throws ServiceError SERVICE_BAD_CERTIFICATE when what the folder keeps cannot be used
   */
  static async open(folder: string, role: 'peer' | 'orderer', organization: string): Promise<TlsFolder> {
    const path = join(folder, 'organizations', `${role}Organizations`, organization.toLowerCase())
    const environment = { clock: systemClock, random: systemRandom() }
    const file = join(path, 'tlsca', 'authority.json')
    const kept = await readIfThere(file)
    let authority: CertificateAuthority
    if (kept === undefined) {
      authority = CertificateAuthority.createRoot(
        { commonName: `tlsca.${organization.toLowerCase()}`, organization },
        environment,
      )
    } else {
      try {
        const { version, ...record } = JSON.parse(kept)
        if (version !== FORMAT) throw new Error(`format version ${version}, this release knows ${FORMAT}`)
        authority = CertificateAuthority.restoreRoot(record, environment)
      } catch (cause) {
        throw unusable(file, cause)
      }
    }
    const found = new TlsFolder(path, `${role}s`, authority)
    if (kept === undefined) await found.save()
    return found
  }

  /** PEM of the authority's certificate: what clients trust. */
  get authorityCertificate(): string {
    return this.authority.certificate
  }

  /**
   * Key and certificate of a node: those that the folder keeps, while they are good for these hosts and have a month to live; else new
   * ones.
   *
   * @param hosts names and addresses under which clients reach it
   */
  async certificateOf(node: string, hosts: readonly string[]): Promise<ServerTls> {
    const folder = join(this.path, this.nodes, node, 'tls')
    const [key, certificate] = await Promise.all([
      readIfThere(join(folder, 'server.key')),
      readIfThere(join(folder, 'server.crt')),
    ])
    if (key !== undefined && certificate !== undefined && this.isGood(folder, key, certificate, hosts))
      return { key, certificate }
    const made = this.authority.issueTls(node, hosts)
    await this.save()
    await writeWhole(join(folder, 'ca.crt'), this.authority.certificate)
    await writeWhole(join(folder, 'server.key'), made.privateKey!, 0o600)
    await writeWhole(join(folder, 'server.crt'), made.certificate)
    return { key: made.privateKey!, certificate: made.certificate }
  }

  private isGood(folder: string, key: string, certificate: string, hosts: readonly string[]): boolean {
    let parsed: X509Certificate
    try {
      parsed = new X509Certificate(certificate)
      if (!createPublicKey(createPrivateKey(key)).equals(parsed.publicKey)) return false
    } catch (cause) {
      throw unusable(folder, cause)
    }
    if (!parsed.verify(new X509Certificate(this.authority.certificate).publicKey)) return false
    if (Date.parse(parsed.validTo) - Date.now() < RENEW_BEFORE) return false
    return hosts.every((host) => (isAddress(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined)
  }

  private async save(): Promise<void> {
    const folder = join(this.path, 'tlsca')
    const record = JSON.stringify({ version: FORMAT, ...this.authority.record() })
    await writeWhole(join(folder, 'authority.json'), record, 0o600)
    await writeWhole(join(folder, `${this.authority.commonName}-cert.pem`), this.authority.certificate)
    await writeWhole(join(this.path, 'msp', 'tlscacerts', `${this.authority.commonName}-cert.pem`), this.authority.certificate)
  }
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host) || host.includes(':')
}

function unusable(path: string, cause: unknown): ServiceError {
  const message = `${path} cannot be used: ${(cause as Error).message}; put back a copy, or remove it to have it made anew`
  return new ServiceError('SERVICE_BAD_CERTIFICATE', message, { path }, { cause })
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The old content or the new one, whatever happens. */
async function writeWhole(path: string, content: string, mode = 0o644): Promise<void> {
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
