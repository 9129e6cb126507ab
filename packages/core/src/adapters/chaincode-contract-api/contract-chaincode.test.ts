import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { actionOf, rwsetOf, type TestPeer, testPeer } from '../../flow/endorse/endorsement.fixture.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { SystemClock } from '../chaincode-worker/system-clock.fixture.ts'
import { WorkerRuntime } from '../chaincode-worker/worker-runtime.ts'
import { testCertificate } from './certificate.fixture.ts'

const url = new URL('./asset-contract.fixture.cjs', import.meta.url).href
const creator = SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes: Buffer.from(testCertificate) })
const text = (payload: Uint8Array | undefined): string => Buffer.from(payload ?? []).toString()

const runtime = new WorkerRuntime('Org1MSP', new SystemClock(), { memoryLimit: 256 })
afterAll(() => runtime.stop())

async function inlinePeer(): Promise<TestPeer> {
  const peer = testPeer()
  await peer.define('asset', { kind: 'module', url })
  return peer
}

async function workerPeer(): Promise<TestPeer> {
  const peer = testPeer({ runtime, clock: new SystemClock() })
  await peer.define('asset', { kind: 'module', url })
  return peer
}

describe.each([
  ['inline', inlinePeer],
  ['worker', workerPeer],
])('an unmodified fabric-contract-api contract (%s)', (_name, start) => {
  it('runs its transactions with stub, client identity and events', async () => {
    const peer = await start()
    const invoke = (...args: string[]) => peer.invoke({ chaincode: 'asset', args, creator })
    const created = await invoke('CreateAsset', 'a1', '7')
    expect(created.response?.status).toBe(200)
    expect(text(rwsetOf(created).asset?.writes[0]?.value)).toBe('{"id":"a1","value":"7","owner":"Org1MSP"}')
    expect(actionOf(created).events.length).toBeGreaterThan(0)
    peer.put('asset', { a1: '{"id":"a1"}' })
    expect(text((await invoke('ReadAsset', 'a1')).response?.payload)).toBe('{"id":"a1"}')
    expect(text((await invoke('AssetContract:AllAssets')).response?.payload)).toBe('["a1"]')
    expect(text((await invoke('other:Seconds')).response?.payload)).toBe('1700000000')
  })

  it('answers what a transaction throws, and a name it does not know, with status 500', async () => {
    const peer = await start()
    const failed = await peer.invoke({ chaincode: 'asset', args: ['ReadAsset', 'none'], creator })
    expect(failed.response).toMatchObject({ status: 500, message: 'asset none does not exist' })
    expect(failed.endorsement).toBeUndefined()
    expect((await peer.invoke({ chaincode: 'asset', args: ['NoSuch'], creator })).response?.status).toBe(500)
  })
})

it('two contracts in one process keep their own default, types and titles, however often each is loaded', async () => {
  const module = (name: string) => ({
    kind: 'module' as const,
    url: new URL(`./decorated-${name}.fixture.cjs`, import.meta.url).href,
  })
  for (let round = 0; round < 2; round++) {
    const peer = testPeer()
    await Promise.all([peer.define('one', module('one')), peer.define('two', module('two'))])
    const invoke = (chaincode: string, size: unknown) =>
      peer.invoke({ chaincode, args: ['Put', JSON.stringify({ size })], creator })
    expect(text((await invoke('one', 'big')).response?.payload)).toBe('string')
    expect(text((await invoke('two', 7)).response?.payload)).toBe('number')
    // The schema of each is checked: a number where text is due is refused.
    expect((await invoke('one', 7)).response?.status).toBe(500)
  }
})

it('loading a contract leaves no listeners on the process that swallow errors', async () => {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => process.listenerCount(event))
  await inlinePeer()
  expect(events.map((event) => process.listenerCount(event))).toEqual(before)
})

it('a chaincode without contracts never names fabric-shim', () => {
  for (const file of [
    '../chaincode-stub/chaincode-stub.ts',
    '../chaincode-inline/inline-runtime.ts',
    '../chaincode-worker/worker.ts',
  ]) {
    expect(readFileSync(new URL(file, import.meta.url), 'utf8')).not.toMatch(
      /from '(fabric-shim|fabric-contract-api)|contract-chaincode/,
    )
  }
})
