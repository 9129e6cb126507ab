import { seededRandom } from '@heddle/core/plugin'
import { expect, it } from 'vitest'
import { addressOf, DialPlan } from './dial-plan.ts'

const LIMITS = { own: 3, others: 1, parallel: 2, backOff: { min: 100, max: 1_000 }, addresses: 5 }
const plan = (): DialPlan => new DialPlan('Org1', LIMITS, seededRandom('dials'))

it('dials as many as are wanted, a few at a time', () => {
  const dials = plan()
  for (let i = 0; i < 5; i++) dials.add(`/a${i}`, 'bootstrap', { mspId: 'Org1' })
  const first = dials.due(0, [])
  expect(first).toHaveLength(2)
  expect(dials.due(0, [])).toEqual([])
  for (const [i, address] of first.entries()) dials.succeeded(address, { peer: `p${i}`, mspId: 'Org1' })
  const connected = first.map((_, i) => ({ peer: `p${i}`, mspId: 'Org1' }))
  expect(dials.due(1, connected)).toHaveLength(1)
})

it('takes a few of other organisations, and the own one first', () => {
  const dials = plan()
  dials.add('/other0', 'exchange', { mspId: 'Org2' })
  dials.add('/other1', 'exchange', { mspId: 'Org2' })
  dials.add('/own', 'exchange', { mspId: 'Org1' })
  const due = dials.due(0, [])
  expect(due[0]).toBe('/own')
  expect(due).toHaveLength(2)
})

it('leaves an address alone that failed, longer each time, and not for ever', () => {
  const dials = plan()
  dials.add('/a', 'bootstrap')
  let now = 0
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    expect(dials.due(now, [])).toEqual(['/a'])
    dials.failed('/a', now)
    const at = dials.wakeAt(now)!
    expect(dials.due(at - 1, [])).toEqual([])
    waits.push(at - now)
    now = at
  }
  expect(waits[0]).toBeLessThanOrEqual(100)
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_000)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(500)
})

it('knows a bounded number of addresses, and forgets none that an operator wrote', () => {
  const dials = plan()
  for (let i = 0; i < 3; i++) dials.add(`/written${i}`, 'bootstrap')
  for (let i = 0; i < 100; i++) dials.add(`/told${i}`, 'exchange')
  expect(dials.size).toBe(5)
  const all = new Set<string>()
  for (let round = 0; round < 10; round++)
    for (const address of dials.due(round * 10_000, [])) {
      all.add(address)
      dials.failed(address, round * 10_000)
    }
  expect([...all]).toEqual(expect.arrayContaining(['/written0', '/written1', '/written2']))
})

it('does not dial itself twice, nor who is connected', () => {
  const dials = plan()
  dials.add('/me', 'bootstrap')
  expect(dials.due(0, [])).toEqual(['/me'])
  dials.isSelf('/me')
  dials.add('/me', 'bootstrap')
  expect(dials.size).toBe(0)
  dials.add('/friend', 'exchange', { mspId: 'Org1', peer: 'p' })
  expect(dials.due(0, [{ peer: 'p', mspId: 'Org1' }])).toEqual([])
  expect(dials.hasUntried([{ peer: 'p', mspId: 'Org1' }])).toBe(false)
  expect(dials.hasUntried([])).toBe(true)
})

it('writes anchor peers as multiaddrs', () => {
  expect(addressOf({ host: 'peer0.example.com', port: 7051 })).toBe('/dns/peer0.example.com/tcp/7051')
  expect(addressOf({ host: '10.0.0.1', port: 1 })).toBe('/ip4/10.0.0.1/tcp/1')
  expect(addressOf({ host: '::1', port: 1 })).toBe('/ip6/::1/tcp/1')
})
