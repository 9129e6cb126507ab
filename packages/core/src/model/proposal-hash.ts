import { ChaincodeProposalPayload } from './messages/proposal.ts'
import { sha256 } from './sha256.ts'

/** The chaincode proposal payload as a transaction carries it: the input alone, since transient data never reaches the ledger. */
export function withoutTransient(chaincodeProposalPayload: Uint8Array): Uint8Array {
  return ChaincodeProposalPayload.encode({ input: ChaincodeProposalPayload.decode(chaincodeProposalPayload).input })
}

/**
 * What endorsers sign as the identity of a proposal: SHA-256 of the two headers, as bytes, and of the payload without transient data.
 *
 * @param publicPayload the result of {@link withoutTransient}, or `chaincode_proposal_payload` of a transaction
 */
export function proposalHash(channelHeader: Uint8Array, signatureHeader: Uint8Array, publicPayload: Uint8Array): Uint8Array {
  return sha256(channelHeader, signatureHeader, publicPayload)
}
