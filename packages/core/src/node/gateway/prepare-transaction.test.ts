import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeProposal } from '../../client/encode-proposal.ts'
import { ChaincodeInvocationSpec, ChaincodeSpecType } from '../../model/messages/chaincode.ts'
import { ChannelHeader, Header, HeaderType, Payload, SignatureHeader } from '../../model/messages/common.ts'
import { ChaincodeHeaderExtension, ChaincodeProposalPayload, Proposal } from '../../model/messages/proposal.ts'
import { ChaincodeActionPayload, Transaction } from '../../model/messages/transaction.ts'
import { withoutTransient } from '../../model/proposal-hash.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { transactionPayload } from './prepare-transaction.ts'

const bytes = (maxLength = 300) => fc.uint8Array({ maxLength })
const text = fc.string({ unit: 'grapheme', maxLength: 200 }).filter((value) => value.isWellFormed())
const parts = fc.record({
  channel: text,
  chaincode: text,
  transactionId: text,
  creator: fc.uint8Array({ minLength: 1, maxLength: 1000 }),
  nonce: fc.uint8Array({ minLength: 1, maxLength: 24 }),
  now: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 4e12 })),
  args: fc.array(fc.oneof(text, bytes()), { maxLength: 6 }),
  isInit: fc.boolean(),
  transient: fc.option(
    fc.uniqueArray(fc.tuple(text, bytes()), { selector: ([name]) => name, maxLength: 4 }).map((entries) => new Map(entries)),
    { nil: undefined },
  ),
})

it('a proposal in one pass has the bytes that the declared messages make', () => {
  fc.assert(
    fc.property(parts, ({ channel, chaincode, transactionId, creator, nonce, now, args, transient, isInit }) => {
      const seconds = Math.floor(now / 1000)
      const input = ChaincodeInvocationSpec.encode({
        chaincodeSpec: {
          type: ChaincodeSpecType.NODE,
          chaincodeId: { name: chaincode },
          input: { args: args.map((each) => (typeof each === 'string' ? utf8Bytes(each) : each)), isInit },
        },
      })
      const expected = Proposal.encode({
        header: Header.encode({
          channelHeader: ChannelHeader.encode({
            type: HeaderType.ENDORSER_TRANSACTION,
            timestamp: { seconds, nanos: Math.floor((now - seconds * 1000) * 1_000_000) },
            channelId: channel,
            txId: transactionId,
            extension: ChaincodeHeaderExtension.encode({ chaincodeId: { name: chaincode } }),
          }),
          signatureHeader: SignatureHeader.encode({ creator, nonce }),
        }),
        payload: ChaincodeProposalPayload.encode(transient === undefined ? { input } : { input, transientMap: transient }),
      })
      const made = encodeProposal({ channel, chaincode, transactionId, creator, nonce, now, args, transient, isInit })
      expect(Buffer.from(made).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    }),
  )
})

it('a transaction in one pass has the bytes that the declared messages make, without the transient data', () => {
  const endorsement = fc.record({ endorser: bytes(1000), signature: bytes(72) })
  fc.assert(
    fc.property(parts, bytes(2000), fc.array(endorsement, { maxLength: 4 }), (proposalParts, responsePayload, endorsements) => {
      const proposalBytes = encodeProposal(proposalParts)
      const proposal = Proposal.decode(proposalBytes)
      const header = Header.decode(proposal.header)
      const action = ChaincodeActionPayload.encode({
        chaincodeProposalPayload: withoutTransient(proposal.payload),
        action: { proposalResponsePayload: responsePayload, endorsements },
      })
      const expected = Payload.encode({
        header,
        data: Transaction.encode({ actions: [{ header: header.signatureHeader, payload: action }] }),
      })
      const { signatureHeader } = header
      const { input } = ChaincodeProposalPayload.decode(proposal.payload)
      const made = transactionPayload({ header: proposal.header, signatureHeader, input }, responsePayload, endorsements)
      expect(Buffer.from(made).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    }),
  )
})
