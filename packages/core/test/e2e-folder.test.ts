import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createNetwork,
  definePlugin,
  fileCheckpointer,
  type Network,
  type NetworkOptions,
  parseSignaturePolicy,
  verifyFolder,
} from '@heddle/core'
import { ApplicationPolicy, ApproveChaincodeDefinitionForMyOrgArgs } from '@heddle/core/model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-e2e-'))
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
const asset1 = (network: Network, who = 'Org1') => network.gateway(who).channel('main').contract('asset')
const commitHashes = (network: Network): Set<string> => new Set(network.peers.map((peer) => peer.commitHash('main')))

/** What a network approves when it deploys `asset`. */
const approval = ApproveChaincodeDefinitionForMyOrgArgs.encode({
  sequence: 1,
  name: 'asset',
  version: '1.0',
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: ApplicationPolicy.encode({ signaturePolicy: parseSignaturePolicy(BOTH) }),
  initRequired: false,
  source: {
    localPackage: { packageId: `asset_1.0:${createHash('sha256').update('heddle\0asset\0').update('1.0').digest('hex')}` },
  },
})

describe('a network in a folder, opened again', () => {
  it('goes on where every node was: heights, commit hashes, contents', async () => {
    const first = await open()
    for (const key of ['a', 'b', 'c']) await asset1(first).submit('put', key, '1')
    await first.channel('main').synchronize()
    const before = { hashes: [...commitHashes(first)], height: first.channel('main').height }
    const contents = await first.peers[0]!.contentHash('main')
    await first.stop()
    await using second = await open()
    expect({ hashes: [...commitHashes(second)], height: second.channel('main').height }).toEqual(before)
    expect(second.orderer('orderer0.orderer').height('main')).toBe(before.height)
    expect(await second.peers[1]!.contentHash('main')).toBe(contents)
    await asset1(second).submit('put', 'd', '1')
    await second.channel('main').synchronize()
    expect(commitHashes(second).size).toBe(1)
  })

  it('an organisation that came later is there again, by a configuration that names it or one that does not', async () => {
    const first = await open()
    await first.channel('main').addOrganization('Org3')
    await asset1(first, 'Org3').submit('put', 'a', '3')
    await first.stop()
    const named = await open({ organizations: ['Org1', 'Org2', 'Org3'] })
    expect(text(await asset1(named, 'Org3').evaluate('get', 'a'))).toBe('3')
    await asset1(named, 'Org3').submit('put', 'a', '4')
    await named.channel('main').synchronize()
    expect(commitHashes(named).size).toBe(1)
    await named.stop()
    const differs = open()
    await expect(differs).rejects.toMatchObject({ code: 'CONFIG_DIFFERS_FROM_LEDGER', message: expect.stringContaining('Org3') })
  })

  it.each(['one approval', 'two approvals', 'the whole deployment'])(
    'a start that a crash broke off goes on where it was: %s is ordered, and no peer has read it yet',
    async (done) => {
      const first = await open(done === 'the whole deployment' ? {} : { chaincodes: {} })
      if (done !== 'the whole deployment') {
        for (const name of done === 'one approval' ? ['Org1'] : ['Org1', 'Org2']) {
          await first
            .gateway(name, { as: 'admin' })
            .contract('_lifecycle')
            .submit('ApproveChaincodeDefinitionForMyOrg', approval, {
              endorsingOrganizations: [`${name}MSP`],
            })
        }
      }
      await first.stop()
      for (const name of ['Org1', 'Org2']) await rm(join(folder, 'nodes', `peer0.${name.toLowerCase()}`), { recursive: true })
      await using second = await open()
      await asset1(second).submit('put', 'a', '1')
      await second.channel('main').synchronize()
      expect(commitHashes(second).size).toBe(1)
    },
  )

  it('a revoked certificate stays revoked', async () => {
    const first = await open()
    const mallory = await first.organization('Org1').enrol('mallory')
    await first.channel('main').revoke('Org1', 'mallory')
    await first.stop()
    await using second = await open()
    const again = second.gateway('Org1', { as: 'mallory' })
    expect(second.organization('Org1').identity('mallory').certificate).toBe(mallory.certificate)
    await expect(again.contract('asset').submit('put', 'a', '1')).rejects.toMatchObject({ code: 'ENDORSE_REFUSED' })
  })

  it('events go on after the checkpoint in a file: none is missed, none comes twice', async () => {
    const path = join(folder, 'checkpoint.json')
    const take = async (network: Network, count: number): Promise<string[]> => {
      const checkpoint = await fileCheckpointer(path)
      const seen: string[] = []
      const channel = network.gateway('Org1').channel('main')
      for await (const event of channel.chaincodeEvents('asset', { startBlock: 0, checkpoint })) {
        seen.push(text(event.payload))
        await checkpoint.checkpointChaincodeEvent(event)
        if (seen.length === count) break
      }
      return seen
    }
    const first = await open()
    for (const key of ['a', 'b', 'c']) await asset1(first).submit('put', key, '1')
    // Several events in one block, too.
    await Promise.all(['d', 'e', 'f'].map((key) => asset1(first).submit('put', key, '1')))
    expect(await take(first, 4)).toEqual(['a', 'b', 'c', expect.any(String)])
    await first.stop()
    await using second = await open()
    await asset1(second).submit('put', 'g', '1')
    const rest = await take(second, 3)
    expect(rest.at(-1)).toBe('g')
    expect(rest.slice(0, 2)).toHaveLength(2)
    expect(['d', 'e', 'f']).toEqual(expect.arrayContaining(rest.slice(0, 2)))
  })

  it('block events go on after the checkpoint', async () => {
    const path = join(folder, 'checkpoint.json')
    const take = async (network: Network, count: number): Promise<number[]> => {
      const checkpoint = await fileCheckpointer(path)
      const seen: number[] = []
      for await (const { number } of network.gateway('Org1').channel('main').blockEvents({ startBlock: 0, checkpoint })) {
        seen.push(number)
        await checkpoint.checkpointBlock(number)
        if (seen.length === count) break
      }
      return seen
    }
    const first = await open()
    expect(await take(first, 2)).toEqual([0, 1])
    await first.stop()
    await using second = await open()
    expect(await take(second, 2)).toEqual([2, 3])
  })

  it('the fate of a transaction can be asked for after the restart', async () => {
    const first = await open()
    const commit = await (await asset1(first).newProposal('put', 'a', '1').endorse()).submit()
    const status = await commit.getStatus()
    await first.stop()
    await using second = await open()
    expect(await second.gateway('Org1').newCommit(commit.getBytes()).getStatus()).toEqual(status)
    expect(await second.gateway('Org2').newCommit(commit.getBytes()).getStatus()).toEqual(status)
  })

  it('what was endorsed before counts when it is submitted after', async () => {
    const first = await open()
    const bytes = (await asset1(first).newProposal('add', 'n', '1').endorse()).getBytes()
    await first.stop()
    await using second = await open()
    const transaction = second.gateway('Org1').newTransaction(bytes)
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    expect(text(await asset1(second).evaluate('get', 'n'))).toBe('1')
  })

  it('refuses another ordering type, batch, policy, access rule or membership, and names each', async () => {
    await (await open({ channels: { main: { batch: { maxMessages: 10 } } } })).stop()
    const { default: solo } = await import('@heddle/consensus-solo')
    const other = definePlugin<'ordering'>({
      name: 'other-ordering',
      provides: 'ordering',
      capabilities: { faultModel: 'none', simulable: true, nodes: { min: 1 } },
      create: (context) => solo.create(context, {}),
    })
    const cases: [Partial<NetworkOptions>, string][] = [
      [{ ordering: other }, '/Channel/Orderer/ConsensusType'],
      [{ channels: { main: { batch: { maxMessages: 11 } } } }, '/Channel/Orderer/BatchSize'],
      [{ channels: { main: { batch: { timeout: 77 } } } }, '/Channel/Orderer/BatchTimeout'],
      [{ channels: { main: { policies: { Writers: "OR('Org1MSP.member')" } } } }, '/Channel/Application/Writers'],
      [{ channels: { main: { acls: { 'peer/Propose': '/Channel/Application/Admins' } } } }, '/Channel/Application/ACLs'],
      [{ channels: { main: { organizations: ['Org1'] } }, chaincodes: {} }, '/Channel/Application/'],
    ]
    for (const [options, path] of cases) {
      const outcome = await open(options).then(
        async (network) => network.stop().then(() => `opened in spite of ${path}`),
        (error: { code: string; data: { differences: { path: string }[] } }) => [error.code, error.data.differences[0]?.path],
      )
      expect(outcome).toEqual(['CONFIG_DIFFERS_FROM_LEDGER', expect.stringContaining(path)])
    }
    await (await open()).stop()
  })
})

describe('nodes of a network in a folder', () => {
  it('each goes on alone after a stop, while the others work', async () => {
    await using network = await open({ organizations: ['Org1', { name: 'Org2', peers: 2 }] })
    for (const name of ['peer0.org2', 'peer1.org2']) {
      await network.peer(name).stop()
      for (const key of ['a', 'b']) await asset1(network).submit('put', `${name} ${key}`, '1')
      await network.peer(name).start()
    }
    await network.orderer('orderer0.orderer').stop()
    await network.orderer('orderer0.orderer').start()
    await asset1(network).submit('put', 'last', '1')
    await network.channel('main').synchronize()
    expect(commitHashes(network).size).toBe(1)
    for (const peer of network.peers) expect(peer.height('main')).toBe(network.channel('main').height)
  })

  it('a new organisation’s peer catches up from block 0 and equals the others; the folder verifies', async () => {
    const network = await open()
    await Promise.all(Array.from({ length: 30 }, (_, i) => asset1(network).submit('put', `k${i}`, String(i))))
    await network.channel('main').addOrganization('Org3')
    await network.channel('main').synchronize()
    const [first, , newcomer] = network.peers
    expect(newcomer!.commitHash('main')).toBe(first!.commitHash('main'))
    expect(await newcomer!.contentHash('main')).toBe(await first!.contentHash('main'))
    const path = newcomer!.ledgerPath('main')!
    await network.stop()
    expect(await verifyFolder(path)).toMatchObject({ flagsEqual: true, commitHashEqual: true })
  })

  it('the same transactions give the same contentHash on LevelDB and in memory', async () => {
    const work = async (network: Network) => {
      for (const [key, value] of [
        ['b', '2'],
        ['a', '1'],
        ['c', ''],
        ['b', '3'],
      ] as const)
        await asset1(network).submit('put', key, value)
      await network.channel('main').synchronize()
      return Promise.all(network.peers.map((peer) => peer.contentHash('main')))
    }
    await using onDisk = await open()
    await using inMemory = await createNetwork({
      organizations: ['Org1', 'Org2'],
      base: import.meta.url,
      chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    })
    expect([onDisk.status().stateDb, inMemory.status().stateDb]).toEqual([
      '@heddle/core/level-state',
      '@heddle/core/memory-state',
    ])
    const hashes = [...(await work(onDisk)), ...(await work(inMemory))]
    expect(new Set(hashes).size).toBe(1)
  })
})
