import { createNetwork, manualClock } from '@heddle/core'
import { describe, expect, it } from 'vitest'
import { asset, BOTH, text } from './asset.fixture.ts'

const chaincodes = { asset: { chaincode: asset, endorsement: BOTH } }

describe('networks for tests', () => {
  it('reverts to a snapshot: what was committed since has never happened', async () => {
    await using network = await createNetwork({ organizations: ['Org1', 'Org2'], base: import.meta.url, chaincodes })
    const contract = network.gateway('Org1').contract('asset')
    await contract.submit('put', 'a', 'before')
    const height = network.channel('main').height
    const snapshot = network.snapshot()
    for (const round of [1, 2]) {
      await contract.submit('put', 'a', `after ${round}`)
      await network.revert(snapshot)
      expect(text(await contract.evaluate('get', 'a'))).toBe('before')
      expect(network.channel('main').height).toBe(height)
    }
    await contract.submit('put', 'a', 'on we go')
    expect(text(await contract.evaluate('get', 'a'))).toBe('on we go')
  })

  it('a seed makes the same identities each time', async () => {
    const options = { organizations: ['Org1'], base: import.meta.url, seed: 'my tests', clock: manualClock() }
    await using first = await createNetwork(options)
    await using second = await createNetwork({ ...options, clock: manualClock() })
    expect(first.organization('Org1').identity('client')).toMatchObject({
      certificate: second.organization('Org1').identity('client').certificate,
      privateKey: second.organization('Org1').identity('client').privateKey,
    })
  })

  it('a clock that stands still holds nothing back, and transactions carry its time', async () => {
    const clock = manualClock(Date.UTC(2031, 4, 6))
    const times = {
      async invoke(stub: { getDateTimestamp(): Date }) {
        return stub.getDateTimestamp().toISOString()
      },
    }
    await using network = await createNetwork({
      organizations: ['Org1'],
      base: import.meta.url,
      clock,
      chaincodes: { times: { chaincode: times } },
    })
    const contract = network.gateway('Org1').contract('times')
    expect(text(await contract.submit('now'))).toBe('2031-05-06T00:00:00.000Z')
    clock.advance(86_400_000)
    expect(text(await contract.submit('now'))).toBe('2031-05-07T00:00:00.000Z')
  })

  it('many networks live side by side', async () => {
    const networks = await Promise.all(
      Array.from({ length: 4 }, () =>
        createNetwork({ organizations: ['Org1'], base: import.meta.url, chaincodes: { asset: { chaincode: asset } } }),
      ),
    )
    await Promise.all(networks.map((network, i) => network.gateway('Org1').contract('asset').submit('put', 'a', String(i))))
    const values = await Promise.all(networks.map((network) => network.gateway('Org1').contract('asset').evaluate('get', 'a')))
    expect(values.map(text)).toEqual(['0', '1', '2', '3'])
    await Promise.all(networks.map((network) => network.stop()))
  })
})
