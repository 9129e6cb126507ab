import { createNetwork, type Network } from '@heddle/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asset, text } from './asset.fixture.ts'

let network: Network
beforeEach(async () => {
  network = await createNetwork({
    organizations: ['Org1', { name: 'Org2', peers: 2 }],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: "AND('Org1MSP.peer','Org2MSP.peer')" } },
  })
})
afterEach(() => network.stop())

describe('nodes that come and go', () => {
  it('another peer of the organisation endorses for one that is down', async () => {
    await network.peer('peer0.org2').stop()
    const contract = network.gateway('Org1').contract('asset')
    for (const key of ['a', 'b', 'c']) await contract.submit('put', key, '1')
    await network.peer('peer0.org2').start()
    await network.channel('main').synchronize()
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
  })

  it('without any peer of a needed organisation the error says that the policy cannot be satisfied', async () => {
    await network.peer('peer0.org2').stop()
    await network.peer('peer1.org2').stop()
    const contract = network.gateway('Org1').contract('asset')
    await expect(contract.submit('put', 'a', '1')).rejects.toMatchObject({
      code: 'ENDORSE_POLICY_UNSATISFIABLE',
      data: { peers: ['peer0.org1'] },
    })
    await expect(contract.submit('put', 'a', '1', { endorsingOrganizations: ['Org1MSP', 'Org2MSP'] })).rejects.toMatchObject({
      code: 'ENDORSE_UNAVAILABLE',
    })
  })

  it('without an orderer nothing is ordered, and the same transaction can be submitted when it is back', async () => {
    const contract = network.gateway('Org1').contract('asset')
    const transaction = await contract.newProposal('put', 'a', '1').endorse()
    await network.orderer('orderer0.orderer').stop()
    await expect(transaction.submit()).rejects.toMatchObject({ code: 'SUBMIT_UNAVAILABLE', duty: 'retry' })
    await network.orderer('orderer0.orderer').start()
    expect(await (await transaction.submit()).getStatus()).toMatchObject({ successful: true })
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
  })

  it('the same transaction submitted twice counts once', async () => {
    const contract = network.gateway('Org1').contract('asset')
    const transaction = await contract.newProposal('add', 'a', '1').endorse()
    const first = await (await transaction.submit()).getStatus()
    const second = await (await transaction.submit()).getStatus()
    expect(first.successful).toBe(true)
    expect(second).toEqual(first)
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
  })

  it('a gateway goes on through another organisation when its own peers are down', async () => {
    const contract = network.gateway('Org1').contract('asset')
    await contract.submit('put', 'a', '1')
    await network.peer('peer0.org1').stop()
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
  })

  it('an event stream survives the stop of its peer', async () => {
    const gateway = network.gateway('Org2')
    const start = network.channel('main').height
    const seen: number[] = []
    const reading = (async () => {
      for await (const block of gateway.channel('main').blockEvents({ startBlock: start })) {
        seen.push(block.number)
        if (seen.length === 2) return
      }
    })()
    await gateway.contract('asset').submit('put', 'a', '1')
    await network.peer('peer0.org2').stop()
    await gateway.contract('asset').submit('put', 'b', '1')
    await reading
    expect(seen).toEqual([start, start + 1])
  })
})
