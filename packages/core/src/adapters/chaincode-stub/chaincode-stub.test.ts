import { describe, expect, it } from 'vitest'
import { object, signedProposal, type TestPeer, testPeer } from '../../flow/endorse/endorsement.fixture.ts'
import type { ChaincodeStub } from './chaincode-stub.ts'
import { createCompositeKey, splitCompositeKey } from './composite-key.ts'
import { KeyEndorsementPolicy } from './key-endorsement-policy.ts'

/** Runs a function as a chaincode, and gives what it returned. */
async function run<T>(act: (stub: ChaincodeStub) => T | Promise<T>, state: Record<string, string> = {}, parts = {}): Promise<T> {
  const peer: TestPeer = testPeer()
  let result: T | undefined
  let thrown: unknown
  await peer.define(
    'cc',
    object(async (stub: ChaincodeStub) => {
      try {
        result = await act(stub)
      } catch (error) {
        thrown = error
      }
    }),
  )
  if (Object.keys(state).length > 0) peer.put('cc', state)
  await peer.endorser.processProposal(signedProposal({ args: ['fn', 'a', 'b'], ...parts }))
  if (thrown !== undefined) throw thrown
  return result as T
}

describe('what the proposal says', () => {
  it('arguments, as text, buffers, or function and parameters', async () => {
    expect(await run((stub) => stub.getArgs())).toEqual(['fn', 'a', 'b'])
    expect(await run((stub) => stub.getBufferArgs().map(String))).toEqual(['fn', 'a', 'b'])
    expect(await run((stub) => stub.getFunctionAndParameters())).toEqual({ fcn: 'fn', params: ['a', 'b'] })
    expect(await run((stub) => stub.getFunctionAndParameters(), {}, { args: [] })).toEqual({ fcn: '', params: [] })
  })

  it('time, creator, channel, transient data and binding, equal on every endorser', async () => {
    const { seconds, nanos } = await run((stub) => stub.getTxTimestamp())
    expect([seconds.toNumber(), seconds.low, nanos]).toEqual([1_700_000_000, 1_700_000_000, 123_456_789])
    expect((await run((stub) => stub.getDateTimestamp())).getTime()).toBe(1_700_000_000_123)
    expect(await run((stub) => stub.getCreator().mspid)).toBe('Org1MSP')
    expect(await run((stub) => Buffer.from(stub.getCreator().idBytes).toString())).toBe('client')
    expect(await run((stub) => stub.getChannelID())).toBe('ch')
    expect(await run((stub) => stub.getTxID())).toMatch(/^[0-9a-f]{64}$/)
    expect(await run((stub) => stub.getBinding())).toMatch(/^[0-9a-f]{64}$/)
    expect(String((await run((stub) => stub.getTransient(), {}, { transient: { t: Buffer.from('secret') } })).get('t'))).toBe(
      'secret',
    )
    expect((await run((stub) => stub.getSignedProposal())).proposal.header.channelHeader.channelId).toBe('ch')
    expect(await run((stub) => stub.getMspID())).toBe('Org1MSP')
  })
})

describe('state', () => {
  it('an absent key reads as an empty buffer', async () => {
    const value = await run((stub) => stub.getState('none'))
    expect(Buffer.isBuffer(value) && value.length === 0).toBe(true)
  })

  it('reads several keys in their order', async () => {
    expect((await run((stub) => stub.getMultipleStates(['b', 'none', 'a']), { a: '1', b: '2' })).map(String)).toEqual([
      '2',
      '',
      '1',
    ])
  })

  it('what chaincode does to a buffer it got, or gave, changes nothing', async () => {
    const again = await run(
      async (stub) => {
        const value = await stub.getState('a')
        value.fill(0)
        return (await stub.getState('a')).toString()
      },
      { a: '1' },
    )
    expect(again).toBe('1')
  })

  it.each<[string, (stub: ChaincodeStub) => unknown]>([
    ['a key that is no text', (stub) => stub.getState(7 as never)],
    ['a value that is no bytes', (stub) => stub.putState('a', { a: 1 } as never)],
    ['a list of keys that is none', (stub) => stub.getMultipleStates('a' as never)],
    ['a page size that is no number', (stub) => stub.getStateByRangeWithPagination('', '', '2' as never)],
  ])('%s is refused', async (_name, act) => {
    await expect(run(act)).rejects.toMatchObject({ code: 'CHAINCODE_BAD_ARGUMENT' })
  })

  it('a rejection that nobody awaits does not reach the process', async () => {
    let unhandled = 0
    const count = (): void => void unhandled++
    process.on('unhandledRejection', count)
    try {
      await run((stub) => void stub.getState(7 as never))
      await run((stub) => void stub.getStateByRange('\u0000', ''))
      await new Promise(setImmediate)
    } finally {
      process.off('unhandledRejection', count)
    }
    expect(unhandled).toBe(0)
  })
})

describe('queries', () => {
  const state = { a: '1', b: '2', c: '3', [createCompositeKey('t', ['x'])]: '4', [createCompositeKey('t', ['y', 'z'])]: '5' }

  it('a range with an empty start leaves composite keys hidden', async () => {
    const keys = await run(async (stub) => {
      const found: string[] = []
      for await (const { key } of stub.getStateByRange('', '')) found.push(key)
      return found
    }, state)
    expect(keys).toEqual(['a', 'b', 'c'])
  })

  it('a simple bound that begins with U+0000 is refused', async () => {
    for (const [start, end] of [
      ['\u0000a', ''],
      ['', '\u0000'],
    ]) {
      await expect(run((stub) => stub.getStateByRange(start!, end!))).rejects.toMatchObject({ code: 'CHAINCODE_BAD_KEY' })
    }
  })

  it('results come from next() until done, and close() frees the query', async () => {
    const seen = await run(async (stub) => {
      const iterator = await stub.getStateByRange('a', 'c')
      const first = await iterator.next()
      const second = await iterator.next()
      const end = await iterator.next()
      await iterator.close()
      return [first.value?.key, String(second.value?.value), end.done]
    }, state)
    expect(seen).toEqual(['a', '2', true])
  })

  it('partial composite keys find those with more parts', async () => {
    const keys = await run(async (stub) => {
      const found: string[][] = []
      for await (const { key } of stub.getStateByPartialCompositeKey('t', [])) found.push(stub.splitCompositeKey(key).attributes)
      return found
    }, state)
    expect(keys).toEqual([['x'], ['y', 'z']])
  })

  it('a page comes with its count and bookmark', async () => {
    const { metadata, key } = await run(async (stub) => {
      const result = await stub.getStateByRangeWithPagination('a', '', 2)
      return { metadata: result.metadata, key: (await result.iterator.next()).value?.key }
    }, state)
    expect([metadata, key]).toEqual([{ bookmark: 'c', fetchedRecordsCount: 2 }, 'a'])
  })

  it('a range longer than a batch is read to its end', async () => {
    const many = Object.fromEntries(Array.from({ length: 321 }, (_, i) => [`k${String(i).padStart(3, '0')}`, 'v']))
    const count = await run(async (stub) => {
      let found = 0
      for await (const _ of stub.getStateByRange('k', 'l')) found++
      return found
    }, many)
    expect(count).toBe(321)
  })
})

describe('composite keys', () => {
  it('are U+0000, type, U+0000, and each attribute with U+0000', () => {
    expect(createCompositeKey('t', ['a', 'b'])).toBe('\u0000t\u0000a\u0000b\u0000')
    expect(splitCompositeKey('\u0000t\u0000a\u0000b\u0000')).toEqual({ objectType: 't', attributes: ['a', 'b'] })
    expect(splitCompositeKey('simple')).toEqual({ objectType: null, attributes: [] })
  })

  it.each([
    ['', ['a']],
    ['t', ['']],
    ['t\u0000', []],
    ['t', ['\u{10ffff}']],
    ['t', ['\ud800']],
    ['t', [7 as never]],
  ])('parts that are empty, not valid text, or hold U+0000 or U+10FFFF are refused: %j %j', (type, attributes) => {
    expect(() => createCompositeKey(type, attributes)).toThrow(expect.objectContaining({ code: 'CHAINCODE_BAD_KEY' }))
  })
})

it('private data is refused as not supported yet, everywhere but for hashes', async () => {
  const calls: ((stub: ChaincodeStub) => Promise<unknown>)[] = [
    (stub) => stub.getPrivateData('c', 'k'),
    (stub) => stub.getMultiplePrivateData('c', ['k']),
    (stub) => stub.putPrivateData('c', 'k', 'v'),
    (stub) => stub.deletePrivateData('c', 'k'),
    (stub) => stub.purgePrivateData('c', 'k'),
    (stub) => stub.setPrivateDataValidationParameter('c', 'k', Buffer.alloc(0)),
    (stub) => stub.getPrivateDataValidationParameter('c', 'k'),
    (stub) => stub.getPrivateDataByRange('c', 'a', 'b'),
    (stub) => stub.getPrivateDataByPartialCompositeKey('c', 't', []),
    (stub) => stub.getPrivateDataQueryResult('c', '{}'),
  ]
  for (const call of calls) await expect(run(call)).rejects.toMatchObject({ code: 'PRIVATE_DATA_NOT_SUPPORTED' })
})

it('a key endorsement policy reads back what it was built from', () => {
  const policy = new KeyEndorsementPolicy()
  policy.addOrgs('PEER', 'Org1MSP', 'Org2MSP')
  policy.addOrgs('MEMBER', 'Org3MSP')
  policy.delOrgs('Org2MSP')
  const again = new KeyEndorsementPolicy(policy.getPolicy())
  expect(again.listOrgs()).toEqual(['Org1MSP', 'Org3MSP'])
  expect(again.getPolicy()).toEqual(policy.getPolicy())
  expect(() => policy.addOrgs('OWNER', 'Org1MSP')).toThrow(expect.objectContaining({ code: 'CHAINCODE_BAD_ARGUMENT' }))
})

it('has every public method of fabric-shim', async () => {
  const { createRequire } = await import('node:module')
  const Theirs = createRequire(import.meta.url)('fabric-shim/lib/stub.js') as new () => object
  const methods = Object.getOwnPropertyNames(Theirs.prototype as object).filter(
    (name) => name !== 'constructor' && !name.startsWith('_'),
  )
  const missing = await run((stub) =>
    methods.filter((name) => typeof (stub as unknown as Record<string, unknown>)[name] !== 'function'),
  )
  expect(missing).toEqual([])
  expect(methods.length).toBeGreaterThan(30)
})
