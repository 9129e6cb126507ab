import { Header, Payload } from '../../model/messages/common.ts'
import { Proposal } from '../../model/messages/proposal.ts'
import type { Endorsement } from '../../model/messages/proposal-response.ts'
import { ChaincodeActionPayload, Transaction } from '../../model/messages/transaction.ts'
import { withoutTransient } from '../../model/proposal-hash.ts'

/** The payload of an envelope, serialized, from a proposal and its endorsements: what the client signs. */
export function transactionPayload(
  proposalBytes: Uint8Array,
  responsePayload: Uint8Array,
  endorsements: readonly Endorsement[],
): Uint8Array {
  const proposal = Proposal.decode(proposalBytes)
  const header = Header.decode(proposal.header)
  const payload = ChaincodeActionPayload.encode({
    chaincodeProposalPayload: withoutTransient(proposal.payload),
    action: { proposalResponsePayload: responsePayload, endorsements },
  })
  return Payload.encode({ header, data: Transaction.encode({ actions: [{ header: header.signatureHeader, payload }] }) })
}
