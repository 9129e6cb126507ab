import { type Network, OrderError, TxValidationCode } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Envelope, HeaderType, Payload } from '../src/model/messages/common.ts'
import { PreparedTransaction } from '../src/model/messages/gateway.ts'
import { KVRWSet } from '../src/model/messages/kv-rwset.ts'
import { SeekBehavior, SeekInfo } from '../src/model/messages/orderer.ts'
import { ChaincodeAction } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../src/model/messages/rwset.ts'
import { ChaincodeActionPayload, type ChaincodeEndorsedAction, Transaction } from '../src/model/messages/transaction.ts'
import {
  type Actor,
  client,
  expectHealthy,
  expectVerified,
  failure,
  issued,
  member,
  orderingOf,
  payloadOf,
  proposalBytes,
  proposedTransaction,
  signedEnvelope,
  startNetwork,
  stranger,
} from './bad-input.fixture.ts'

const NONE = new Uint8Array(0)
const GARBAGE = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)

let network: Network
let mallory: Actor
beforeAll(async () => {
  network = await startNetwork()
  mallory = await member(network)
})
afterAll(() => network.stop())

async function refusal(envelope: Uint8Array): Promise<string | undefined> {
  const before = orderingOf(network).height
  const error = await failure(orderingOf(network).broadcast(envelope))
  expect(error).toBeInstanceOf(OrderError)
  expect(orderingOf(network).height).toBe(before)
  expect(orderingOf(network).status().inFlight).toEqual({ envelopes: 0, bytes: 0 })
  return error.code
}

/** Payload bytes of a transaction that both organisations endorsed. */
async function endorsed(args: readonly string[], options: Parameters<typeof proposalBytes>[1] = {}): Promise<Uint8Array> {
  const bytes = proposedTransaction(proposalBytes(mallory.identity, { args, ...options }))
  const transaction = await network.gateway(client(mallory)).newProposal(bytes).endorse()
  return PreparedTransaction.decode(transaction.getBytes()).envelope!.payload
}

const valid = async (): Promise<Uint8Array> => signedEnvelope(mallory, await endorsed(['put', 'key', 'value']))

describe('an envelope is refused before consensus sees it', () => {
  it('empty, of garbage, without payload, without signature', async () => {
    expect(await refusal(NONE)).toBe('ORDER_EMPTY_ENVELOPE')
    for (const bytes of [
      GARBAGE,
      Uint8Array.of(0),
      Envelope.encode({ payload: NONE, signature: Uint8Array.of(1) }),
      Envelope.encode({ payload: Uint8Array.of(1) }),
    ])
      expect(await refusal(bytes)).toBe('ORDER_MALFORMED_ENVELOPE')
  })

  it('in another than the canonical encoding: fields in the wrong order, twice, unknown, with long lengths', async () => {
    const { payload, signature } = Envelope.decode(await valid())
    const first = Envelope.encode({ payload })
    const second = Envelope.encode({ signature })
    for (const bytes of [
      Buffer.concat([second, first]),
      Buffer.concat([first, first, second]),
      Buffer.concat([first, second, Uint8Array.of(0x1a, 0)]),
      Buffer.concat([first, Uint8Array.of(0x12, signature.length | 0x80, 0), signature]),
    ])
      expect(await refusal(bytes)).toBe('ORDER_MALFORMED_ENVELOPE')
  })

  it('with headers that do not parse', async () => {
    for (const payload of [
      GARBAGE,
      Payload.encode({ header: { channelHeader: GARBAGE, signatureHeader: NONE }, data: NONE }),
      payloadOf(mallory.identity, NONE, { signatureHeader: GARBAGE }),
    ])
      expect(await refusal(signedEnvelope(mallory, payload))).toBe('ORDER_MALFORMED_ENVELOPE')
  })

  it('for another channel or none', async () => {
    for (const channel of ['', 'other', 'MAIN', '__proto__'])
      expect(await refusal(signedEnvelope(mallory, payloadOf(mallory.identity, NONE, { channel })))).toBe('ORDER_WRONG_CHANNEL')
  })

  it('of the types that only orderers make', async () => {
    for (const type of [HeaderType.CONFIG, HeaderType.ORDERER_TRANSACTION])
      expect(await refusal(signedEnvelope(mallory, payloadOf(mallory.identity, NONE, { type })))).toBe('ORDER_UNSUPPORTED_TYPE')
  })

  it('over the limit of the channel, whoever sends it', async () => {
    const data = Buffer.alloc(10 * 1024 * 1024)
    expect(await refusal(signedEnvelope(mallory, payloadOf(mallory.identity, data)))).toBe('ORDER_TOO_LARGE')
    const payload = payloadOf(mallory.identity, NONE)
    expect(await refusal(Envelope.encode({ payload, signature: data }))).toBe('ORDER_TOO_LARGE')
  })

  it('of whom the channel does not know, whose certificate is self-made, expired or of the wrong role, who signed wrongly', async () => {
    const data = await endorsed(['put', 'key', 'value'])
    const send = (by: Actor) => refusal(signedEnvelope(by, payloadOf(by.identity, Payload.decode(data).data)))
    expect(await send(stranger('EvilMSP', 'ca.evil'))).toBe('ORDER_FORBIDDEN')
    expect(await send(stranger())).toBe('ORDER_FORBIDDEN')
    expect(await send(issued(network, 'Org1', { enrolmentId: 'late', role: 'client' }, { lifetime: 1_000 }))).toBe(
      'ORDER_IDENTITY_EXPIRED',
    )
    expect(await send(issued(network, 'Org1', { enrolmentId: 'wrong', role: 'orderer' }))).toBe('ORDER_FORBIDDEN')
    expect(await send({ ...mallory, sign: stranger().sign })).toBe('ORDER_FORBIDDEN')
    expect(await send({ ...mallory, sign: () => new Uint8Array(100_000) })).toBe('ORDER_FORBIDDEN')
    expect(await send({ ...mallory, identity: NONE })).toBe('ORDER_FORBIDDEN')
  })

  it('and honest clients are served afterwards', () => expectHealthy(network))
})

describe('an envelope that passes the orderer is flagged by every peer alike, and writes nothing', () => {
  /** Orders the envelope; its flag. */
  async function flagOf(payload: Uint8Array): Promise<number> {
    const { blockNumber } = await orderingOf(network).broadcast(signedEnvelope(mallory, payload))
    await Promise.all(network.peers.map((peer) => peer.reach('main', blockNumber + 1)))
    const block = await network.channel('main').block(blockNumber)
    expect(block!.data).toHaveLength(1)
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
    return block!.metadataAt(2)[0]!
  }

  type Parts = { payload: ChaincodeActionPayload; action: ChaincodeEndorsedAction; headers: Payload['header'] }
  /** An endorsed transaction with a change to what the endorsers signed or to what stands around it. */
  async function changed(change: (parts: Parts) => void): Promise<Uint8Array> {
    const { header, data } = Payload.decode(await endorsed(['put', 'stolen', 'value']))
    const [action] = Transaction.decode(data).actions
    const payload = ChaincodeActionPayload.decode(action!.payload)
    const parts: Parts = { payload, action: payload.action!, headers: header }
    change(parts)
    const encoded = ChaincodeActionPayload.encode({ ...payload, action: parts.action })
    return Payload.encode({
      header: parts.headers,
      data: Transaction.encode({ actions: [{ header: action!.header, payload: encoded }] }),
    })
  }

  /** The results that the endorsers signed, replaced. */
  const withResults = (nsRwset: { namespace: string; rwset: Uint8Array }[]) =>
    changed(({ action }) => {
      const response = ProposalResponsePayload.decode(action.proposalResponsePayload)
      const extension = ChaincodeAction.decode(response.extension)
      const results = TxReadWriteSet.encode({
        dataModel: 0,
        nsRwset: nsRwset.map((each) => ({ ...each, collectionHashedRwset: [] })),
      })
      action.proposalResponsePayload = ProposalResponsePayload.encode({
        ...response,
        extension: ChaincodeAction.encode({ ...extension, results }),
      })
    })
  const write = KVRWSet.encode({
    reads: [],
    rangeQueriesInfo: [],
    writes: [{ key: 'stolen', isDelete: false, value: Uint8Array.of(1) }],
    metadataWrites: [],
  })

  const of = (data: Uint8Array, type: number = HeaderType.ENDORSER_TRANSACTION) =>
    Promise.resolve(payloadOf(mallory.identity, data, { type }))
  const cases: Record<string, [() => Promise<Uint8Array>, readonly number[]]> = {
    'an unknown type': [() => of(NONE, 99), [TxValidationCode.BAD_COMMON_HEADER]],
    'a message': [() => of(NONE, HeaderType.MESSAGE), [TxValidationCode.BAD_COMMON_HEADER]],
    'a seek': [() => of(NONE, HeaderType.DELIVER_SEEK_INFO), [TxValidationCode.BAD_COMMON_HEADER]],
    'no transaction': [() => of(NONE), [TxValidationCode.INVALID_ENDORSER_TRANSACTION]],
    'a transaction of garbage': [
      () => of(GARBAGE),
      [TxValidationCode.INVALID_ENDORSER_TRANSACTION, TxValidationCode.BAD_PAYLOAD],
    ],
    'a thousand actions': [
      () => of(Transaction.encode({ actions: Array.from({ length: 1000 }, () => ({ header: NONE, payload: GARBAGE })) })),
      [TxValidationCode.INVALID_ENDORSER_TRANSACTION],
    ],
    'a false transaction id': [
      async () =>
        payloadOf(mallory.identity, Payload.decode(await endorsed(['put', 'stolen', '1'])).data, { txId: 'ab'.repeat(32) }),
      [TxValidationCode.BAD_PROPOSAL_TXID],
    ],
    'an epoch': [() => Promise.resolve(payloadOf(mallory.identity, NONE, { epoch: 7 })), [TxValidationCode.BAD_COMMON_HEADER]],
    'the endorsed action under other headers': [
      async () => payloadOf(mallory.identity, Payload.decode(await endorsed(['put', 'stolen', '1'])).data),
      [TxValidationCode.INVALID_ENDORSER_TRANSACTION],
    ],
    'no endorsement': [
      () => changed(({ action }) => action.endorsements.splice(0)),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE, TxValidationCode.INVALID_ENDORSER_TRANSACTION],
    ],
    'one endorsement a thousand times': [
      () => changed(({ action }) => action.endorsements.splice(0, 2, ...Array(1000).fill(action.endorsements[0]))),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
    'endorsements of strangers who call themselves peers': [
      () =>
        changed(({ action }) => {
          for (const each of action.endorsements) {
            const by = stranger('Org1MSP', 'ca.org1', 'peer')
            each.endorser = by.identity
            each.signature = by.sign(Buffer.concat([action.proposalResponsePayload, by.identity]))
          }
        }),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
    'endorsements of clients of both organisations': [
      () =>
        changed(({ action }) => {
          for (const [i, each] of action.endorsements.entries()) {
            const by = issued(network, `Org${i + 1}`, { enrolmentId: `client ${i} ${each.signature.length}`, role: 'client' })
            each.endorser = by.identity
            each.signature = by.sign(Buffer.concat([action.proposalResponsePayload, by.identity]))
          }
        }),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
    'other results than were endorsed': [
      () => withResults([{ namespace: 'asset', rwset: write }]),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
    'a write to the lifecycle': [
      () => withResults([{ namespace: '_lifecycle', rwset: write }]),
      [TxValidationCode.ENDORSEMENT_POLICY_FAILURE, TxValidationCode.ILLEGAL_WRITESET],
    ],
    'a write to a chaincode that is not': [
      () => withResults([{ namespace: '__proto__', rwset: write }]),
      [TxValidationCode.INVALID_CHAINCODE, TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
    'results for ten thousand namespaces': [
      () => withResults(Array.from({ length: 10_000 }, (_, i) => ({ namespace: `n${i}`, rwset: write }))),
      [TxValidationCode.INVALID_CHAINCODE, TxValidationCode.ENDORSEMENT_POLICY_FAILURE],
    ],
  }
  for (const [name, [make, codes]] of Object.entries(cases))
    it(name, async () => {
      expect(codes).toContain(await flagOf(await make()))
      const value = await network.gateway('Org1').contract('asset').evaluate('get', 'stolen')
      expect(value).toHaveLength(0)
    })

  it('the same envelope sent fifty times over counts once', async () => {
    const envelope = signedEnvelope(mallory, await endorsed(['add', 'sum', '1']))
    const sent = await Promise.all(Array.from({ length: 50 }, () => orderingOf(network).broadcast(Uint8Array.from(envelope))))
    const { blockNumber } = await orderingOf(network).broadcast(envelope)
    await Promise.all(network.peers.map((peer) => peer.reach('main', blockNumber + 1)))
    expect(new Set(sent.map(({ blockNumber }) => blockNumber)).size).toBe(1)
    expect(Buffer.from(await network.gateway('Org1').contract('asset').evaluate('get', 'sum')).toString()).toBe('1')
  })

  it('a transaction that another member replays in a frame of their own is not valid', async () => {
    const { header, data } = Payload.decode(await endorsed(['put', 'stolen', '1']))
    const eve = await member(network, 'Org2', 'eve')
    const payload = Payload.encode({ header, data })
    expect(await refusal(Envelope.encode({ payload, signature: eve.sign(payload) }))).toBe('ORDER_FORBIDDEN')
    const reframed = payloadOf(eve.identity, data)
    const { blockNumber } = await orderingOf(network).broadcast(signedEnvelope(eve, reframed))
    await network.channel('main').synchronize()
    await network.peers[0]!.reach('main', blockNumber + 1)
    expect((await network.channel('main').block(blockNumber))!.metadataAt(2)[0]).toBe(
      TxValidationCode.INVALID_ENDORSER_TRANSACTION,
    )
  })

  it('the network serves on, and the ledger with all of this in it verifies', async () => {
    await expectHealthy(network)
    await expectVerified(network)
  })
})

describe('a reader of blocks', () => {
  const seek = (by: Actor, data: Uint8Array, type: number = HeaderType.DELIVER_SEEK_INFO, channel = 'main') =>
    signedEnvelope(by, payloadOf(by.identity, data, { type, channel }))
  const number = (value: number) => ({ specified: { number: value } })
  const all = SeekInfo.encode({ start: number(0), stop: number(0), behavior: SeekBehavior.FAIL_IF_NOT_READY })
  async function read(envelope: Uint8Array): Promise<number> {
    let count = 0
    for await (const _ of orderingOf(network).deliverTo(envelope, new AbortController().signal)) count++
    return count
  }
  const refused = async (envelope: Uint8Array): Promise<string | undefined> => {
    const error = await failure(read(envelope))
    expect(error).toBeInstanceOf(OrderError)
    return error.code
  }

  it('who is a member is served', async () => expect(await read(seek(mallory, all))).toBe(1))

  it('who is none, has expired, or signed wrongly is refused', async () => {
    expect(await refused(seek(stranger(), all))).toBe('ORDER_FORBIDDEN')
    expect(await refused(seek(stranger('EvilMSP', 'ca.evil'), all))).toBe('ORDER_FORBIDDEN')
    expect(await refused(seek({ ...mallory, sign: stranger().sign }, all))).toBe('ORDER_FORBIDDEN')
    const old = issued(network, 'Org1', { enrolmentId: 'older', role: 'client' }, { lifetime: 1_000 })
    expect(await refused(seek(old, all))).toBe('ORDER_IDENTITY_EXPIRED')
  })

  it('who asks for nothing that can be given is refused', async () => {
    expect(await refused(NONE)).toBe('ORDER_WRONG_CHANNEL')
    expect(await refused(GARBAGE)).toBe('ORDER_MALFORMED_ENVELOPE')
    expect(await refused(seek(mallory, GARBAGE))).toBe('ORDER_MALFORMED_ENVELOPE')
    expect(await refused(seek(mallory, NONE))).toBe('ORDER_MALFORMED_ENVELOPE')
    expect(await refused(seek(mallory, all, HeaderType.MESSAGE))).toBe('ORDER_WRONG_CHANNEL')
    expect(await refused(seek(mallory, all, HeaderType.DELIVER_SEEK_INFO, 'other'))).toBe('ORDER_WRONG_CHANNEL')
    const beyond = SeekInfo.encode({ start: number(1e9), stop: number(2e9), behavior: SeekBehavior.FAIL_IF_NOT_READY })
    expect(await refused(seek(mallory, beyond))).toBe('ORDER_BLOCK_NOT_FOUND')
    const backwards = SeekInfo.encode({ start: number(3), stop: number(1) })
    expect(await refused(seek(mallory, backwards))).toBe('ORDER_BLOCK_NOT_FOUND')
    const huge = Buffer.from('0a0d1a0b08ffffffffffffffffff0112020a00', 'hex')
    expect(await refused(seek(mallory, huge))).toMatch(/^ORDER_(BLOCK_NOT_FOUND|MALFORMED_ENVELOPE)$/)
  })
})
