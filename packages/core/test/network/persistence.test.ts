import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetwork, type Network, type NetworkOptions } from '@heddle/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './asset.fixture.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-network-'))
})
afterEach(() => rm(folder, { recursive: true }))

const open = (options: Partial<NetworkOptions> = {}): Promise<Network> =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    storage: { folder },
    ...options,
  })

describe('a network in a folder', () => {
  it('goes on after a restart with its identities, channel and data', async () => {
    const first = await open()
    await first.organization('Org1').enrol('alice', { attributes: { role: 'buyer' } })
    await first.gateway('Org1', { as: 'alice' }).contract('asset').submit('put', 'a', '1')
    const { certificate } = first.organization('Org1').identity('alice')
    const height = first.channel('main').height
    await first.stop()

    await using second = await open()
    expect(second.organization('Org1').identity('alice').certificate).toBe(certificate)
    expect(second.channel('main').height).toBe(height)
    const contract = second.gateway('Org1', { as: 'alice' }).contract('asset')
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
    await contract.submit('put', 'a', '2')
    await second.organization('Org1').enrol('bob')
    await second.gateway('Org1', { as: 'bob' }).contract('asset').submit('put', 'b', '2')
  })

  it('lays identities out as the test network of Fabric does', async () => {
    await using network = await open()
    expect(network.status().stateDb).toBe('@heddle/core/level-state')
    const organization = join(folder, 'organizations/peerOrganizations/org1')
    expect(await readdir(organization)).toEqual(['ca', 'members.json', 'msp', 'peers', 'users'])
    expect(await readdir(join(organization, 'users/Client@org1/msp'))).toEqual([
      'cacerts',
      'config.yaml',
      'keystore',
      'signcerts',
    ])
  })

  it('refuses a configuration that differs from the ledger, and lists the differences', async () => {
    await (await open()).stop()
    const other = open({ channels: { main: { batch: { maxMessages: 3 } } } })
    await expect(other).rejects.toMatchObject({
      code: 'CONFIG_DIFFERS_FROM_LEDGER',
      data: { differences: [{ path: '/Channel/Orderer/BatchSize/maxMessageCount', configured: '3', ledger: '500' }] },
    })
    const policy = open({ chaincodes: { asset: { chaincode: asset, endorsement: "OR('Org1MSP.peer')" } } })
    await expect(policy).rejects.toMatchObject({
      code: 'CONFIG_DIFFERS_FROM_LEDGER',
      message: expect.stringContaining('say sequence: 2'),
    })
    await using same = await open()
    expect(same.channel('main').height).toBeGreaterThan(2)
  })

  it('upgrades a chaincode when the configuration gives the next sequence', async () => {
    await (await open()).stop()
    await using network = await open({
      chaincodes: { asset: { chaincode: asset, endorsement: "OR('Org1MSP.peer')", sequence: 2, version: '2.0' } },
    })
    await network.gateway('Org1').contract('asset').submit('put', 'a', '1')
  })

  it('refuses a second process on the same folder', async () => {
    await using network = await open()
    await expect(open()).rejects.toMatchObject({ code: 'DISK_LOCKED' })
    expect(network.peers).toHaveLength(2)
  })
})
