import { HeddleError, type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mutate } from '../fuzz/mutate.ts'
import { Seeded } from '../fuzz/seeded.ts'
import { ChannelHeader, Payload } from '../src/model/messages/common.ts'
import { PreparedTransaction } from '../src/model/messages/gateway.ts'
import { ChaincodeAction, SignedProposal } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { TxReadWriteSet } from '../src/model/messages/rwset.ts'
import { ChaincodeActionPayload, Transaction } from '../src/model/messages/transaction.ts'
import {
  type Actor,
  client,
  endorserOf,
  expectHealthy,
  expectVerified,
  issued,
  member,
  orderingOf,
  proposalBytes,
  proposedTransaction,
  signedEnvelope,
  startNetwork,
} from './bad-input.fixture.ts'

const SEED = Number(process.env.HEDDLE_FUZZ_SEED ?? 20_240)
const PROPOSALS = 4_000
const ENVELOPES = 3_000
const TIMESTAMP = { seconds: 1_700_000_000, nanos: 0 }

let network: Network
let mallory: Actor
/** Peers in the attacker's hand: what they sign counts as an endorsement. */
let corrupt: readonly Actor[]
beforeAll(async () => {
  // The same certificates each time: one seed is one run.
  network = await startNetwork({ seed: 'fuzz' })
  mallory = await member(network)
  corrupt = ['Org1', 'Org2'].map((name) => issued(network, name, { enrolmentId: 'corrupt', role: 'peer' }))
})
afterAll(() => network.stop())

/** How often each outcome came; only typed errors may. */
async function outcomes(work: readonly (() => Promise<unknown>)[]): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  const width = 64
  for (let from = 0; from < work.length; from += width) {
    const some = await Promise.allSettled(work.slice(from, from + width).map((each) => each()))
    for (const [i, outcome] of some.entries()) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof HeddleError))
        throw new Error(`seed ${SEED}, input ${from + i}: no typed error`, { cause: outcome.reason })
      const code = outcome.status === 'fulfilled' ? 'taken' : (outcome.reason as HeddleError).code
      seen.set(code, (seen.get(code) ?? 0) + 1)
    }
  }
  return seen
}

async function prepared(args: readonly string[]): Promise<Uint8Array> {
  const bytes = proposedTransaction(proposalBytes(mallory.identity, { args, timestamp: TIMESTAMP }))
  const transaction = await network.gateway(client(mallory)).newProposal(bytes).endorse()
  return PreparedTransaction.decode(transaction.getBytes()).envelope!.payload
}

describe(`mutated input that is signed by a member, seed ${SEED}`, () => {
  it('proposals: each is answered or refused with a code, by both peers alike', async () => {
    const random = new Seeded(SEED)
    const args = [['put', 'a', '1'], ['get', 'a'], ['add', 'sum', '1'], ['fail'], ['nothing']]
    const seeds = args.map((each) =>
      proposalBytes(mallory.identity, { args: each, transient: new Map([['t', Buffer.alloc(9)]]), timestamp: TIMESTAMP }),
    )
    const inputs = Array.from({ length: PROPOSALS }, () => mutate(random.pick(seeds), random, random.pick(seeds)))
    const seen = await outcomes(
      inputs.map((bytes) => async () => {
        const signed = SignedProposal.encode({ proposalBytes: bytes, signature: mallory.sign(bytes) })
        const both = await Promise.allSettled([
          endorserOf(network, 'peer0.org1').processProposal(signed),
          endorserOf(network, 'peer0.org2').processProposal(signed),
        ])
        const [first, second] = both.map((each) =>
          each.status === 'fulfilled'
            ? Buffer.from(each.value.payload).toString('hex')
            : ((each.reason as HeddleError).code ?? String(each.reason)),
        )
        expect(second).toBe(first)
        if (both[0].status === 'rejected') throw both[0].reason
      }),
    )
    // The mutations reach beyond the decoder: chaincode ran, and each layer refused some.
    expect([...seen.keys()]).not.toContain('CHAINCODE_TIMEOUT')
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['taken', 'ENDORSER_BAD_PROPOSAL']))
    await expectHealthy(network)
  })

  it('proposals through a gateway', async () => {
    const random = new Seeded(SEED + 1)
    const gateway = network.gateway(client(mallory))
    const seeds = [
      proposedTransaction(proposalBytes(mallory.identity, { args: ['add', 'sum', '1'], timestamp: TIMESTAMP })),
      proposedTransaction(proposalBytes(mallory.identity, { args: ['put', 'b', '2'], timestamp: TIMESTAMP }), [
        'Org1MSP',
        'Org2MSP',
      ]),
    ]
    await outcomes(
      Array.from({ length: 1_000 }, () => {
        const bytes = mutate(random.pick(seeds), random, random.pick(seeds))
        return async () => {
          const transaction = await gateway.newProposal(bytes).endorse()
          await (await transaction.submit()).getStatus()
        }
      }),
    )
    await expectHealthy(network)
  })

  it('envelopes: each is refused, or ordered and flagged by all peers alike', async () => {
    const random = new Seeded(SEED + 2)
    const seeds = await Promise.all([
      prepared(['put', 'c', '1']),
      prepared(['get', 'c']),
      prepared(['add', 'sum', '1']),
      prepared(['put', 'd', 'x'.repeat(300)]),
    ])
    const work = Array.from({ length: ENVELOPES }, () => {
      const payload = level(random.pick(seeds), random, random.pick(seeds))
      const envelope = random.chance(5)
        ? mutate(signedEnvelope(mallory, payload), random, payload)
        : signedEnvelope(mallory, payload)
      return () => orderingOf(network).broadcast(envelope)
    })
    const seen = await outcomes(work)
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['taken', 'ORDER_MALFORMED_ENVELOPE', 'ORDER_FORBIDDEN']))
    await expectHealthy(network)
    const codes = new Set<number>()
    for await (const block of network.channel('main').blocks()) for (const code of block.metadataAt(2)) codes.add(code)
    // Valid ones, and failures of structure, proposal, policy and results: no layer was spared.
    for (const code of [0, 8, 22]) expect([...codes]).toContain(code)
    expect(codes.size).toBeGreaterThan(6)
  })

  it('the ledger that came of it verifies', () => expectVerified(network))
})

/**
 * Changes one level of an endorsed transaction and wraps it again, so that what stands around it is right; results that changed are
 * endorsed anew by the corrupt peers.
 */
function level(bytes: Uint8Array, random: Seeded, other: Uint8Array): Uint8Array {
  const depth = random.below(8)
  if (depth === 0) return mutate(bytes, random, other)
  const payload = Payload.decode(bytes)
  const header = payload.header!
  if (depth === 1) {
    const channelHeader = random.chance(50)
      ? mutate(header.channelHeader, random, other)
      : ChannelHeader.encode({ ...ChannelHeader.decode(header.channelHeader), version: random.below(9), epoch: random.below(2) })
    return Payload.encode({ ...payload, header: { ...header, channelHeader } })
  }
  if (depth === 2) return Payload.encode({ ...payload, data: mutate(payload.data, random, other) })
  const [first] = Transaction.decode(payload.data).actions
  const wrap = (inner: Uint8Array) =>
    Payload.encode({ ...payload, data: Transaction.encode({ actions: [{ header: first!.header, payload: inner }] }) })
  if (depth === 3) return wrap(mutate(first!.payload, random, other))
  const action = ChaincodeActionPayload.decode(first!.payload)
  const endorse = (proposalResponsePayload: Uint8Array) => {
    const endorsements = corrupt.map((by) => ({
      endorser: by.identity,
      signature: by.sign(Buffer.concat([proposalResponsePayload, by.identity])),
    }))
    return wrap(ChaincodeActionPayload.encode({ ...action, action: { proposalResponsePayload, endorsements } }))
  }
  const response = ProposalResponsePayload.decode(action.action!.proposalResponsePayload)
  if (depth === 4) return endorse(mutate(action.action!.proposalResponsePayload, random, other))
  const extension = ChaincodeAction.decode(response.extension)
  const withExtension = (changed: Uint8Array) => endorse(ProposalResponsePayload.encode({ ...response, extension: changed }))
  if (depth === 5) return withExtension(mutate(response.extension, random, other))
  if (depth === 6) {
    const results = mutate(extension.results, random, other)
    return withExtension(ChaincodeAction.encode({ ...extension, results }))
  }
  const sets = TxReadWriteSet.decode(extension.results)
  const nsRwset = sets.nsRwset.map((each) => ({ ...each, rwset: mutate(each.rwset, random, extension.results) }))
  return withExtension(ChaincodeAction.encode({ ...extension, results: TxReadWriteSet.encode({ ...sets, nsRwset }) }))
}
