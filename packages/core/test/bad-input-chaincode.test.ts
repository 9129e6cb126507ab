import { type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectHealthy, expectVerified, failure, startNetwork } from './bad-input.fixture.ts'
import { BOTH } from './network/asset.fixture.ts'

const hostile = '../src/adapters/chaincode-worker/hostile-chaincode.fixture.ts'
let network: Network
beforeAll(async () => {
  const endorsement = BOTH
  network = await startNetwork({
    chaincodes: {
      hostile: { module: hostile, endorsement, timeout: 1_500, runtime: { use: 'worker' } },
      garbage: { module: hostile, export: 'garbage', endorsement, runtime: 'worker' },
      // Each organisation's peer runs code of its own under one definition.
      clock: {
        chaincode: {
          invoke: async (stub: { putState(k: string, v: Uint8Array): Promise<void> }) =>
            stub.putState('now', Buffer.from(String(++ticks))),
        },
        endorsement,
      },
      huge: { chaincode: { invoke: () => Buffer.alloc(9 * 1024 * 1024) }, endorsement },
      silent: { chaincode: { invoke: () => new Promise(() => {}) }, endorsement, timeout: 200 },
    },
  })
}, 60_000)
let ticks = 0
afterAll(() => network.stop())

const call = (name: string, ...args: string[]) =>
  failure(
    network
      .gateway('Org1')
      .contract('hostile')
      .submit(name, ...args),
  )

/** What the endorsers said, as codes. */
const codes = ({ data }: { data?: Record<string, unknown> }) =>
  new Set((data!.details as { code?: string; message: string }[]).map(({ code, message }) => code ?? message))

describe('a chaincode that misbehaves costs its caller an EndorseError and nobody else anything', () => {
  it('throws, or rejects', async () => {
    const error = await call('throws')
    expect(error).toMatchObject({ name: 'EndorseError', code: 'ENDORSE_REFUSED', data: { status: 500 } })
    expect(error.message).toContain('no')
    expect(await call('rejects')).toMatchObject({ code: 'ENDORSE_REFUSED', data: { status: 500 } })
    await expectHealthy(network)
  })

  const cases: Record<string, readonly string[]> = {
    hangs: ['CHAINCODE_TIMEOUT'],
    loops: ['CHAINCODE_TIMEOUT'],
    loopsAfterRead: ['CHAINCODE_TIMEOUT'],
    exits: ['CHAINCODE_CRASHED'],
    exitsAfterRead: ['CHAINCODE_CRASHED'],
    strays: ['CHAINCODE_CRASHED'],
    forges: ['CHAINCODE_CRASHED', 'CHAINCODE_TIMEOUT', 'CHAINCODE_BAD_RESPONSE'],
  }
  for (const [name, expected] of Object.entries(cases))
    it(name, async () => {
      const error = await call(name, 'key')
      expect(error).toMatchObject({ name: 'EndorseError', code: 'ENDORSE_REFUSED' })
      for (const code of codes(error)) expect(expected).toContain(code)
      // The same chaincode serves the next one, in a thread of its own.
      await network.gateway('Org1').contract('hostile').submit('put', 'after', name)
      await expectHealthy(network)
    })

  it('is asked by twenty at once, of whom half hang: the others are answered', async () => {
    const contract = network.gateway('Org1').contract('hostile')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? contract.submit('hangs') : contract.submit('put', `beside ${i}`, 'x'))),
    )
    for (const [i, outcome] of outcomes.entries()) expect(outcome.status).toBe(i % 2 === 0 ? 'rejected' : 'fulfilled')
  })

  it('answers with garbage', async () => {
    const error = await failure(network.gateway('Org1').contract('garbage').submit('any'))
    expect(error).toMatchObject({ name: 'EndorseError', code: 'ENDORSE_REFUSED' })
    expect(codes(error)).toEqual(new Set(['CHAINCODE_BAD_RESPONSE']))
  })

  it('answers with more than fits', async () => {
    const error = await failure(network.gateway('Org1').contract('huge').submit('any'))
    expect(error).toMatchObject({ name: 'EndorseError', code: 'ENDORSE_REFUSED' })
    expect(codes(error)).toEqual(new Set(['CHAINCODE_RESPONSE_TOO_LARGE']))
  })

  it('never answers, on the host’s own thread', async () => {
    const error = await failure(network.gateway('Org1').contract('silent').submit('any'))
    expect(codes(error)).toEqual(new Set(['CHAINCODE_TIMEOUT']))
    await expectHealthy(network)
  })

  it('writes what differs between endorsers: the error shows both', async () => {
    const error = await failure(network.gateway('Org1').contract('clock').submit('any'))
    expect(error).toMatchObject({
      name: 'EndorseError',
      code: 'ENDORSERS_DISAGREE',
      data: { difference: { kind: 'write', namespace: 'clock', key: 'now' }, endorsers: ['peer0.org1', 'peer0.org2'] },
    })
    expect(error.message).toContain('now')
  })

  it('and nothing of it is on the ledger', async () => {
    await expectHealthy(network)
    await expectVerified(network)
  })
})
