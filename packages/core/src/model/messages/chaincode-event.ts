// Messages of peer/chaincode_event.proto.
import { bytes, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const ChaincodeEvent = message('protos.ChaincodeEvent', {
  chaincodeId: string(1),
  txId: string(2),
  eventName: string(3),
  payload: bytes(4),
})
export type ChaincodeEvent = Infer<typeof ChaincodeEvent>
