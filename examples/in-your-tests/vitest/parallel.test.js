import { createNetwork, manualClock } from '@heddle/core'
import { describe, expect, it } from 'vitest'
import lockers from '../src/lockers.js'

const network = () =>
  createNetwork({
    organizations: ['Courier', 'Shop'],
    chaincodes: { lockers: { chaincode: lockers } },
    seed: 'lockers',
    clock: manualClock(),
  })

/** Each test has a network of its own, and so may run beside the others: vitest runs this file beside lockers.test.js, too. */
describe.concurrent('networks share nothing', () => {
  for (const parcel of ['parcel-1', 'parcel-2', 'parcel-3', 'parcel-4']) {
    it(`every one has room for ${parcel} in the same locker`, async () => {
      await using own = await network()
      const courier = own.gateway('Courier').contract('lockers')
      await courier.submit('store', 'A1', parcel)
      expect(Buffer.from(await courier.evaluate('look', 'A1')).toString()).toBe(parcel)
    })
  }

  it('the same seed at the same time gives the same keys and certificates', async () => {
    await using first = await network()
    await using second = await network()
    const [one, other] = [first, second].map((each) => each.organization('Shop').identity('client').certificate)
    expect(one).toBe(other)
  })
})
