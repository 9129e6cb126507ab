import { createNetwork, manualClock } from '@heddle/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import lockers from '../src/lockers.js'

const DAY = 24 * 60 * 60 * 1000
const text = (bytes) => Buffer.from(bytes).toString()

const clock = manualClock()
let network
let empty
let courier
let shop

beforeAll(async () => {
  network = await createNetwork({
    organizations: ['Courier', 'Shop'],
    chaincodes: { lockers: { chaincode: lockers, endorsement: "AND('CourierMSP.peer', 'ShopMSP.peer')" } },
    seed: 'lockers',
    clock,
  })
  empty = network.snapshot()
  courier = network.gateway('Courier').contract('lockers')
  shop = network.gateway('Shop').contract('lockers')
})
afterAll(() => network.stop())

// What one test commits, the next one never sees.
beforeEach(() => network.revert(empty))

describe('a parcel', () => {
  it('is collected once', async () => {
    await courier.submit('store', 'A1', 'parcel-1')
    expect(text(await shop.submit('collect', 'A1'))).toBe('parcel-1')
    await expect(shop.submit('collect', 'A1')).rejects.toMatchObject({
      code: 'ENDORSE_REFUSED',
      message: expect.stringContaining('locker A1 is empty'),
    })
  })

  it('goes back after three days', async () => {
    await courier.submit('store', 'A1', 'parcel-1')
    clock.advance(3 * DAY + 1)
    await expect(shop.submit('collect', 'A1')).rejects.toThrow('parcel-1 has gone back')
  })

  it('is stored by a courier only', async () => {
    const refusal = await shop.submit('store', 'A1', 'parcel-1').catch((error) => error)
    expect(refusal).toMatchObject({ code: 'ENDORSE_REFUSED', duty: 'fix-input' })
    expect(refusal.data.details.map(({ mspId }) => mspId).sort()).toEqual(['CourierMSP', 'ShopMSP'])
  })
})

describe('a locker', () => {
  it('takes one of two parcels that come at the same moment', async () => {
    const [first, second] = await Promise.all([
      courier.newProposal('store', 'A1', 'parcel-1').endorse(),
      courier.newProposal('store', 'A1', 'parcel-2').endorse(),
    ])
    const winner = await (await first.submit()).getStatus()
    const loser = await (await second.submit()).getStatus()
    expect([winner.status, loser.status]).toEqual(['VALID', 'MVCC_READ_CONFLICT'])
    expect(loser.conflict).toMatchObject({ key: 'A1', transactionId: first.getTransactionId() })
  })

  it('shows what it holds to the other organisation', async () => {
    await courier.submit('store', 'A1', 'parcel-1')
    // A submit waits for the peer of its own organisation; the others commit a moment later.
    await network.channel('main').synchronize()
    expect(text(await shop.evaluate('look', 'A1'))).toBe('parcel-1')
  })

  it('tells that it was filled', async () => {
    await courier.submit('store', 'A1', 'parcel-1')
    for await (const { eventName, payload } of network
      .gateway('Shop')
      .channel('main')
      .chaincodeEvents('lockers', { startBlock: 1 })) {
      expect([eventName, text(payload)]).toEqual(['stored', 'A1'])
      break
    }
  })
})
