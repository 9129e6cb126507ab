import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TlsFolder } from './tls-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-tls-'))
})
afterEach(() => rm(folder, { recursive: true }))

const PEER = 'organizations/peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls'
const open = () => TlsFolder.open(folder, 'peer', 'org1.example.com')
const hosts = ['peer0.org1.example.com', 'localhost', '127.0.0.1']
const certificateOf = async (names: readonly string[] = hosts) =>
  new X509Certificate(String((await (await open()).certificateOf('peer0.org1.example.com', names)).certificate))

describe('TLS certificates in the layout of the test network', () => {
  it('a node has a certificate of its organisation for its names and addresses', async () => {
    const certificate = await certificateOf()
    expect(certificate.verify(new X509Certificate(await readFile(join(folder, PEER, 'ca.crt'))).publicKey)).toBe(true)
    for (const host of hosts.slice(0, 2)) expect(certificate.checkHost(host)).toBe(host)
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect((await stat(join(folder, PEER, 'server.key'))).mode & 0o077).toBe(0)
  })

  it('it stays the same over restarts', async () => {
    expect((await certificateOf()).serialNumber).toBe((await certificateOf()).serialNumber)
  })

  it('a name that it lacks makes a new one, of the same authority', async () => {
    const first = await certificateOf()
    const second = await certificateOf([...hosts, 'orderer.elsewhere'])
    expect(second.serialNumber).not.toBe(first.serialNumber)
    expect(second.issuer).toBe(first.issuer)
  })

  it('damaged files are named, not replaced', async () => {
    await certificateOf()
    await writeFile(join(folder, PEER, 'server.crt'), 'garbage')
    await expect(certificateOf()).rejects.toMatchObject({ code: 'SERVICE_BAD_CERTIFICATE', data: { path: join(folder, PEER) } })
    const authority = join(folder, 'organizations/peerOrganizations/org1.example.com/tlsca/authority.json')
    await writeFile(authority, '{')
    await expect(open()).rejects.toMatchObject({ code: 'SERVICE_BAD_CERTIFICATE', data: { path: authority } })
  })
})
