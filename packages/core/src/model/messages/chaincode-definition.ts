// Messages of peer/lifecycle/chaincode_definition.proto.
import { bool, bytes, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const ChaincodeEndorsementInfo = message('lifecycle.ChaincodeEndorsementInfo', {
  version: string(1),
  initRequired: bool(2),
  endorsementPlugin: string(3),
})
export type ChaincodeEndorsementInfo = Infer<typeof ChaincodeEndorsementInfo>

export const ChaincodeValidationInfo = message('lifecycle.ChaincodeValidationInfo', {
  validationPlugin: string(1),
  validationParameter: bytes(2),
})
export type ChaincodeValidationInfo = Infer<typeof ChaincodeValidationInfo>
