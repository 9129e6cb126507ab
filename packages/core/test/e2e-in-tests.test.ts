import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNetwork, defineChaincode, manualClock, type Network } from '@heddle/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

const two = () =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })
const commitHashes = (network: Network): Set<string> => new Set(network.peers.map((peer) => peer.commitHash('main')))

describe('snapshot and revert', () => {
  it('take chaincodes back: what was deployed since is gone, and its version free', async () => {
    await using network = await two()
    const snapshot = network.snapshot()
    for (const answer of ['first', 'second']) {
      const chaincode = defineChaincode({ get: async () => answer })
      await network.channel('main').deploy('asset', { chaincode, version: '2', endorsement: BOTH })
      await network.channel('main').deploy('other', { chaincode, endorsement: BOTH })
      const gateway = network.gateway('Org1')
      expect(text(await gateway.contract('asset').evaluate('get', 'a'))).toBe(answer)
      expect(text(await gateway.contract('other').evaluate('get', 'a'))).toBe(answer)
      await network.revert(snapshot)
      expect(text(await gateway.contract('asset').evaluate('get', 'a'))).toBe('')
      await expect(gateway.contract('other').evaluate('get', 'a')).rejects.toMatchObject({ code: 'EVALUATE_REFUSED' })
    }
  })

  it('take members and configuration back: an organisation that came since has never come', async () => {
    await using network = await two()
    const snapshot = network.snapshot()
    for (let round = 0; round < 2; round++) {
      await network.channel('main').addOrganization('Org3')
      await network.channel('main').setBatchTimeout(123)
      await network.gateway('Org3').contract('asset').submit('put', 'a', '3')
      await network.revert(snapshot)
      expect(network.peers.map(({ name }) => name)).toEqual(['peer0.org1', 'peer0.org2'])
      expect(network.channel('main').config.sequence).toBe(0)
      await expect(network.gateway('Org3').contract('asset').submit('put', 'a', '4')).rejects.toMatchObject({
        code: 'ENDORSE_REFUSED',
      })
      expect(text(await network.gateway('Org1').contract('asset').evaluate('get', 'a'))).toBe('')
    }
    await network.gateway('Org1').contract('asset').submit('put', 'a', '5')
    expect(commitHashes(network).size).toBe(1)
  })

  it('end what is under way with an error, and go on', async () => {
    await using network = await two()
    const contract = network.gateway('Org1').contract('asset')
    const snapshot = network.snapshot()
    const underWay = Array.from({ length: 20 }, (_, i) => contract.submit('put', `k${i}`, '1'))
    const outcomes = Promise.allSettled(underWay)
    await network.revert(snapshot)
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: expect.any(String), duty: expect.any(String) })
    await contract.submit('put', 'after', '1')
    await network.channel('main').synchronize()
    expect(commitHashes(network).size).toBe(1)
  })

  it('an event stream of before the revert ends', async () => {
    await using network = await two()
    const contract = network.gateway('Org1').contract('asset')
    const snapshot = network.snapshot()
    const seen: number[] = []
    const startBlock = network.channel('main').height
    const reading = (async () => {
      for await (const { number } of network.gateway('Org1').channel('main').blockEvents({ startBlock })) seen.push(number)
    })()
    await contract.submit('put', 'a', '1')
    await contract.submit('put', 'b', '1')
    await network.revert(snapshot)
    await reading.catch(() => {})
    expect(seen.length).toBeLessThanOrEqual(2)
  })

  it('need a network in memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-e2e-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await using network = await createNetwork({ organizations: ['Org1'], base: import.meta.url, storage: { folder } })
    expect(() => network.snapshot()).toThrow(expect.objectContaining({ code: 'NETWORK_NOT_IN_MEMORY' }))
  })
})

describe('a seed', () => {
  const run = async (seed: string) => {
    await using network = await createNetwork({
      organizations: ['Org1', 'Org2'],
      base: import.meta.url,
      seed,
      clock: manualClock(Date.UTC(2031, 0, 1)),
      chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    })
    const ids: string[] = []
    for (const key of ['a', 'b', 'c']) {
      const proposal = network.gateway('Org1').contract('asset').newProposal('put', key, '1')
      ids.push(proposal.getTransactionId())
      await (await (await proposal.endorse()).submit()).getStatus()
    }
    const { certificate, privateKey } = network.organization('Org2').identity('admin')
    const genesis = Buffer.from((await network.channel('main').block(0))!.hash()).toString('hex')
    await network.channel('main').synchronize()
    const hashes = network.peers.map((peer) => peer.commitHash('main'))
    return { ids, certificate, privateKey, genesis, hashes, contents: await network.peers[0]!.contentHash('main') }
  }

  it('makes identities, genesis block, transaction ids and hashes the same each time, another seed others', async () => {
    const first = await run('one')
    expect(await run('one')).toEqual(first)
    const other = await run('two')
    expect(other.ids).not.toEqual(first.ids)
    expect(other.genesis).not.toBe(first.genesis)
    expect(other.privateKey).not.toBe(first.privateKey)
    // The contents do not depend on who wrote them.
    expect(other.contents).toBe(first.contents)
  })
})

describe('a clock that the test moves', () => {
  it('certificates expire by it', async () => {
    const clock = manualClock(Date.UTC(2031, 0, 1))
    await using network = await createNetwork({
      organizations: ['Org1'],
      base: import.meta.url,
      clock,
      chaincodes: { asset: { chaincode: asset } },
    })
    const contract = network.gateway('Org1').contract('asset')
    const prepared = await contract.newProposal('put', 'a', '1').endorse()
    clock.advance(20 * 365 * 86_400_000)
    await expect(contract.submit('put', 'a', '2')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
      data: { details: [{ code: 'ENDORSER_IDENTITY_EXPIRED' }] },
    })
    await expect(prepared.submit()).rejects.toMatchObject({ code: 'SUBMIT_REFUSED' })
  })
})

describe('many networks in one process', () => {
  it('share nothing: identities, clocks, ledgers, the end', async () => {
    const count = 8
    const clocks = Array.from({ length: count }, (_, i) => manualClock(Date.UTC(2030 + i, 0, 1)))
    const networks = await Promise.all(
      clocks.map((clock) =>
        createNetwork({
          organizations: ['Org1', 'Org2'],
          base: import.meta.url,
          clock,
          chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
        }),
      ),
    )
    const submit = (network: Network, i: number) => network.gateway('Org1').contract('asset').submit('add', 'sum', String(i))
    await Promise.all(
      networks.flatMap((network, i) => [submit(network, i), network.gateway('Org2').contract('asset').evaluate('get', 'x')]),
    )
    // A client of one network is a stranger in the next, though the names are the same.
    const stranger = networks[1]!.gateway(networks[0]!.organization('Org1').identity('client'))
    await expect(stranger.contract('asset').submit('put', 'a', '1')).rejects.toMatchObject({ code: 'ENDORSE_REFUSED' })
    await networks[0]!.stop()
    await Promise.all(networks.slice(1).map((network, i) => submit(network, i + 1)))
    const sums = networks.slice(1).map((network) => network.gateway('Org1').contract('asset').evaluate('get', 'sum'))
    expect((await Promise.all(sums)).map(text)).toEqual(Array.from({ length: count - 1 }, (_, i) => String(2 * (i + 1))))
    for (const [i, network] of networks.slice(1).entries()) {
      const block = await network.channel('main').block(network.channel('main').height - 1)
      expect(Number(block?.envelope(0).channelHeader.timestamp?.seconds)).toBe(Date.UTC(2031 + i, 0, 1) / 1000)
      await network.stop()
    }
  })
})
