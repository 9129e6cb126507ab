// Messages of peer/proposal.proto.

import { bytes, embed, mapOf } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { ChaincodeID } from './chaincode.ts'
import { Response } from './proposal-response.ts'

export const SignedProposal = message('protos.SignedProposal', {
  proposalBytes: bytes(1),
  signature: bytes(2),
})
export type SignedProposal = Infer<typeof SignedProposal>

export const Proposal = message('protos.Proposal', {
  header: bytes(1),
  payload: bytes(2),
  extension: bytes(3),
})
export type Proposal = Infer<typeof Proposal>

export const ChaincodeHeaderExtension = message('protos.ChaincodeHeaderExtension', {
  chaincodeId: embed(2, ChaincodeID),
})
export type ChaincodeHeaderExtension = Infer<typeof ChaincodeHeaderExtension>

export const ChaincodeProposalPayload = message('protos.ChaincodeProposalPayload', {
  input: bytes(1),
  transientMap: mapOf(2, bytes(2)),
})
export type ChaincodeProposalPayload = Infer<typeof ChaincodeProposalPayload>

export const ChaincodeAction = message('protos.ChaincodeAction', {
  results: bytes(1),
  events: bytes(2),
  response: embed(3, Response),
  chaincodeId: embed(4, ChaincodeID),
})
export type ChaincodeAction = Infer<typeof ChaincodeAction>
