// Messages of peer/proposal_response.proto.

import { bool, bytes, embed, int32, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { SignaturePolicyEnvelope } from './policies.ts'
import { Timestamp } from './well-known.ts'

export const Response = message('protos.Response', {
  status: int32(1),
  message: string(2),
  payload: bytes(3),
})
export type Response = Infer<typeof Response>

export const Endorsement = message('protos.Endorsement', {
  endorser: bytes(1),
  signature: bytes(2),
})
export type Endorsement = Infer<typeof Endorsement>

export const ChaincodeCall = message('protos.ChaincodeCall', {
  name: string(1),
  collectionNames: repeated(string(2)),
  noPrivateReads: bool(3),
  noPublicWrites: bool(4),
  keyPolicies: repeated(embed(5, SignaturePolicyEnvelope)),
  disregardNamespacePolicy: bool(6),
})
export type ChaincodeCall = Infer<typeof ChaincodeCall>

export const ChaincodeInterest = message('protos.ChaincodeInterest', {
  chaincodes: repeated(embed(1, ChaincodeCall)),
})
export type ChaincodeInterest = Infer<typeof ChaincodeInterest>

export const ProposalResponse = message('protos.ProposalResponse', {
  version: int32(1),
  timestamp: embed(2, Timestamp),
  response: embed(4, Response),
  payload: bytes(5),
  endorsement: embed(6, Endorsement),
  interest: embed(7, ChaincodeInterest),
})
export type ProposalResponse = Infer<typeof ProposalResponse>

export const ProposalResponsePayload = message('protos.ProposalResponsePayload', {
  proposalHash: bytes(1),
  extension: bytes(2),
})
export type ProposalResponsePayload = Infer<typeof ProposalResponsePayload>
