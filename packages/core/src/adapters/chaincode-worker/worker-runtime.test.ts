import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ManualClock, rwsetOf, type TestPeer, testPeer } from '../../flow/endorse/endorsement.fixture.ts'
import { defaultSimulationLimits } from '../../flow/endorse/limits.ts'
import type { ChaincodeSource } from '../../ports/chaincode.ts'
import { SystemClock } from './system-clock.fixture.ts'
import { WorkerRuntime } from './worker-runtime.ts'

const hostile = (name?: string): ChaincodeSource => ({
  kind: 'module',
  url: new URL('./hostile-chaincode.fixture.ts', import.meta.url).href,
  ...(name === undefined ? {} : { export: name }),
})

const text = (payload: Uint8Array | undefined): string => Buffer.from(payload ?? []).toString()

describe('chaincode in a worker', () => {
  const runtime = new WorkerRuntime('Org1MSP', new SystemClock(), { memoryLimit: 64, grace: 50 })
  let peer: TestPeer

  beforeAll(async () => {
    // Real time, for threads run in it; long enough for the slowest machine where the limit is not what is tested.
    peer = testPeer({ runtime, clock: new SystemClock(), timeLimit: 20_000 })
    await peer.define('cc', hostile())
    peer.put('cc', { a: '1', b: '2' })
  })
  afterAll(() => runtime.stop())

  const invoke = (...args: string[]) => peer.invoke({ args })

  it('reads, writes and sets events as on any other runtime', async () => {
    const response = await invoke('rmw', 'a', '7')
    expect(text(response.response?.payload)).toBe('1')
    expect(rwsetOf(response).cc).toMatchObject({ reads: [{ key: 'a' }], writes: [{ key: 'a', value: Uint8Array.of(55) }] })
  })

  it('makes the same bytes as the inline runtime', async () => {
    const inline = testPeer()
    await inline.define('cc', hostile())
    inline.put('cc', { a: '1', b: '2' })
    for (const args of [['rmw', 'a', '7'], ['sum', 'a', 'b'], ['count', '', ''], ['put', 'c', '1'], ['pagedThenWrite']]) {
      const nonce = Buffer.from(args.join())
      const [one, other] = await Promise.all([peer.invoke({ args, nonce }), inline.invoke({ args, nonce })])
      expect(Buffer.from(one.payload).toString('hex')).toBe(Buffer.from(other.payload).toString('hex'))
    }
  })

  it('answers what is asked in one turn together', async () => {
    expect(text((await invoke('sum', 'a', 'b', 'a')).response?.payload)).toBe('4')
  })

  it('turns what is thrown and rejected into a response of status 500', async () => {
    expect((await invoke('throws')).response).toMatchObject({ status: 500, message: 'no' })
    expect((await invoke('rejects')).response).toMatchObject({ status: 500, message: 'not now' })
    expect((await invoke('badKey')).response?.status).toBe(500)
  })

  it('lets chaincode catch a write after a paged query', async () => {
    expect(text((await invoke('pagedThenWrite')).response?.payload)).toBe('CHAINCODE_PAGED_QUERY_AND_WRITE')
  })

  it('fails an invocation whose write the host refuses', async () => {
    const size = String(defaultSimulationLimits.maxValueBytes + 1)
    await expect(invoke('tooLarge', size)).rejects.toMatchObject({ code: 'CHAINCODE_VALUE_TOO_LARGE' })
  })

  it('survives process.exit, and starts the chaincode again', async () => {
    await expect(invoke('exits')).rejects.toMatchObject({ code: 'CHAINCODE_CRASHED' })
    await expect(invoke('exitsAfterRead', 'a')).rejects.toMatchObject({ code: 'CHAINCODE_CRASHED', data: { exitCode: 4 } })
    expect(text((await invoke('get', 'a')).response?.payload)).toBe('1')
  })

  it('survives an error thrown outside an invocation', async () => {
    await expect(invoke('strays')).rejects.toMatchObject({ code: 'CHAINCODE_CRASHED' })
    expect(text((await invoke('get', 'a')).response?.payload)).toBe('1')
  })

  it('survives a chaincode that runs out of memory', async () => {
    await expect(invoke('eats')).rejects.toMatchObject({ code: 'CHAINCODE_CRASHED' })
    expect(text((await invoke('get', 'a')).response?.payload)).toBe('1')
  })

  it('survives messages that chaincode forges', async () => {
    await expect(invoke('forges')).rejects.toMatchObject({ code: 'CHAINCODE_CRASHED' })
    expect(text((await invoke('get', 'a')).response?.payload)).toBe('1')
  })

  it('refuses garbage, objects and modules without a chaincode with a typed error', async () => {
    await peer.define('garbage', hostile('garbage'))
    await expect(peer.invoke({ chaincode: 'garbage' })).rejects.toMatchObject({ code: 'CHAINCODE_BAD_RESPONSE' })
    await expect(runtime.load('x', hostile('notAChaincode'))).rejects.toMatchObject({ code: 'CHAINCODE_LOAD_FAILED' })
    await expect(runtime.load('x', hostile('absent'))).rejects.toMatchObject({ code: 'CHAINCODE_LOAD_FAILED' })
    await expect(runtime.load('x', { kind: 'object', value: {} })).rejects.toMatchObject({ code: 'CHAINCODE_LOAD_FAILED' })
    await expect(runtime.load('x', { kind: 'module', url: 'file:///nowhere.ts' })).rejects.toMatchObject({
      code: 'CHAINCODE_LOAD_FAILED',
    })
  })
})

describe('a worker at the time limit', () => {
  const clock = new ManualClock()
  const runtime = new WorkerRuntime('Org1MSP', new SystemClock(), { grace: 50 })
  let peer: TestPeer

  beforeAll(async () => {
    peer = testPeer({ runtime, clock, timeLimit: 1_000 })
    await peer.define('cc', hostile())
    peer.put('cc', { a: '1' })
  })
  afterEach(() => clock.advance(5_000))
  afterAll(() => runtime.stop())

  it('gives up a chaincode that never settles, and keeps the thread', async () => {
    const first = text((await peer.invoke({ args: ['counts'] })).response?.payload)
    const hanging = peer.invoke({ args: ['hangs'] })
    // An answer to a later invocation tells that the hanging one is under way.
    await peer.invoke({ args: ['get', 'a'] })
    clock.advance(1_000)
    await expect(hanging).rejects.toMatchObject({ code: 'CHAINCODE_TIMEOUT' })
    expect(Number(text((await peer.invoke({ args: ['counts'] })).response?.payload))).toBe(Number(first) + 1)
  })

  it('ends an endless loop, and runs what had not begun on another thread', async () => {
    const looping = peer.invoke({ args: ['loops'] })
    const expired = expect(looping).rejects.toMatchObject({ code: 'CHAINCODE_TIMEOUT' })
    // Each turn of the host's event loop sends what was begun in it.
    await setImmediate()
    clock.advance(500)
    const behind = peer.invoke({ args: ['get', 'a'] })
    await setImmediate()
    clock.advance(500)
    await expired
    expect(text((await behind).response?.payload)).toBe('1')
    expect(text((await peer.invoke({ args: ['counts'] })).response?.payload)).toBe('1')
  })
})
