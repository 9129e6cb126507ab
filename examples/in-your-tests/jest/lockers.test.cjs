// CommonJS, to show that it works; a test that is an ES module works the same way.
const { createNetwork, manualClock } = require('@heddle/core')
const { default: lockers } = require('../src/lockers.js')

const DAY = 24 * 60 * 60 * 1000
const clock = manualClock()
let network
let empty

beforeAll(async () => {
  network = await createNetwork({
    organizations: ['Courier', 'Shop'],
    chaincodes: { lockers: { chaincode: lockers, endorsement: "AND('CourierMSP.peer', 'ShopMSP.peer')" } },
    seed: 'lockers',
    clock,
  })
  empty = network.snapshot()
})
afterAll(() => network.stop())
beforeEach(() => network.revert(empty))

test('a parcel is collected once', async () => {
  await network.gateway('Courier').contract('lockers').submit('store', 'A1', 'parcel-1')
  const shop = network.gateway('Shop').contract('lockers')
  expect(Buffer.from(await shop.submit('collect', 'A1')).toString()).toBe('parcel-1')
  await expect(shop.submit('collect', 'A1')).rejects.toMatchObject({
    code: 'ENDORSE_REFUSED',
    message: expect.stringContaining('locker A1 is empty'),
  })
})

test('a parcel goes back after three days', async () => {
  await network.gateway('Courier').contract('lockers').submit('store', 'A1', 'parcel-1')
  clock.advance(3 * DAY + 1)
  await expect(network.gateway('Shop').contract('lockers').submit('collect', 'A1')).rejects.toThrow('parcel-1 has gone back')
})
