import { configEdits, createNetwork, type Network, type NetworkOptions } from '@heddle/core'
import { afterEach, describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './network/asset.fixture.ts'

let network: Network
afterEach(() => network.stop())

const open = async (options: Partial<NetworkOptions> = {}): Promise<Network> => {
  network = await createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
    ...options,
  })
  return network
}
const asset1 = (who = 'Org1') => network.gateway(who).channel('main').contract('asset')
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const commitHashes = (): Set<string> => new Set(network.peers.map((peer) => peer.commitHash('main')))

describe('an organisation that comes later', () => {
  it('commits the whole chain from block 0, and its endorsement counts from then on', async () => {
    await open()
    for (const key of ['a', 'b', 'c']) await asset1().submit('put', key, '1')
    await network.channel('main').addOrganization({ name: 'Org3', peers: 2, clients: ['carol'] })
    const newcomer = network.peer('peer1.org3')
    expect((await newcomer.block('main', 0))?.number).toBe(0)
    expect(newcomer.height('main')).toBe(network.channel('main').height)
    expect(newcomer.commitHash('main')).toBe(network.peer('peer0.org1').commitHash('main'))
    expect(await newcomer.contentHash('main')).toBe(await network.peer('peer0.org1').contentHash('main'))
    await network.channel('main').deploy('asset', {
      chaincode: asset,
      version: '2',
      endorsement: "AND('Org1MSP.peer','Org3MSP.peer')",
    })
    const transaction = await asset1('Org3').newProposal('put', 'd', '1').endorse()
    expect([...transaction.getEndorsers()].sort()).toEqual(['Org1MSP', 'Org3MSP'])
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    await network.channel('main').synchronize()
    expect(commitHashes().size).toBe(1)
  })

  it('one that is in the network already joins with the peers that it has', async () => {
    await open({
      organizations: ['Org1', { name: 'Org2', peers: ['anchor', 'second'] }],
      channels: { main: { organizations: ['Org1'] }, other: {} },
      chaincodes: { asset: { chaincode: asset, endorsement: '/Channel/Application/Endorsement' } },
    })
    await asset1().submit('put', 'a', '1')
    await network.channel('main').addOrganization('Org2')
    expect(network.peers.map(({ name }) => name)).toEqual(['peer0.org1', 'anchor.org2', 'second.org2'])
    expect(text(await asset1('Org2').evaluate('get', 'a'))).toBe('1')
    const transaction = await asset1('Org2').newProposal('put', 'b', '1').endorse()
    expect([...transaction.getEndorsers()].sort()).toEqual(['Org1MSP', 'Org2MSP'])
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    await network.channel('main').synchronize()
    expect(commitHashes().size).toBe(1)
  })

  it('cannot come without the consent of a majority', async () => {
    await open()
    const height = network.channel('main').height
    const refused = await failure(network.channel('main').addOrganization('Org3', { signedBy: ['Org1'] }))
    expect(refused).toMatchObject({ duty: 'fix-input' })
    expect(network.channel('main').height).toBe(height)
    expect(await failure(asset1('Org3').submit('put', 'a', '1'))).toMatchObject({ code: 'ENDORSE_REFUSED' })
    // With consent it goes on from there.
    await network.channel('main').addOrganization('Org3')
    expect(network.peer('peer0.org3').height('main')).toBe(network.channel('main').height)
  })
})

describe('config updates', () => {
  it('a batch size counts from the next block on', async () => {
    await open()
    const { blockNumber } = await network.channel('main').setBatchSize({ maxMessageCount: 2 })
    await Promise.all(Array.from({ length: 25 }, (_, i) => asset1().submit('put', `k${i}`, '1')))
    let transactions = 0
    for await (const block of network.channel('main').blocks(blockNumber + 1)) {
      expect(block.data.length).toBeLessThanOrEqual(2)
      transactions += block.data.length
    }
    expect(transactions).toBe(25)
  })

  it('a larger message than the channel admits is refused at broadcast', async () => {
    await open()
    await network.channel('main').setBatchSize({ absoluteMaxBytes: 20_000, preferredMaxBytes: 10_000 })
    expect(await failure(asset1().submit('put', 'a', 'x'.repeat(30_000)))).toMatchObject({ code: 'SUBMIT_REFUSED' })
    await asset1().submit('put', 'a', 'x')
  })

  it('two at once that touch the same element: one comes through, the other is told to be computed anew', async () => {
    await open()
    const channel = network.channel('main')
    const outcomes = await Promise.allSettled([channel.setBatchTimeout(500), channel.setBatchTimeout(700)])
    const lost = outcomes.find((each) => each.status === 'rejected')
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(lost?.reason).toMatchObject({ code: expect.any(String), duty: expect.any(String) })
    expect(channel.config.sequence).toBe(1)
    // Again, on what is in force now.
    await channel.setBatchTimeout(700)
    expect(channel.config.ordering.batchTimeout).toBe(700)
    expect(channel.config.sequence).toBe(2)
  })

  it('two at once that touch different elements both come through', async () => {
    await open()
    const channel = network.channel('main')
    await Promise.all([channel.setBatchTimeout(500), channel.setAcls({ 'peer/Propose': '/Channel/Application/Admins' })])
    expect(channel.config.ordering.batchTimeout).toBe(500)
    expect(channel.config.acls.get('peer/Propose')).toBe('/Channel/Application/Admins')
    expect(channel.config.sequence).toBe(2)
  })

  it('an update that changes nothing is refused', async () => {
    await open()
    expect(await failure(network.channel('main').update((config) => config))).toMatchObject({ duty: 'fix-input' })
  })

  it('nodes restarted afterwards have the new configuration', async () => {
    await open()
    await network.channel('main').setBatchTimeout(500)
    await network.orderer('orderer0.orderer').stop()
    await network.peer('peer0.org1').stop()
    await network.orderer('orderer0.orderer').start()
    await network.peer('peer0.org1').start()
    expect(network.channel('main').config.ordering.batchTimeout).toBe(500)
    expect(network.orderer('orderer0.orderer').height('main')).toBe(network.channel('main').height)
    await asset1().submit('put', 'a', '1')
  })

  it('an access rule is in force at once: who may not propose is refused', async () => {
    await open()
    await network.channel('main').setAcls({ 'peer/Propose': '/Channel/Application/Org1/Admins' })
    expect(await failure(asset1().submit('put', 'a', '1'))).toMatchObject({
      code: 'ENDORSE_REFUSED',
      data: { details: [{ code: 'ENDORSER_ACCESS_DENIED' }, expect.anything()] },
    })
    await network.gateway('Org1', { as: 'admin' }).contract('asset').submit('put', 'a', '1')
  })

  it('a changed writers policy is in force at propose and at broadcast', async () => {
    await open()
    const prepared = await asset1('Org2').newProposal('put', 'a', '1').endorse()
    await network.channel('main').setPolicy('/Channel/Application/Org2/Writers', "OR('Org2MSP.admin')")
    expect(await failure(prepared.submit())).toMatchObject({ code: 'SUBMIT_REFUSED' })
    expect(await failure(asset1('Org2').submit('put', 'a', '1'))).toMatchObject({ code: 'ENDORSE_REFUSED' })
    await network.gateway('Org2', { as: 'admin' }).contract('asset').submit('put', 'a', '1')
  })

  it('a changed endorsement policy of the channel counts for chaincodes that refer to it', async () => {
    await open({ chaincodes: { asset: { chaincode: asset } } })
    expect((await asset1().newProposal('put', 'a', '1').endorse()).getEndorsers()).toHaveLength(2)
    await network.channel('main').setPolicy('/Channel/Application/Endorsement', 'ANY Endorsement')
    const transaction = await asset1().newProposal('put', 'a', '1').endorse()
    expect(transaction.getEndorsers()).toEqual(['Org1MSP'])
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
  })

  it('any edit of the decoded configuration goes, as long as those sign whom its policy names', async () => {
    await open()
    const edit = (config: Parameters<typeof configEdits.setBatchTimeout>[0]) => configEdits.setBatchTimeout(config, 250)
    expect(await failure(network.channel('main').update(edit, { signedBy: ['Org1', 'Org2'] }))).toMatchObject({
      duty: 'fix-input',
    })
    await network.channel('main').update(edit, { signedBy: ['Orderer'] })
    expect(network.channel('main').config.ordering.batchTimeout).toBe(250)
  })

  it('an unknown signer is named', async () => {
    await open()
    expect(await failure(network.channel('main').setBatchTimeout(1, { signedBy: ['Ordrer'] }))).toMatchObject({
      code: 'NETWORK_UNKNOWN_NAME',
      message: expect.stringContaining("did you mean 'Orderer'?"),
    })
  })
})

describe('a revoked certificate', () => {
  it('is refused at propose, at broadcast, and for events; others of its organisation are not', async () => {
    await open()
    const mallory = await network.organization('Org1').enrol('mallory')
    const gateway = network.gateway(mallory)
    const prepared = await gateway.contract('asset').newProposal('put', 'a', '1').endorse()
    await network.channel('main').revoke('Org1', 'mallory')
    expect(await failure(prepared.submit())).toMatchObject({ code: 'SUBMIT_REFUSED' })
    expect(await failure(gateway.contract('asset').evaluate('get', 'a'))).toMatchObject({ code: 'EVALUATE_REFUSED' })
    const events = async (): Promise<void> => {
      for await (const block of gateway.channel('main').blockEvents({ startBlock: 0 })) throw new Error(`block ${block.number}`)
    }
    expect(await failure(events())).toMatchObject({ code: 'EVENTS_REFUSED' })
    await asset1().submit('put', 'a', '1')
  })

  it('a peer’s: its endorsement counts for nothing, and the gateway asks another one', async () => {
    await open({ organizations: ['Org1', { name: 'Org2', peers: 2 }] })
    await network.channel('main').revoke('Org2', 'peer0.org2')
    for (const key of ['a', 'b', 'c']) await asset1().submit('put', key, '1')
    await network.channel('main').synchronize()
    expect(commitHashes().size).toBe(1)
  })

  it('what it signed before is flagged when it is ordered after', async () => {
    await open()
    const mallory = await network.organization('Org1').enrol('mallory')
    const prepared = await network.gateway(mallory).contract('asset').newProposal('put', 'a', '1').endorse()
    // In flight at once: whichever is ordered first decides. Either it is committed before, or refused or flagged.
    const [outcome] = await Promise.all([
      prepared
        .submit()
        .then((commit) => commit.getStatus())
        .catch((error: unknown) => error as { code: string }),
      network.channel('main').revoke('Org1', 'mallory'),
    ])
    const fate = 'status' in outcome ? outcome.status : outcome.code
    expect(['VALID', 'BAD_CREATOR_SIGNATURE', 'SUBMIT_REFUSED']).toContain(fate)
    await network.channel('main').synchronize()
    expect(commitHashes().size).toBe(1)
  })
})
