import { createNetwork } from '@heddle/core'
import { describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './asset.fixture.ts'

const two = () =>
  createNetwork({
    organizations: ['Org1', 'Org2'],
    base: import.meta.url,
    chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
  })

describe('createNetwork', () => {
  it('composes two organisations with one chaincode; both peers commit what a client submits', async () => {
    await using network = await two()
    const contract = network.gateway('Org1').contract('asset')
    await contract.submit('put', 'a', '1')
    expect(text(await contract.evaluate('get', 'a'))).toBe('1')
    await network.channel('main').synchronize()
    const [first, second] = network.peers
    expect(first!.commitHash('main')).toBe(second!.commitHash('main'))
    expect(first!.commitHash('main')).toMatch(/^[0-9a-f]{64}$/)
    expect(await first!.contentHash('main')).toBe(await second!.contentHash('main'))
  })

  it('isolates channels from each other', async () => {
    await using network = await createNetwork({
      organizations: ['Org1', 'Org2'],
      base: import.meta.url,
      channels: { red: {}, blue: { organizations: ['Org1'] } },
      chaincodes: { asset: { chaincode: asset, endorsement: "OR('Org1MSP.peer')" } },
    })
    const gateway = network.gateway('Org1')
    await gateway.channel('red').contract('asset').submit('put', 'a', 'red')
    await gateway.channel('blue').contract('asset').submit('put', 'a', 'blue')
    expect(text(await gateway.channel('red').contract('asset').evaluate('get', 'a'))).toBe('red')
    expect(text(await gateway.channel('blue').contract('asset').evaluate('get', 'a'))).toBe('blue')
    expect(() => network.peer('peer0.org2').height('blue')).toThrow(/has not joined channel 'blue'/)
    await expect(network.gateway('Org2').channel('blue').contract('asset').submit('put', 'a', 'x')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
    })
  })

  it('stops in order, twice without harm, and then refuses calls', async () => {
    const network = await two()
    const contract = network.gateway('Org1').contract('asset')
    await network.stop()
    await network.stop()
    await expect(contract.submit('put', 'a', '1')).rejects.toMatchObject({ code: 'ENDORSE_UNAVAILABLE' })
  })

  it('ends what was started when something fails on the way', async () => {
    const stopped: string[] = []
    const failing = {
      name: 'failing',
      provides: 'dissemination',
      api: 1,
      capabilities: {},
      create: () => ({
        start: async () => Promise.reject(new Error('no way')),
        stop: async () => void stopped.push('dissemination'),
      }),
    }
    await expect(
      createNetwork({ organizations: ['Org1'], base: import.meta.url, dissemination: failing as never }),
    ).rejects.toThrow('no way')
    expect(stopped).toEqual(['dissemination'])
  })

  it('names an unknown organisation, identity, channel or peer with the nearest right one', async () => {
    await using network = await two()
    expect(() => network.gateway('Orgg1')).toThrow(/no organisation 'Orgg1'; did you mean 'Org1'\?/)
    expect(() => network.gateway('Org1', { as: 'clent' })).toThrow(/no identity 'clent'; did you mean 'client'\?/)
    expect(() => network.channel('mian')).toThrow(/no channel 'mian'; did you mean 'main'\?/)
    expect(() => network.peer('peer0.org3')).toThrow(/did you mean 'peer0.org/)
  })
})
