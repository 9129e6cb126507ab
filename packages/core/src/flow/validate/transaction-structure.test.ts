import { describe, expect, it } from 'vitest'
import { ChannelHeader, Envelope, HeaderType, SignatureHeader } from '../../model/messages/common.ts'
import { ChaincodeHeaderExtension } from '../../model/messages/proposal.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import {
  CHANNEL,
  client,
  peer1,
  peer2,
  readWriteSet,
  seal,
  stranger,
  TestLedger,
  type TransactionOptions,
  transaction,
} from './test-ledger.fixture.ts'

const garbage = Uint8Array.of(0x0a, 0xff)
const put = { cc: { writes: { k: 'v' } } }
const codeOf = async (envelope: Uint8Array): Promise<string> => (await new TestLedger().codes(envelope))[0]!
const coded = async (options: TransactionOptions, plan = put): Promise<string> => codeOf(await transaction(plan, options))
const headers = (channel: object = {}, signature: object = {}) => ({
  channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId: CHANNEL, ...channel }),
  signatureHeader: SignatureHeader.encode({ creator: client.identity, nonce: utf8Bytes('n'), ...signature }),
})

describe('the outer structure of a transaction', () => {
  it('a sound transaction is VALID', async () => {
    expect(await coded({})).toBe('VALID')
  })

  it('an envelope that does not decode is INVALID_OTHER_REASON', async () => {
    expect(await codeOf(garbage)).toBe('INVALID_OTHER_REASON')
  })

  it('a payload that does not decode is BAD_PAYLOAD', async () => {
    expect(await codeOf(Envelope.encode({ payload: garbage, signature: garbage }))).toBe('BAD_PAYLOAD')
  })

  it.each<[string, () => Promise<Uint8Array>]>([
    ['an empty envelope', async () => new Uint8Array(0)],
    ['no header', () => seal(undefined, utf8Bytes('x'))],
    ['a channel header that does not decode', () => seal({ ...headers(), channelHeader: garbage }, utf8Bytes('x'))],
    ['a signature header that does not decode', () => seal({ ...headers(), signatureHeader: garbage }, utf8Bytes('x'))],
    ['type MESSAGE', () => seal(headers({ type: HeaderType.MESSAGE }), utf8Bytes('x'))],
    ['an unknown type', () => seal(headers({ type: 99 }), utf8Bytes('x'))],
    ['an epoch', () => seal(headers({ epoch: 1 }), utf8Bytes('x'))],
    ['no nonce', () => seal(headers({}, { nonce: new Uint8Array(0) }), utf8Bytes('x'))],
    ['no creator', () => seal(headers({}, { creator: new Uint8Array(0) }), utf8Bytes('x'))],
  ])('%s is BAD_COMMON_HEADER', async (_, make) => {
    expect(await codeOf(await make())).toBe('BAD_COMMON_HEADER')
  })

  it('a signature over something else, or none, is BAD_CREATOR_SIGNATURE', async () => {
    expect(await coded({ signature: () => client.sign(utf8Bytes('something else')) })).toBe('BAD_CREATOR_SIGNATURE')
    expect(await coded({ signature: () => new Uint8Array(0) })).toBe('BAD_CREATOR_SIGNATURE')
  })

  it('a creator of no organisation of the channel is BAD_CREATOR_SIGNATURE', async () => {
    expect(await coded({ creator: stranger })).toBe('BAD_CREATOR_SIGNATURE')
  })

  it('a transaction of another channel is BAD_CREATOR_SIGNATURE, as Fabric finds no member of that channel', async () => {
    expect(await coded({ channel: 'other' })).toBe('BAD_CREATOR_SIGNATURE')
  })

  it('a config update is UNSUPPORTED_TX_PAYLOAD, after its signature was found good', async () => {
    expect(await coded({ type: HeaderType.CONFIG_UPDATE })).toBe('UNSUPPORTED_TX_PAYLOAD')
    expect(await coded({ type: HeaderType.CONFIG_UPDATE, creator: stranger })).toBe('BAD_CREATOR_SIGNATURE')
  })

  it('a transaction id that is not the hash of nonce and creator is BAD_PROPOSAL_TXID', async () => {
    expect(await coded({ txId: 'abc' })).toBe('BAD_PROPOSAL_TXID')
    expect(await coded({ txId: '' })).not.toBe('VALID')
  })
})

describe('the body of an endorser transaction', () => {
  it.each<[string, TransactionOptions]>([
    ['a body that does not decode', { data: garbage }],
    ['an empty body', { data: new Uint8Array(0) }],
    ['no action', { transaction: () => ({ actions: [] }) }],
    ['two actions', { transaction: ({ actions }) => ({ actions: [...actions!, ...actions!] }) }],
    [
      'an action header that does not decode',
      { transaction: ({ actions }) => ({ actions: [{ ...actions![0], header: garbage }] }) },
    ],
    ['an action without a header', { transaction: ({ actions }) => ({ actions: [{ payload: actions![0]!.payload }] }) }],
    [
      'an action payload that does not decode',
      { transaction: ({ actions }) => ({ actions: [{ ...actions![0], payload: garbage }] }) },
    ],
    ['an action of another creator', { transaction: otherCreator }],
    ['a payload without an endorsed action', { payload: ({ chaincodeProposalPayload }) => ({ chaincodeProposalPayload }) }],
    ['an empty proposal, although its hash is right', { proposal: new Uint8Array(0) }],
    ['a payload without a proposal', { payload: ({ action }) => ({ action }) }],
    [
      'an answer that does not decode',
      { payload: (payload) => ({ ...payload, action: { ...payload.action, proposalResponsePayload: garbage } }) },
    ],
    ['another proposal hash', { response: (response) => ({ ...response, proposalHash: utf8Bytes('another') }) }],
  ])('%s is INVALID_ENDORSER_TRANSACTION', async (_, options) => {
    expect(await coded(options)).toBe('INVALID_ENDORSER_TRANSACTION')
  })

  it('a wrong signature of the creator comes before a broken body', async () => {
    expect(await coded({ data: garbage, signature: () => garbage })).toBe('BAD_CREATOR_SIGNATURE')
  })
})

describe('what the endorsers signed', () => {
  it('a header extension that does not decode is BAD_HEADER_EXTENSION', async () => {
    expect(await coded({ extension: garbage })).toBe('BAD_HEADER_EXTENSION')
  })

  it('an action that is absent, or does not decode, is BAD_RESPONSE_PAYLOAD', async () => {
    expect(await coded({ response: ({ proposalHash }) => ({ proposalHash }) })).toBe('BAD_RESPONSE_PAYLOAD')
    expect(await coded({ response: (response) => ({ ...response, extension: garbage }) })).toBe('BAD_RESPONSE_PAYLOAD')
  })

  it('results that do not decode are BAD_RWSET, at every level', async () => {
    expect(await coded({ action: (action) => ({ ...action, results: garbage }) })).toBe('BAD_RWSET')
    const inner = Buffer.from(readWriteSet(put))
    inner[inner.length - 2] = 0x7f
    expect(await coded({ action: (action) => ({ ...action, results: inner }) })).toBe('BAD_RWSET')
  })

  it('a chaincode id that is missing in header or action is INVALID_OTHER_REASON', async () => {
    expect(await coded({ extension: new Uint8Array(0) })).toBe('INVALID_OTHER_REASON')
    expect(await coded({ action: ({ results }) => ({ results }) })).toBe('INVALID_OTHER_REASON')
  })

  it('another chaincode name in the action, an empty name and an empty version are INVALID_CHAINCODE', async () => {
    expect(await coded({ action: (action) => ({ ...action, chaincodeId: { name: 'other', version: '1' } }) })).toBe(
      'INVALID_CHAINCODE',
    )
    expect(await coded({ extension: ChaincodeHeaderExtension.encode({ chaincodeId: {} }) })).toBe('INVALID_CHAINCODE')
    expect(await coded({ version: '' })).toBe('INVALID_CHAINCODE')
  })

  it('another version, and status 500, in the action are VALID', async () => {
    expect(await coded({ version: '99' })).toBe('VALID')
    expect(await coded({ action: (action) => ({ ...action, response: { status: 500 } }) })).toBe('VALID')
  })

  it('an event that does not decode, or names another chaincode, is INVALID_OTHER_REASON', async () => {
    expect(await coded({ event: garbage })).toBe('INVALID_OTHER_REASON')
    expect(await coded({ event: { name: 'e', chaincode: 'other' } })).toBe('INVALID_OTHER_REASON')
    expect(await coded({ event: { name: 'e' } })).toBe('VALID')
  })

  it('a namespace that occurs twice is ILLEGAL_WRITESET', async () => {
    const twice = Buffer.concat([readWriteSet(put), readWriteSet(put)])
    expect(await coded({ action: (action) => ({ ...action, results: twice }) })).toBe('ILLEGAL_WRITESET')
  })

  it('a write to a namespace without a definition is INVALID_CHAINCODE, a read is not', async () => {
    expect(await codeOf(await transaction({ ...put, nobody: { writes: { k: 'v' } } }))).toBe('INVALID_CHAINCODE')
    expect(await codeOf(await transaction({ ...put, '': { writes: { k: 'v' } } }))).toBe('INVALID_CHAINCODE')
    expect(await codeOf(await transaction({ ...put, nobody: { reads: { k: null } } }))).toBe('VALID')
    expect(await coded({ chaincode: 'nobody' })).toBe('INVALID_CHAINCODE')
  })

  it('no transaction stops a peer: broken ones in a block with good ones are flagged like any other', async () => {
    const ledger = new TestLedger()
    const broken = [
      garbage,
      new Uint8Array(0),
      await transaction(put, { transaction: () => ({ actions: [] }) }),
      await seal(undefined, garbage),
    ]
    const codes = await ledger.codes(
      ...broken,
      transaction(put),
      transaction({ cc: { writes: { other: 'v' } } }, { endorsers: [peer2, peer1] }),
    )
    expect(codes).toEqual([
      'INVALID_OTHER_REASON',
      'BAD_COMMON_HEADER',
      'INVALID_ENDORSER_TRANSACTION',
      'BAD_COMMON_HEADER',
      'VALID',
      'VALID',
    ])
  })
})

function otherCreator({ actions }: Parameters<NonNullable<TransactionOptions['transaction']>>[0]) {
  return { actions: [{ ...actions![0], header: SignatureHeader.encode({ creator: peer1.identity, nonce: utf8Bytes('n') }) }] }
}
