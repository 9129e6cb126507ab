import assert from 'node:assert/strict'
import { after, before, beforeEach, it } from 'node:test'
import { createNetwork, manualClock } from '@heddle/core'
import lockers from '../src/lockers.js'

const DAY = 24 * 60 * 60 * 1000
const START = Date.UTC(2030, 0, 1)
const clock = manualClock(START)
let network
let filled

before(async () => {
  network = await createNetwork({
    organizations: ['Courier', 'Shop'],
    chaincodes: { lockers: { chaincode: lockers, endorsement: "AND('CourierMSP.peer', 'ShopMSP.peer')" } },
    seed: 'lockers',
    clock,
  })
  await network.gateway('Courier').contract('lockers').submit('store', 'A1', 'parcel-1')
  filled = network.snapshot()
})
after(() => network.stop())
// Ledgers go back to the snapshot; the clock is the test's own to set.
beforeEach(async () => {
  await network.revert(filled)
  clock.setTime(START)
})

it('a parcel is collected once', async () => {
  const shop = network.gateway('Shop').contract('lockers')
  assert.equal(Buffer.from(await shop.submit('collect', 'A1')).toString(), 'parcel-1')
  await assert.rejects(shop.submit('collect', 'A1'), { code: 'ENDORSE_REFUSED', message: /locker A1 is empty/ })
})

it('a parcel goes back after three days', async () => {
  clock.advance(3 * DAY + 1)
  await assert.rejects(network.gateway('Shop').contract('lockers').submit('collect', 'A1'), /parcel-1 has gone back/)
})

it('one organisation alone cannot empty a locker', async () => {
  const shop = network.gateway('Shop').contract('lockers')
  // The shop asks its own peer only, and sends what that endorsed.
  const transaction = await shop.newProposal('collect', 'A1', { endorsingOrganizations: ['ShopMSP'] }).endorse()
  const { status } = await (await transaction.submit()).getStatus()
  assert.equal(status, 'ENDORSEMENT_POLICY_FAILURE')
})
