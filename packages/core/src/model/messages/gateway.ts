// Messages of gateway/gateway.proto.

import { bytes, embed, enumeration, repeated, string, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { ChaincodeEvent } from './chaincode-event.ts'
import { Envelope } from './common.ts'
import { SeekPosition } from './orderer.ts'
import { SignedProposal } from './proposal.ts'
import { Response } from './proposal-response.ts'

export const EndorseRequest = message('gateway.EndorseRequest', {
  transactionId: string(1),
  channelId: string(2),
  proposedTransaction: embed(3, SignedProposal),
  endorsingOrganizations: repeated(string(4)),
})
export type EndorseRequest = Infer<typeof EndorseRequest>

export const EndorseResponse = message('gateway.EndorseResponse', {
  preparedTransaction: embed(1, Envelope),
})
export type EndorseResponse = Infer<typeof EndorseResponse>

export const SubmitRequest = message('gateway.SubmitRequest', {
  transactionId: string(1),
  channelId: string(2),
  preparedTransaction: embed(3, Envelope),
})
export type SubmitRequest = Infer<typeof SubmitRequest>

export const SubmitResponse = message('gateway.SubmitResponse', {})
export type SubmitResponse = Infer<typeof SubmitResponse>

export const SignedCommitStatusRequest = message('gateway.SignedCommitStatusRequest', {
  request: bytes(1),
  signature: bytes(2),
})
export type SignedCommitStatusRequest = Infer<typeof SignedCommitStatusRequest>

export const CommitStatusRequest = message('gateway.CommitStatusRequest', {
  transactionId: string(1),
  channelId: string(2),
  identity: bytes(3),
})
export type CommitStatusRequest = Infer<typeof CommitStatusRequest>

export const CommitStatusResponse = message('gateway.CommitStatusResponse', {
  result: enumeration(1),
  blockNumber: uint64(2),
})
export type CommitStatusResponse = Infer<typeof CommitStatusResponse>

export const EvaluateRequest = message('gateway.EvaluateRequest', {
  transactionId: string(1),
  channelId: string(2),
  proposedTransaction: embed(3, SignedProposal),
  targetOrganizations: repeated(string(4)),
})
export type EvaluateRequest = Infer<typeof EvaluateRequest>

export const EvaluateResponse = message('gateway.EvaluateResponse', {
  result: embed(1, Response),
})
export type EvaluateResponse = Infer<typeof EvaluateResponse>

export const SignedChaincodeEventsRequest = message('gateway.SignedChaincodeEventsRequest', {
  request: bytes(1),
  signature: bytes(2),
})
export type SignedChaincodeEventsRequest = Infer<typeof SignedChaincodeEventsRequest>

export const ChaincodeEventsRequest = message('gateway.ChaincodeEventsRequest', {
  channelId: string(1),
  chaincodeId: string(2),
  identity: bytes(3),
  startPosition: embed(4, SeekPosition),
  afterTransactionId: string(5),
})
export type ChaincodeEventsRequest = Infer<typeof ChaincodeEventsRequest>

export const ChaincodeEventsResponse = message('gateway.ChaincodeEventsResponse', {
  events: repeated(embed(1, ChaincodeEvent)),
  blockNumber: uint64(2),
})
export type ChaincodeEventsResponse = Infer<typeof ChaincodeEventsResponse>

export const ErrorDetail = message('gateway.ErrorDetail', {
  address: string(1),
  mspId: string(2),
  message: string(3),
})
export type ErrorDetail = Infer<typeof ErrorDetail>

export const ProposedTransaction = message('gateway.ProposedTransaction', {
  transactionId: string(1),
  proposal: embed(2, SignedProposal),
  endorsingOrganizations: repeated(string(3)),
})
export type ProposedTransaction = Infer<typeof ProposedTransaction>

export const PreparedTransaction = message('gateway.PreparedTransaction', {
  transactionId: string(1),
  envelope: embed(2, Envelope),
})
export type PreparedTransaction = Infer<typeof PreparedTransaction>
