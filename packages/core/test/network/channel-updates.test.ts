import { createNetwork, type Network } from '@heddle/core'
import { describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './asset.fixture.ts'

const two = (): Promise<Network> =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })

describe('changes of a living channel', () => {
  it('a batch size takes effect at its block', async () => {
    await using network = await two()
    const channel = network.channel('main')
    const { blockNumber } = await channel.setBatchSize({ maxMessageCount: 7 })
    expect(channel.config.ordering.batchSize.maxMessageCount).toBe(7)
    expect(channel.config.sequence).toBe(1)
    expect((await channel.block(blockNumber))?.data).toHaveLength(1)
    await network.gateway('Org1').contract('asset').submit('put', 'a', '1')
  })

  it('an update that too few administrators signed is refused and changes nothing', async () => {
    await using network = await two()
    const channel = network.channel('main')
    const height = channel.height
    await expect(channel.setBatchTimeout(500, { signedBy: ['Org1'] })).rejects.toMatchObject({ duty: 'fix-input' })
    expect(channel.height).toBe(height)
  })

  it('an organisation that is let in endorses, commits and submits', async () => {
    await using network = await two()
    const gateway = network.gateway('Org1')
    await gateway.contract('asset').submit('put', 'a', '1')
    await network.channel('main').addOrganization('Org3')
    await network
      .channel('main')
      .deploy('asset', { chaincode: asset, version: '2.0', endorsement: "AND('Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')" })
    const third = network.gateway('Org3').contract('asset')
    expect(text(await third.evaluate('get', 'a'))).toBe('1')
    await third.submit('put', 'b', '2')
    await network.channel('main').synchronize()
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
    expect(network.peers).toHaveLength(3)
  })

  it('a revoked client is refused from the block of the update on', async () => {
    await using network = await two()
    const mallory = await network.organization('Org1').enrol('mallory')
    const contract = network.gateway(mallory).contract('asset')
    await contract.submit('put', 'a', '1')
    await network.channel('main').revoke('Org1', 'mallory')
    await expect(contract.submit('put', 'a', '2')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
      data: { details: [{ code: 'ENDORSER_IDENTITY_REFUSED' }, expect.anything()] },
    })
    await network.gateway('Org1').contract('asset').submit('put', 'a', '3')
  })

  it('a chaincode is upgraded while transactions flow; those in between are retried', async () => {
    await using network = await two()
    const contract = network.gateway('Org1').contract('asset')
    let running = true
    let committed = 0
    const flow = Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        for (let i = 0; running; i++, committed++) await contract.submit('put', `${worker}-${i}`, 'x', { retryConflicts: 5 })
      }),
    )
    await network.channel('main').deploy('asset', {
      chaincode: {
        async invoke() {
          return 'second'
        },
      },
      version: '2',
      endorsement: BOTH,
    })
    const before = committed
    running = false
    await flow
    expect(before).toBeGreaterThan(0)
    expect(text(await contract.evaluate('anything'))).toBe('second')
  })
})
