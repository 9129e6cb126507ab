import { HeddleError, type Network } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SignatureChecks } from '../src/flow/validate/signature-checks.ts'
import { examine } from '../src/flow/validate/transaction-structure.ts'
import { EnvelopeView } from '../src/model/envelope-view.ts'
import { Envelope, Payload } from '../src/model/messages/common.ts'
import { PreparedTransaction } from '../src/model/messages/gateway.ts'
import { ChaincodeAction } from '../src/model/messages/proposal.ts'
import { ProposalResponsePayload } from '../src/model/messages/proposal-response.ts'
import { ChaincodeActionPayload, Transaction } from '../src/model/messages/transaction.ts'
import { TxValidationCode } from '../src/model/validation-code.ts'
import {
  type Actor,
  client,
  endorserOf,
  expectHealthy,
  expectVerified,
  member,
  orderingOf,
  payloadOf,
  proposalBytes,
  proposedTransaction,
  signedEnvelope,
  signedProposal,
  startNetwork,
  stranger,
} from './bad-input.fixture.ts'

const LIMIT = 100
let network: Network
let mallory: Actor
beforeAll(async () => {
  network = await startNetwork({ limits: { concurrentEndorsements: LIMIT } })
  mallory = await member(network)
})
afterAll(() => network.stop())

async function count(work: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(HeddleError)
    const code = outcome.status === 'fulfilled' ? 'taken' : (outcome.reason as HeddleError).code
    counts[code] = (counts[code] ?? 0) + 1
  }
  return counts
}

describe('a flood', () => {
  it('of proposals: no more at once than the limit, the others are refused and not queued', async () => {
    const proposals = Array.from({ length: 3_000 }, () => signedProposal(mallory, { args: ['get', 'a'] }))
    const counts = await count(proposals.map((bytes) => endorserOf(network).processProposal(bytes)))
    expect(counts).toEqual({ taken: LIMIT, ENDORSER_OVERLOADED: 3_000 - LIMIT })
    await expectHealthy(network)
  })

  it('of proposals through gateways: to be tried again, says the error', async () => {
    const gateway = network.gateway(client(mallory))
    const counts = await count(
      Array.from({ length: 1_000 }, () => gateway.contract('asset').newProposal('put', 'a', '1').endorse()),
    )
    expect(Object.keys(counts).sort()).toEqual(['ENDORSE_UNAVAILABLE', 'taken'])
    await expectHealthy(network)
  })

  it('of envelopes of strangers and of members who sign wrongly: nothing is ordered or kept', async () => {
    const evil = stranger()
    const wrong = { ...mallory, sign: evil.sign }
    const height = network.channel('main').height
    const flood = Array.from({ length: 3_000 }, (_, i) => {
      const by = i % 2 === 0 ? evil : wrong
      return orderingOf(network).broadcast(signedEnvelope(by, payloadOf(by.identity, Buffer.alloc(2_000))))
    })
    // In the midst of it an honest client is served.
    await network.gateway('Org1').contract('asset').submit('put', 'in the midst', '1')
    expect(await count(flood)).toEqual({ ORDER_FORBIDDEN: 3_000 })
    expect(network.channel('main').height).toBe(height + 1)
    await expectHealthy(network)
  })

  it('of large envelopes: bytes in flight are bounded', async () => {
    const data = Buffer.alloc(9_000_000)
    const envelopes = Array.from({ length: 2 }, (_, i) =>
      signedEnvelope(mallory, payloadOf(mallory.identity, data, { nonce: Buffer.alloc(24, i) })),
    )
    // The same bytes join each other, so each copy stands under a signature of its own.
    const copies = Array.from({ length: 40 }, (_, i) => {
      const { payload } = Envelope.decode(envelopes[i % 2]!)
      return Envelope.encode({ payload, signature: mallory.sign(payload) })
    })
    const work = copies.map((bytes) => orderingOf(network).broadcast(bytes))
    expect(orderingOf(network).status().inFlight.bytes).toBeLessThanOrEqual(256 * 1024 * 1024)
    const counts = await count(work)
    expect(counts.ORDERER_OVERLOADED).toBeGreaterThan(0)
    await expectHealthy(network)
  }, 60_000)

  it('of event streams that are opened and never read: nothing is kept for them', async () => {
    const gateway = network.gateway('Org1')
    const streams = Array.from({ length: 2_000 }, () =>
      gateway.channel('main').blockEvents({ startBlock: 0 })[Symbol.asyncIterator](),
    )
    // Half of them read one block and stop there.
    await Promise.all(streams.slice(1_000).map((stream) => stream.next()))
    await expectHealthy(network)
    gateway.close()
    await Promise.all(streams.map((stream) => stream.return?.()))
    await expectHealthy(network)
  })

  it('of event streams that wait for what does not come ends with the gateway', async () => {
    const gateway = network.gateway('Org1')
    const waiting = Array.from({ length: 2_000 }, () =>
      gateway.channel('main').chaincodeEvents('asset')[Symbol.asyncIterator]().next(),
    )
    await expectHealthy(network)
    gateway.close()
    for (const { done } of await Promise.all(waiting)) expect(typeof done).toBe('boolean')
  })
})

describe('signatures that ask for more than they are worth', () => {
  /** A transaction with results of this size under this many endorsements. */
  async function heavy(size: number, endorsers: readonly Uint8Array[]): Promise<Uint8Array> {
    const bytes = proposedTransaction(proposalBytes(mallory.identity))
    const transaction = await network.gateway(client(mallory)).newProposal(bytes).endorse()
    const { header, data } = Payload.decode(PreparedTransaction.decode(transaction.getBytes()).envelope!.payload)
    const [first] = Transaction.decode(data).actions
    const action = ChaincodeActionPayload.decode(first!.payload)
    const response = ProposalResponsePayload.decode(action.action!.proposalResponsePayload)
    const extension = ChaincodeAction.decode(response.extension)
    const proposalResponsePayload = ProposalResponsePayload.encode({
      ...response,
      extension: ChaincodeAction.encode({ ...extension, response: { status: 200, message: '', payload: new Uint8Array(size) } }),
    })
    const endorsements = endorsers.map((endorser) => ({ endorser, signature: new Uint8Array(64) }))
    const inner = ChaincodeActionPayload.encode({ ...action, action: { proposalResponsePayload, endorsements } })
    const payload = Payload.encode({ header, data: Transaction.encode({ actions: [{ header: first!.header, payload: inner }] }) })
    return signedEnvelope(mallory, payload)
  }

  it('a large result under thousands of endorsements stands in memory a part at a time, and the work has an end', async () => {
    const endorser = network.peers[0]!.identity.identity
    const envelope = await heavy(1_000_000, Array(3_000).fill(endorser))
    const calls: number[] = []
    const checks = new SignatureChecks(
      {
        keyOf: () => ({ provider: 'none', raw: new Uint8Array(65) }),
        verifyAll: (items: readonly { data: Uint8Array }[]) => {
          calls.push(items.reduce((sum, { data }) => sum + data.length, 0))
          return items.map(() => true)
        },
      } as never,
      undefined,
    )
    const slots = checks.add(examine(new EnvelopeView(envelope)))
    const verdicts = await checks.start()
    const MB = 1024 * 1024
    // A part, what was joined ahead, and the payload that the creator signed.
    expect(Math.max(...calls)).toBeLessThan(140 * MB)
    expect(calls.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1_040 * MB)
    expect(slots.endorsements).toHaveLength(3_000)
    expect(verdicts.holds(slots.endorsements[0]!)).toBe(true)
    expect(verdicts.holds(slots.endorsements[2_999]!)).toBe(false)
  })

  it('a hundred thousand endorsements of nobody: flagged at once', async () => {
    const before = network.signatureWork.verifications
    const envelope = await heavy(100_000, Array(100_000).fill(Uint8Array.of(9)))
    const { blockNumber } = await orderingOf(network).broadcast(envelope)
    await Promise.all(network.peers.map((peer) => peer.reach('main', blockNumber + 1)))
    expect((await network.channel('main').block(blockNumber))!.metadataAt(2)[0]).toBe(TxValidationCode.ENDORSEMENT_POLICY_FAILURE)
    expect(network.signatureWork.verifications - before).toBeLessThan(20)
  })

  it('and the ledger with all of this in it verifies', async () => {
    await expectHealthy(network)
    await expectVerified(network)
  }, 60_000)
})
