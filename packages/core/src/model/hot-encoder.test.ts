import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeProposalResponsePayload, encodeTransactionPayload, encodeTxRwSet } from './hot-encoder.ts'
import { Payload } from './messages/common.ts'
import { HashedRWSet, KVRWSet } from './messages/kv-rwset.ts'
import { ChaincodeAction } from './messages/proposal.ts'
import { ProposalResponsePayload } from './messages/proposal-response.ts'
import { TxReadWriteSet } from './messages/rwset.ts'
import { ChaincodeActionPayload, Transaction } from './messages/transaction.ts'
import { arbitraryValue } from './protobuf/arbitrary-message.fixture.ts'
import type { MessageType } from './protobuf/message.ts'

const options = { safeIntegers: false, asciiKeys: false }
const any = <T>(type: MessageType<T>) => arbitraryValue(type as never, options)
const bytes = fc.uint8Array({ maxLength: 300 })

describe('encoders of the hot path write what the generic codec writes', () => {
  it('for the payload of a transaction', () => {
    const parts = fc.record({
      channelHeader: bytes,
      signatureHeader: bytes,
      chaincodeProposalPayload: bytes,
      proposalResponsePayload: bytes,
      endorsements: fc.array(fc.record({ endorser: bytes, signature: bytes }), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(parts, (given) => {
        const { channelHeader, signatureHeader, chaincodeProposalPayload, proposalResponsePayload, endorsements } = given
        const payload = ChaincodeActionPayload.encode({
          chaincodeProposalPayload,
          action: { proposalResponsePayload, endorsements },
        })
        const data = Transaction.encode({ actions: [{ header: signatureHeader, payload }] })
        expect(encodeTransactionPayload(given)).toEqual(Payload.encode({ header: { channelHeader, signatureHeader }, data }))
      }),
    )
  })

  it('for the payload of a proposal response', () => {
    fc.assert(
      fc.property(bytes, any(ChaincodeAction), (proposalHash, action) => {
        const expected = ProposalResponsePayload.encode({ proposalHash, extension: ChaincodeAction.encode(action) })
        expect(encodeProposalResponsePayload(proposalHash, action)).toEqual(expected)
      }),
    )
  })

  it('for a read-write set', () => {
    const collection = fc.record({ name: fc.string(), hashed: any(HashedRWSet), pvtRwsetHash: bytes })
    const namespace = fc.record({ namespace: fc.string(), kv: any(KVRWSet), collections: fc.array(collection, { maxLength: 2 }) })
    fc.assert(
      fc.property(fc.array(namespace, { maxLength: 3 }), (namespaces) => {
        const nsRwset = namespaces.map((each) => ({
          namespace: each.namespace,
          rwset: KVRWSet.encode(each.kv),
          collectionHashedRwset: each.collections.map(({ name, hashed, pvtRwsetHash }) => ({
            collectionName: name,
            hashedRwset: HashedRWSet.encode(hashed),
            pvtRwsetHash,
          })),
        }))
        expect(encodeTxRwSet({ namespaces })).toEqual(TxReadWriteSet.encode({ nsRwset }))
      }),
    )
  })
})
