// Messages of peer/events.proto.

import { embed, enumeration, oneof, repeated, string, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { ChaincodeEvent } from './chaincode-event.ts'
import { BlockMessage } from './common.ts'

export const FilteredChaincodeAction = message('protos.FilteredChaincodeAction', {
  chaincodeEvent: embed(1, ChaincodeEvent),
})
export type FilteredChaincodeAction = Infer<typeof FilteredChaincodeAction>

export const FilteredTransactionActions = message('protos.FilteredTransactionActions', {
  chaincodeActions: repeated(embed(1, FilteredChaincodeAction)),
})
export type FilteredTransactionActions = Infer<typeof FilteredTransactionActions>

export const FilteredTransaction = message('protos.FilteredTransaction', {
  txid: string(1),
  type: enumeration(2),
  txValidationCode: enumeration(3),
  transactionActions: oneof('data', embed(4, FilteredTransactionActions)),
})
export type FilteredTransaction = Infer<typeof FilteredTransaction>

export const FilteredBlock = message('protos.FilteredBlock', {
  channelId: string(1),
  number: uint64(2),
  filteredTransactions: repeated(embed(4, FilteredTransaction)),
})
export type FilteredBlock = Infer<typeof FilteredBlock>

export const PeerDeliverResponse = message('protos.DeliverResponse', {
  status: oneof('type', enumeration(1)),
  block: oneof('type', embed(2, BlockMessage)),
  filteredBlock: oneof('type', embed(3, FilteredBlock)),
})
export type PeerDeliverResponse = Infer<typeof PeerDeliverResponse>
