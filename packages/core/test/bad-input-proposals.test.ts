import { EndorseError, EndorserError, HeddleError, type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_PROPOSAL_BYTES } from '../src/flow/endorse/proposal.ts'
import { SignatureHeader } from '../src/model/messages/common.ts'
import { SerializedIdentity } from '../src/model/messages/identities.ts'
import { SignedProposal } from '../src/model/messages/proposal.ts'
import {
  type Actor,
  client,
  type Deviations,
  endorserOf,
  expectHealthy,
  failure,
  issued,
  member,
  proposalBytes,
  proposedTransaction,
  signedProposal,
  startNetwork,
  stranger,
} from './bad-input.fixture.ts'

let network: Network
let mallory: Actor
beforeAll(async () => {
  network = await startNetwork()
  mallory = await member(network)
})
afterAll(() => network.stop())

/** At the peer, as bytes off a wire, and through a gateway, as its client sees it. */
async function refusal(bytes: Uint8Array): Promise<string | undefined> {
  const error = await failure(endorserOf(network).processProposal(bytes))
  expect(error).toBeInstanceOf(HeddleError)
  return error.code
}

describe('a proposal of a member, signed, that is malformed in one place is refused', () => {
  const empty = new Uint8Array(0)
  const garbage = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)
  const cases: Record<string, Deviations> = {
    'no header': { header: empty },
    'a header of garbage': { header: garbage },
    'no channel header': { channelHeader: empty },
    'a channel header of garbage': { channelHeader: garbage },
    'no signature header': { signatureHeader: empty },
    'a signature header of garbage': { signatureHeader: garbage },
    'no payload': { payload: empty },
    'a payload of garbage': { payload: garbage },
    'no input': { input: empty },
    'an input of garbage': { input: garbage },
    'no nonce': { nonce: empty },
    'another transaction id': { txId: '00'.repeat(32) },
    'no transaction id': { txId: '' },
    'an epoch': { epoch: 1 },
    'a header type that endorsers do not take': { type: 1 },
    'no chaincode in the header': { extension: empty },
    'another chaincode in the input': { specChaincode: 'other' },
    'no function and arguments at all': { spec: { input: undefined } },
  }
  for (const [name, deviation] of Object.entries(cases))
    it(name, async () => {
      expect(await refusal(signedProposal(mallory, deviation))).toBe('ENDORSER_BAD_PROPOSAL')
    })

  it('bytes that are no SignedProposal, or none', async () => {
    for (const bytes of [empty, garbage, SignedProposal.encode({ proposalBytes: empty, signature: Uint8Array.of(1) })])
      expect(await refusal(bytes)).toBe('ENDORSER_BAD_PROPOSAL')
  })

  it('a chaincode name that names nothing, whatever it looks like', async () => {
    for (const chaincode of ['__proto__', 'constructor', '../asset', 'asset\u0000', 'ASSET', '\u{10ffff}'])
      expect(await refusal(signedProposal(mallory, { chaincode })), chaincode).toBe('CHAINCODE_NOT_DEFINED')
    expect(await refusal(signedProposal(mallory, { chaincode: 'a'.repeat(100_000) }))).toBe('CHAINCODE_BAD_KEY')
  })

  it('a channel that nobody has joined', async () => {
    for (const channel of ['other', '__proto__', 'main\u0000'])
      expect(await refusal(signedProposal(mallory, { channel }))).toBe('ENDORSER_UNKNOWN_CHANNEL')
  })

  it('a creator that is no identity, and one of 10 MB', async () => {
    for (const creator of [Uint8Array.of(1), Buffer.alloc(10_000_000, 0x0a), SerializedIdentity.encode({ mspid: 'Org1MSP' })]) {
      const bytes = proposalBytes(creator)
      expect(await refusal(SignedProposal.encode({ proposalBytes: bytes, signature: mallory.sign(bytes) }))).toBe(
        'ENDORSER_IDENTITY_REFUSED',
      )
    }
  })

  it('one that is longer than the limit, before anything is decoded', async () => {
    expect(await refusal(new Uint8Array(MAX_PROPOSAL_BYTES + 1))).toBe('ENDORSER_PROPOSAL_TOO_LARGE')
  })
})

describe('a proposal of someone who may not propose is refused', () => {
  const who: Record<string, [() => Actor | Promise<Actor>, string, string]> = {
    'a certificate that one made oneself, in the name of the organisation': [
      () => stranger(),
      'ENDORSER_IDENTITY_REFUSED',
      'IDENTITY_',
    ],
    'a certificate of an authority with the name of the right one': [
      () => stranger('Org1MSP', 'ca.org1', 'admin'),
      'ENDORSER_IDENTITY_REFUSED',
      'IDENTITY_',
    ],
    'an organisation that the channel does not know': [
      () => stranger('EvilMSP', 'ca.evil'),
      'ENDORSER_IDENTITY_REFUSED',
      'IDENTITY_UNKNOWN_MSP',
    ],
    'a certificate of another organisation under a false MSP id': [
      async () => {
        const other = await member(network, 'Org2', 'eve')
        const { idBytes } = SerializedIdentity.decode(other.identity)
        return { ...other, mspId: 'Org1MSP', identity: SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes }) }
      },
      'ENDORSER_IDENTITY_REFUSED',
      'IDENTITY_',
    ],
    'a certificate that has expired': [
      () => issued(network, 'Org1', { enrolmentId: 'old', role: 'client' }, { lifetime: 1_000 }),
      'ENDORSER_IDENTITY_EXPIRED',
      '',
    ],
    'an orderer of the ordering organisation': [
      () => issued(network, 'Orderer', { enrolmentId: 'orderer9', role: 'orderer' }),
      'ENDORSER_ACCESS_DENIED',
      '',
    ],
  }
  for (const [name, [make, code, cause]] of Object.entries(who))
    it(name, async () => {
      const by = await make()
      const error = await failure(endorserOf(network).processProposal(signedProposal(by)))
      expect(error).toBeInstanceOf(EndorserError)
      expect(error.code).toBe(code)
      expect((error.cause as { code?: string } | undefined)?.code ?? '').toContain(cause)
      // The client of a gateway sees the same as a step's error.
      const proposal = network.gateway(client(by)).newProposal(proposedTransaction(proposalBytes(by.identity)))
      const seen = await failure(proposal.endorse())
      expect(seen).toBeInstanceOf(EndorseError)
      expect(seen).toMatchObject({
        code: 'ENDORSE_REFUSED',
        data: { details: expect.arrayContaining([expect.objectContaining({ code })]) },
      })
    })

  it('a certificate that was revoked, from the block of the config update on', async () => {
    const revoked = await member(network, 'Org1', 'revoked')
    await endorserOf(network).processProposal(signedProposal(revoked))
    await network.channel('main').revoke('Org1', 'revoked')
    const error = await failure(endorserOf(network).processProposal(signedProposal(revoked)))
    expect(error).toMatchObject({ code: 'ENDORSER_IDENTITY_REFUSED', cause: { code: 'IDENTITY_REVOKED' } })
    await expectHealthy(network)
  })

  it('somebody else’s certificate with one’s own signature', async () => {
    const victim = await member(network, 'Org1', 'victim')
    expect(await refusal(signedProposal({ ...mallory, identity: victim.identity }))).toBe('ENDORSER_BAD_SIGNATURE')
  })

  it('a signature over other bytes, empty, of garbage, or in high S', async () => {
    const bytes = proposalBytes(mallory.identity)
    const good = mallory.sign(bytes)
    const changed = Uint8Array.from(bytes)
    changed[changed.length - 1]! ^= 1
    expect(await refusal(SignedProposal.encode({ proposalBytes: changed, signature: good }))).toBe('ENDORSER_BAD_SIGNATURE')
    for (const signature of [Uint8Array.of(0x30, 0), new Uint8Array(1_000_000), highS(good)])
      expect(await refusal(SignedProposal.encode({ proposalBytes: bytes, signature }))).toBe('ENDORSER_BAD_SIGNATURE')
    expect(await refusal(SignedProposal.encode({ proposalBytes: bytes }))).toBe('ENDORSER_BAD_PROPOSAL')
  })

  it('the signature header of another transaction: an id that is in the ledger is refused', async () => {
    const nonce = Buffer.alloc(24, 7)
    const gateway = network.gateway(client(mallory))
    const proposal = gateway.newProposal(proposedTransaction(proposalBytes(mallory.identity, { nonce })))
    await (await (await proposal.endorse()).submit()).getStatus()
    await network.channel('main').synchronize()
    expect(await refusal(signedProposal(mallory, { nonce, args: ['put', 'other', 'x'] }))).toBe('ENDORSER_DUPLICATE_TRANSACTION')
  })
})

describe('through a gateway', () => {
  const gateway = () => network.gateway(client(mallory))

  it('bytes that are no proposal, transaction or status request have a typed error', async () => {
    for (const bytes of [Uint8Array.of(0x0a, 0x05), Buffer.alloc(1000, 0xff)]) {
      expect(() => gateway().newProposal(bytes)).toThrow(HeddleError)
      expect(() => gateway().newTransaction(bytes)).toThrow(HeddleError)
      expect(() => gateway().newCommit(bytes)).toThrow(HeddleError)
    }
  })

  it('empty bytes lead to no channel, in a typed error', async () => {
    const none = new Uint8Array(0)
    expect(await failure((async () => gateway().newProposal(none).endorse())())).toBeInstanceOf(HeddleError)
    expect(await failure((async () => gateway().newTransaction(none).submit())())).toBeInstanceOf(HeddleError)
    expect(await failure((async () => gateway().newCommit(none).getStatus())())).toBeInstanceOf(HeddleError)
  })

  it('a malformed proposal is refused as the step’s own error, evaluated or endorsed', async () => {
    const proposal = () => gateway().newProposal(proposedTransaction(proposalBytes(mallory.identity, { epoch: 3 })))
    await expect(proposal().endorse()).rejects.toMatchObject({ name: 'EndorseError', code: 'ENDORSE_REFUSED' })
    await expect(proposal().evaluate()).rejects.toMatchObject({ name: 'EvaluateError', code: 'EVALUATE_REFUSED' })
  })

  it('a transaction id beside the proposal that is not the proposal’s is refused', () => {
    const bytes = proposedTransaction(proposalBytes(mallory.identity), [], 'ff'.repeat(32))
    expect(() => gateway().newProposal(bytes)).toThrow(expect.objectContaining({ code: 'GATEWAY_BAD_ARGUMENT' }))
  })

  it('an organisation named a thousand times endorses once', async () => {
    const organizations = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 'Org1MSP' : 'Org2MSP'))
    const before = network.signatureWork.signatures
    const proposal = gateway().newProposal(proposedTransaction(proposalBytes(mallory.identity), organizations))
    const transaction = await proposal.endorse()
    expect(transaction.getEndorsers()).toEqual(['Org1MSP', 'Org2MSP'])
    expect(network.signatureWork.signatures - before).toBe(2)
  })

  it('an organisation that has no peer is named in the error', async () => {
    const proposal = gateway().newProposal(proposedTransaction(proposalBytes(mallory.identity), ['NoMSP']))
    await expect(proposal.endorse()).rejects.toMatchObject({ code: 'ENDORSE_UNAVAILABLE', data: { mspId: 'NoMSP' } })
  })
})

describe('extreme but well-formed proposals', () => {
  it('a huge transient map, one argument of 10 MB, a hundred thousand arguments: answered, and the next one is served', async () => {
    const transient = new Map(Array.from({ length: 50_000 }, (_, i) => [`name ${i}`, new Uint8Array(100)]))
    await endorserOf(network).processProposal(signedProposal(mallory, { transient }))
    const big = { args: ['put', 'big', Buffer.alloc(10_000_000, 65)] }
    const { response, endorsement } = await endorserOf(network).processProposal(signedProposal(mallory, big))
    expect(response).toMatchObject({ status: 500, message: expect.stringContaining('bytes') })
    expect(endorsement).toBeUndefined()
    await endorserOf(network).processProposal(signedProposal(mallory, { args: ['get', ...Array(100_000).fill('x')] }))
    await expectHealthy(network)
  })

  it('more elements than a message may hold are refused', async () => {
    const transient = new Map(Array.from({ length: 300_000 }, (_, i) => [`${i}`, new Uint8Array(0)]))
    const outcome = await endorserOf(network)
      .processProposal(signedProposal(mallory, { transient }))
      .then(
        () => 'answered',
        (error: HeddleError) => error.code,
      )
    expect(['answered', 'ENDORSER_BAD_PROPOSAL']).toContain(outcome)
  })

  it('times before 1970, past the year 9999 and without a date are the chaincode’s affair alone', async () => {
    for (const timestamp of [undefined, { seconds: -1e12, nanos: -5 }, { seconds: 1e15, nanos: 2_000_000_000 }]) {
      const response = await endorserOf(network).processProposal(signedProposal(mallory, { timestamp, args: ['put', 't', '1'] }))
      expect(response.response?.status).toBe(200)
    }
    await expectHealthy(network)
  })

  it('a signature header with a nonce of 1 MB', async () => {
    const response = await endorserOf(network).processProposal(signedProposal(mallory, { nonce: new Uint8Array(1_000_000) }))
    expect(response.response?.status).toBe(200)
    await expectHealthy(network)
  })

  it('a signature header that comes twice is one merged header', async () => {
    const nonce = Buffer.alloc(24, 9)
    const twice = Buffer.concat([
      SignatureHeader.encode({ creator: Uint8Array.of(1), nonce: Buffer.alloc(24, 1) }),
      SignatureHeader.encode({ creator: mallory.identity, nonce }),
    ])
    const response = await endorserOf(network).processProposal(signedProposal(mallory, { nonce, signatureHeader: twice }))
    expect(response.response?.status).toBe(200)
  })
})

/** The same signature with n - s in place of s. */
function highS(signature: Uint8Array): Uint8Array {
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const r = signature.subarray(4, 4 + signature[3]!)
  const s = signature.subarray(6 + signature[3]!)
  const high = Buffer.from((n - BigInt(`0x${Buffer.from(s).toString('hex')}`)).toString(16).padStart(64, '0'), 'hex')
  const integer = (bytes: Uint8Array) =>
    Buffer.concat([Uint8Array.of(2, bytes.length + (bytes[0]! >> 7)), new Uint8Array(bytes[0]! >> 7), bytes])
  const body = Buffer.concat([Uint8Array.of(2, r.length), r, integer(high)])
  return Buffer.concat([Uint8Array.of(0x30, body.length), body])
}
