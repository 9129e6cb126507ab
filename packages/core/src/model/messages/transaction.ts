// Messages of peer/transaction.proto.

import { bytes, embed, int32, repeated } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { Envelope } from './common.ts'
import { Endorsement } from './proposal-response.ts'

export const ProcessedTransaction = message('protos.ProcessedTransaction', {
  transactionEnvelope: embed(1, Envelope),
  validationCode: int32(2),
})
export type ProcessedTransaction = Infer<typeof ProcessedTransaction>

export const TransactionAction = message('protos.TransactionAction', {
  header: bytes(1),
  payload: bytes(2),
})
export type TransactionAction = Infer<typeof TransactionAction>

export const Transaction = message('protos.Transaction', {
  actions: repeated(embed(1, TransactionAction)),
})
export type Transaction = Infer<typeof Transaction>

export const ChaincodeEndorsedAction = message('protos.ChaincodeEndorsedAction', {
  proposalResponsePayload: bytes(1),
  endorsements: repeated(embed(2, Endorsement)),
})
export type ChaincodeEndorsedAction = Infer<typeof ChaincodeEndorsedAction>

export const ChaincodeActionPayload = message('protos.ChaincodeActionPayload', {
  chaincodeProposalPayload: bytes(1),
  action: embed(2, ChaincodeEndorsedAction),
})
export type ChaincodeActionPayload = Infer<typeof ChaincodeActionPayload>

export const MetaDataKeys = { VALIDATION_PARAMETER: 0, VALIDATION_PARAMETER_V2: 1 } as const
