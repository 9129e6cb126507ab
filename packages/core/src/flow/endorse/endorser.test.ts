import { describe, expect, it } from 'vitest'
import { defineChaincode } from '../../adapters/chaincode-stub/chaincode.ts'
import type { ChaincodeStub } from '../../adapters/chaincode-stub/chaincode-stub.ts'
import { ChaincodeEvent } from '../../model/messages/chaincode-event.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { ChaincodeHeaderExtension } from '../../model/messages/proposal.ts'
import { ProposalResponsePayload } from '../../model/messages/proposal-response.ts'
import { transactionId } from '../../model/transaction-id.ts'
import {
  actionOf,
  fakeConfig,
  fakeSignature,
  identityBytes,
  object,
  type ProposalParts,
  rwsetOf,
  signedProposal,
  type TestPeer,
  type TestPeerOptions,
  testPeer,
} from './endorsement.fixture.ts'
import type { EndorserChannel } from './endorser-channel.ts'
import { defaultSimulationLimits } from './limits.ts'
import { parseProposal } from './proposal.ts'

const text = (payload: Uint8Array | undefined): string => Buffer.from(payload ?? []).toString()

const basic = defineChaincode({
  put: (stub, key, value) => stub.putState(key!, value!),
  get: (stub, key) => stub.getState(key!),
  event: (stub, name) => stub.setEvent(name!, 'payload'),
  status: (stub, status, message) => ({ status: Number(status), message, payload: stub.getTxID() }) as never,
  throws() {
    throw new Error('no')
  },
  hangs: () => new Promise(() => {}),
  async calls(stub, name, ...args) {
    stub.setEvent('outer', '')
    const { status, payload } = await stub.invokeChaincode(name!, args)
    return `${status} ${payload}`
  },
  async callsOn(stub, channel, name, ...args) {
    return (await stub.invokeChaincode(name!, args, channel)).payload
  },
})

/** Returns a response as it stands, which defineChaincode would send as JSON. */
const responder = (stub: ChaincodeStub) => {
  const [status, message] = stub.getStringArgs()
  stub.setEvent('e', 'p')
  return { status: Number(status), message, payload: Buffer.from('p') }
}

async function peerWith(options: TestPeerOptions = {}): Promise<TestPeer> {
  const peer = testPeer(options)
  await peer.define('cc', object(basic))
  return peer
}

describe('a proposal is refused', () => {
  it.each<[string, ProposalParts, string]>([
    ['for a header of another type', { type: HeaderType.MESSAGE }, 'ENDORSER_BAD_PROPOSAL'],
    ['for an epoch that is not zero', { epoch: 1 }, 'ENDORSER_BAD_PROPOSAL'],
    ['for an empty nonce', { nonce: new Uint8Array(0) }, 'ENDORSER_BAD_PROPOSAL'],
    ['for an empty creator', { creator: new Uint8Array(0) }, 'ENDORSER_BAD_PROPOSAL'],
    ['for a transaction id that is not the hash of nonce and creator', { txId: 'f'.repeat(64) }, 'ENDORSER_BAD_PROPOSAL'],
    ['for a header that names no chaincode', { extension: new Uint8Array(0) }, 'ENDORSER_BAD_PROPOSAL'],
    ['for a payload that does not parse', { payload: new Uint8Array([0xff]) }, 'ENDORSER_BAD_PROPOSAL'],
    ['for a payload without a specification', { payload: new Uint8Array(0) }, 'ENDORSER_BAD_PROPOSAL'],
    ['without a signature', { signature: new Uint8Array(0) }, 'ENDORSER_BAD_PROPOSAL'],
    ['on a channel that the peer has not joined', { channel: 'elsewhere' }, 'ENDORSER_UNKNOWN_CHANNEL'],
    ['without a channel, by a peer that keeps no local membership', { channel: '' }, 'ENDORSER_UNKNOWN_CHANNEL'],
    ['of an organisation outside the channel', { creator: identityBytes('OtherMSP') }, 'ENDORSER_IDENTITY_REFUSED'],
    ['of someone that no MSP knows', { creator: identityBytes('Org1MSP', 'x.stranger') }, 'ENDORSER_IDENTITY_REFUSED'],
    ['of someone whose certificate expired', { creator: identityBytes('Org1MSP', 'x.expired') }, 'ENDORSER_IDENTITY_EXPIRED'],
    ['with a wrong signature', { signature: new Uint8Array([1]) }, 'ENDORSER_BAD_SIGNATURE'],
    ['of someone who may only read', { creator: identityBytes('Org1MSP', 'x.reader') }, 'ENDORSER_ACCESS_DENIED'],
    ['for a chaincode that is not defined', { chaincode: 'none' }, 'CHAINCODE_NOT_DEFINED'],
    ['as init, for a definition that asks for none', { isInit: true }, 'CHAINCODE_INIT_REFUSED'],
  ])('%s', async (_name, parts, code) => {
    const peer = await peerWith()
    await expect(peer.invoke({ args: ['get', 'a'], ...parts })).rejects.toMatchObject({ code })
  })

  it('that names one chaincode in its header and another in its input', () => {
    const extension = ChaincodeHeaderExtension.encode({ chaincodeId: { name: 'cd' } })
    expect(() => parseProposal(signedProposal({ chaincode: 'cc', extension }))).toThrow(
      expect.objectContaining({ code: 'ENDORSER_BAD_PROPOSAL' }),
    )
  })

  it.each([
    ['bytes that are no message', Buffer.from('garbage')],
    ['nothing', new Uint8Array(0)],
  ])('of %s', async (_name, bytes) => {
    await expect((await peerWith()).endorser.processProposal(bytes)).rejects.toMatchObject({ code: 'ENDORSER_BAD_PROPOSAL' })
  })

  it('over the size limit', async () => {
    const bytes = new Uint8Array(33 * 1024 * 1024)
    await expect((await peerWith()).endorser.processProposal(bytes)).rejects.toMatchObject({
      code: 'ENDORSER_PROPOSAL_TOO_LARGE',
    })
  })

  it('whose transaction is in the ledger', async () => {
    const nonce = Buffer.from('nonce')
    const known = new Set([transactionId(nonce, identityBytes('Org1MSP'))])
    const peer = await peerWith({ known })
    await expect(peer.invoke({ args: ['get', 'a'], nonce })).rejects.toMatchObject({ code: 'ENDORSER_DUPLICATE_TRANSACTION' })
  })

  it('by the policy that the channel names for proposals in place of Writers', async () => {
    const peer = await peerWith({ config: fakeConfig(['Org1MSP'], { 'peer/Propose': '/Channel/Application/Nobody' }) })
    await expect(peer.invoke({ args: ['get', 'a'] })).rejects.toMatchObject({ code: 'ENDORSER_ACCESS_DENIED' })
  })

  it('when the peer works on as many as it may, and taken again later', async () => {
    const peer = await peerWith({ maxConcurrent: 1 })
    const hanging = expect(peer.invoke({ args: ['hangs'] })).rejects.toMatchObject({ code: 'CHAINCODE_TIMEOUT' })
    await expect(peer.invoke({ args: ['get', 'a'] })).rejects.toMatchObject({ code: 'ENDORSER_OVERLOADED', duty: 'retry' })
    peer.clock.advance(30_000)
    await hanging
    expect((await peer.invoke({ args: ['get', 'a'] })).endorsement).toBeDefined()
  })

  it('by a peer that stops, which waits for no chaincode: one that hangs would hold it', async () => {
    const peer = await peerWith()
    const refused = expect(peer.invoke({ args: ['hangs'] })).rejects.toMatchObject({ code: 'ENDORSER_STOPPED', duty: 'retry' })
    await peer.endorser.stop()
    await refused
    await expect(peer.invoke({ args: ['get', 'a'] })).rejects.toMatchObject({ code: 'ENDORSER_STOPPED' })
  })
})

describe('an endorsement', () => {
  it('signs proposal hash, results, event, response and chaincode version, with the endorser after them', async () => {
    const peer = await peerWith()
    const response = await peer.invoke({ args: ['event', 'happened'] })
    const { endorser, signature } = response.endorsement!
    expect(signature).toEqual(fakeSignature(Buffer.concat([response.payload, endorser]), identityBytes('Org1MSP', 'peer0')))
    const action = actionOf(response)
    expect(action.chaincodeId).toMatchObject({ name: 'cc', version: '1.0' })
    expect(ChaincodeEvent.decode(action.events)).toMatchObject({ chaincodeId: 'cc', eventName: 'happened' })
    expect(action.response).toMatchObject({ status: 200 })
  })

  it('leaves transient data out of the proposal hash', async () => {
    const peer = await peerWith()
    const parts = { args: ['get', 'a'], nonce: Buffer.from('same') }
    const hashes = await Promise.all(
      [{}, { transient: { secret: Buffer.from('1') } }].map(async (more) => {
        return Buffer.from(
          ProposalResponsePayload.decode((await peer.invoke({ ...parts, ...more })).payload).proposalHash,
        ).toString('hex')
      }),
    )
    expect(hashes[0]).toBe(hashes[1])
  })

  it('reads the definition of the chaincode into the read set', async () => {
    const response = await (await peerWith()).invoke({ args: ['put', 'a', '1'] })
    expect(rwsetOf(response)._lifecycle?.reads).toEqual([
      { key: 'namespaces/fields/cc/Sequence', version: { blockNum: 1, txNum: 0 } },
    ])
  })

  it('is the same, byte for byte, from another organisation with the same state', async () => {
    const proposal = signedProposal({ args: ['put', 'a', '1'] })
    const payloads = await Promise.all(
      ['Org1MSP', 'Org2MSP'].map(async (mspId) => (await (await peerWith({ mspId })).endorser.processProposal(proposal)).payload),
    )
    expect(payloads[0]).toEqual(payloads[1])
  })

  it('runs under the new definition once it is committed', async () => {
    const peer = await peerWith()
    expect(actionOf(await peer.invoke({ args: ['get', 'a'] })).chaincodeId?.version).toBe('1.0')
    await peer.define(
      'cc',
      object(() => 'new code'),
      { version: '2.0' },
    )
    const response = await peer.invoke({ args: ['get', 'a'] })
    expect([actionOf(response).chaincodeId?.version, text(response.response?.payload)]).toEqual(['2.0', 'new code'])
  })

  it('is not made for an evaluation', async () => {
    const peer = await peerWith()
    peer.put('cc', { a: '1' })
    const response = await peer.endorser.processProposal(signedProposal({ args: ['get', 'a'] }), { evaluate: true })
    expect(text(response.response?.payload)).toBe('1')
    expect([response.endorsement, response.payload.length]).toEqual([undefined, 0])
  })

  it('takes a proposal that was parsed once for all peers of the process', async () => {
    const parsed = parseProposal(signedProposal({ args: ['put', 'a', '1'] }))
    expect((await (await peerWith()).endorser.processProposal(parsed)).endorsement).toBeDefined()
  })
})

describe('the response of a chaincode', () => {
  it.each([
    [200, true],
    [399, true],
    [400, false],
    [499, false],
    [500, false],
  ])('of status %i is endorsed: %s', async (status, endorsed) => {
    const peer = testPeer()
    await peer.define('cc', object(responder))
    const response = await peer.invoke({ args: [String(status), 'm'] })
    expect(response.response).toMatchObject({ status, message: 'm' })
    expect(response.endorsement !== undefined).toBe(endorsed)
  })

  it('that throws is of status 500', async () => {
    expect((await (await peerWith()).invoke({ args: ['throws'] })).response).toMatchObject({ status: 500, message: 'no' })
  })

  it.each<[string, unknown]>([
    ['a number', 42],
    ['an object without a status', { answer: 42 }],
    ['a status that is no number', { status: 'OK' }],
    ['a payload that is no bytes', { status: 200, payload: 42 }],
    ['a function', () => () => {}],
  ])('that is %s is a typed error', async (_name, value) => {
    const peer = testPeer()
    await peer.define(
      'cc',
      object(() => (typeof value === 'function' ? value() : value)),
    )
    await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_BAD_RESPONSE' })
  })

  it('from a runtime that keeps to no contract is a typed error', async () => {
    const answers = [
      undefined,
      { status: 200 },
      { status: 200, message: '', payload: 'text' },
      { status: 0.5, message: '', payload: Buffer.alloc(0) },
    ]
    for (const answer of answers) {
      const instance = { invoke: () => answer as never, close: async () => {} }
      const peer = testPeer({ runtime: { load: async () => instance } })
      await peer.define('cc', object(undefined))
      await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_BAD_RESPONSE' })
    }
  })

  it('over the size limit is a typed error', async () => {
    const peer = testPeer()
    await peer.define(
      'cc',
      object(() => Buffer.alloc(8 * 1024 * 1024 + 1)),
    )
    await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_RESPONSE_TOO_LARGE' })
  })

  it('that does not come within the time limit is a typed error, and what the code does afterwards has no effect', async () => {
    let stub: ChaincodeStub | undefined
    const peer = testPeer({ timeLimit: 5_000 })
    await peer.define(
      'cc',
      object((given: ChaincodeStub) => {
        stub = given
        return new Promise(() => {})
      }),
    )
    const running = expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_TIMEOUT', data: { timeLimit: 5_000 } })
    await new Promise(setImmediate)
    peer.clock.advance(5_000)
    await running
    await expect(stub!.putState('a', '1')).rejects.toMatchObject({ code: 'CHAINCODE_INVOCATION_ENDED' })
  })

  it('is used up: the stub refuses calls after it', async () => {
    let stub: ChaincodeStub | undefined
    const peer = testPeer()
    await peer.define(
      'cc',
      object((given: ChaincodeStub) => {
        stub = given
      }),
    )
    await peer.invoke({})
    await expect(stub!.getState('a')).rejects.toMatchObject({ code: 'CHAINCODE_INVOCATION_ENDED' })
  })
})

describe('a definition', () => {
  it('that the own organisation has not approved does not run', async () => {
    const peer = testPeer()
    await peer.define('cc', object(basic), { approve: false })
    await expect(peer.invoke({ args: ['get', 'a'] })).rejects.toMatchObject({ code: 'CHAINCODE_NOT_APPROVED' })
  })

  it('whose code the peer lacks does not run', async () => {
    const peer = testPeer()
    await peer.define('cc', undefined)
    await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_NOT_INSTALLED' })
  })

  it('that asks for initialisation runs as init once, then not again, and nothing before it', async () => {
    const peer = testPeer()
    await peer.define('cc', object({ init: () => 'init', invoke: () => 'invoke' }), { initRequired: true })
    await expect(peer.invoke({})).rejects.toMatchObject({ code: 'CHAINCODE_NOT_INITIALIZED' })
    const response = await peer.invoke({ isInit: true })
    expect(text(response.response?.payload)).toBe('init')
    const key = '\u0000\u{10ffff}initialized'
    expect(rwsetOf(response).cc).toMatchObject({ reads: [{ key }], writes: [{ key }] })
    peer.put('cc', { [key]: '1.0' })
    expect(text((await peer.invoke({})).response?.payload)).toBe('invoke')
    await expect(peer.invoke({ isInit: true })).rejects.toMatchObject({ code: 'CHAINCODE_INIT_REFUSED' })
  })
})

describe('a chaincode that calls another', () => {
  it('on the same channel shares one simulation, and only the outer event counts', async () => {
    const peer = await peerWith()
    await peer.define('other', object(basic))
    const response = await peer.invoke({ args: ['calls', 'other', 'put', 'a', '1'] })
    expect(rwsetOf(response).other?.writes).toMatchObject([{ key: 'a' }])
    expect(rwsetOf(response)._lifecycle?.reads.map(({ key }) => key)).toEqual([
      'namespaces/fields/cc/Sequence',
      'namespaces/fields/other/Sequence',
    ])
    const inner = await peer.invoke({ args: ['calls', 'other', 'event', 'inner'] })
    expect(ChaincodeEvent.decode(actionOf(inner).events).eventName).toBe('outer')
  })

  it('sees a refusal of the other as its response', async () => {
    const peer = await peerWith()
    await peer.define('other', object(basic))
    expect(text((await peer.invoke({ args: ['calls', 'other', 'throws'] })).response?.payload)).toBe('500 ')
  })

  it('deeper than the limit is refused', async () => {
    const peer = await peerWith()
    const counting = async (stub: ChaincodeStub) => {
      try {
        return String(1 + Number((await stub.invokeChaincode('cc', [])).payload))
      } catch (error) {
        return (error as { code: string }).code === 'CHAINCODE_CALLS_TOO_DEEP' ? '1' : 'another error'
      }
    }
    await peer.define('cc', object(counting))
    expect(text((await peer.invoke({})).response?.payload)).toBe(String(defaultSimulationLimits.maxCallDepth))
  })

  it('on another channel reads there, and what is written there is dropped', async () => {
    const elsewhere = await peerWith()
    elsewhere.put('cc', { a: 'far away' })
    const other: EndorserChannel = {
      name: 'other',
      config: fakeConfig(['Org1MSP', 'Org2MSP']),
      snapshot: () => elsewhere.state.snapshot(),
      hasTransaction: () => false,
      chaincode: () => undefined,
    }
    const withCode = {
      ...other,
      chaincode: () => ({ invoke: () => ({ status: 200, message: '', payload: Buffer.from('far') }), close: async () => {} }),
    }
    const peer = await peerWith({ otherChannels: [withCode] })
    const response = await peer.invoke({ args: ['callsOn', 'other', 'cc', 'put', 'a', '1'] })
    expect(text(response.response?.payload)).toBe('far')
    expect(Object.keys(rwsetOf(response))).toEqual(['_lifecycle'])
  })

  it('needs the access that the channel asks of calls between chaincodes', async () => {
    const peer = await peerWith({ config: fakeConfig(['Org1MSP'], { 'peer/ChaincodeToChaincode': 'Nobody' }) })
    await peer.define('other', object(basic))
    const { response } = await peer.invoke({ args: ['calls', 'other', 'get', 'a'] })
    expect(response).toMatchObject({ status: 500, message: expect.stringContaining('peer/ChaincodeToChaincode') })
  })
})

it('history comes newest first, in batches, and needs a peer that keeps it', async () => {
  async function* history(_namespace: string, key: string) {
    for (let i = 250; i > 0; i--) {
      yield { txId: `tx${i}`, value: Buffer.from(key), timestamp: { seconds: i, nanos: 0 }, isDelete: false }
    }
  }
  const reader = async (stub: ChaincodeStub) => {
    const found: string[] = []
    for await (const { txId } of stub.getHistoryForKey('a')) found.push(txId)
    return `${found.length} ${found[0]} ${found.at(-1)}`
  }
  const peer = testPeer({ history })
  await peer.define('cc', object(reader))
  expect(text((await peer.invoke({})).response?.payload)).toBe('250 tx250 tx1')
  const without = testPeer()
  await without.define('cc', object(reader))
  expect((await without.invoke({})).response).toMatchObject({ status: 500, message: expect.stringContaining('history') })
})

it('an endorsement releases its snapshot, however it ends', async () => {
  let open = 0
  const peer = await peerWith()
  const original = peer.state.snapshot.bind(peer.state)
  peer.state.snapshot = () => {
    const snapshot = original()
    open++
    const release = snapshot.release.bind(snapshot)
    snapshot.release = () => {
      open--
      release()
    }
    return snapshot
  }
  await peer.invoke({ args: ['get', 'a'] })
  await peer.invoke({ args: ['throws'] })
  await peer.invoke({ chaincode: 'none' }).catch(() => {})
  const hanging = peer.invoke({ args: ['hangs'] }).catch(() => {})
  peer.clock.advance(30_000)
  await hanging
  expect(open).toBe(0)
})
