import { mkdtemp, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pemBlock } from '../crypto/pem.ts'
import { membershipOf, provider, rootAuthority, serialized } from '../msp/msp.fixture.ts'
import { type MspDefinition, mspConfig } from './msp-definition.ts'
import { readMspFolder, writeMspFolder } from './msp-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-msp-'))
})
afterEach(() => rm(folder, { recursive: true }))

const root = rootAuthority('ca.folder')
const inter = root.createIntermediate({ commonName: 'ica.folder' })
const tls = rootAuthority('tlsca.folder')
const admin = inter.issue({ enrolmentId: 'admin', role: 'admin', affiliation: 'trade' })
const peer = inter.issue({ enrolmentId: 'peer0', role: 'peer', affiliation: 'trade' })
const definition: MspDefinition = {
  mspId: 'Org1MSP',
  roots: [root.certificate],
  intermediates: [inter.certificate],
  admins: [admin.certificate],
  revocationLists: [inter.revocationList()],
  nodeOus: { client: 'client', peer: 'peer', admin: 'admin', orderer: 'orderer', certifier: inter.certificate },
  organizationalUnits: [{ unit: 'trade', certificate: inter.certificate }],
  tlsRoots: [tls.certificate],
}

it('an MSP that was written reads back to the same definition and identity', async () => {
  await writeMspFolder(folder, definition, peer)
  expect((await readdir(folder)).sort()).toEqual(
    ['admincerts', 'cacerts', 'config.yaml', 'crls', 'intermediatecerts', 'keystore', 'signcerts', 'tlscacerts'].sort(),
  )
  const read = await readMspFolder(folder, 'Org1MSP')
  expect(mspConfig(read.definition)).toEqual(mspConfig(definition))
  expect(read.certificate).toBe(peer.certificate)
  expect(read.privateKey).toEqual(pemBlock(peer.privateKey!).bytes)
  const signer = provider.signer(serialized(peer), read.privateKey!)
  expect(membershipOf(read.definition).identity(signer.identity).mspId).toBe('Org1MSP')
})

it('the private key is readable by its owner only, and named by its subject key identifier', async () => {
  await writeMspFolder(folder, definition, peer)
  const [name] = await readdir(join(folder, 'keystore'))
  expect(name).toMatch(/^[0-9a-f]{64}_sk$/)
  expect((await stat(join(folder, 'keystore', name!))).mode & 0o077).toBe(0)
})

it('a folder without config.yaml has no NodeOUs, one without signcerts only verifies', async () => {
  await writeMspFolder(folder, definition)
  await unlink(join(folder, 'config.yaml'))
  const read = await readMspFolder(folder, 'Org1MSP')
  expect(read.definition.nodeOus).toBe(false)
  expect(read).toMatchObject({ certificate: undefined, privateKey: undefined })
})

it('a folder without roots, with a file that is no PEM, or with broken YAML is refused by name', async () => {
  const refusal = (text: RegExp) => expect.objectContaining({ code: 'CA_BAD_FOLDER', message: expect.stringMatching(text) })
  await expect(readMspFolder(folder, 'Org1MSP')).rejects.toEqual(refusal(/cacerts/))
  await writeMspFolder(folder, definition, peer)
  await writeFile(join(folder, 'config.yaml'), '{ NodeOUs: [')
  await expect(readMspFolder(folder, 'Org1MSP')).rejects.toEqual(refusal(/config\.yaml/))
  await writeMspFolder(folder, definition, peer)
  await writeFile(join(folder, 'cacerts', 'zzz.pem'), 'nonsense')
  await expect(readMspFolder(folder, 'Org1MSP')).rejects.toEqual(refusal(/zzz\.pem/))
})
