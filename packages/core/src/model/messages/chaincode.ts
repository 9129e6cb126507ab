// Messages of peer/chaincode.proto.

import { bool, bytes, embed, enumeration, int32, mapOf, repeated, string, uint32 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'
import { SignaturePolicyEnvelope } from './policies.ts'

export const ChaincodeID = message('protos.ChaincodeID', {
  path: string(1),
  name: string(2),
  version: string(3),
})
export type ChaincodeID = Infer<typeof ChaincodeID>

export const ChaincodeInput = message('protos.ChaincodeInput', {
  args: repeated(bytes(1)),
  decorations: mapOf(2, bytes(2)),
  isInit: bool(3),
})
export type ChaincodeInput = Infer<typeof ChaincodeInput>

export const ChaincodeSpecType = { UNDEFINED: 0, GOLANG: 1, NODE: 2, CAR: 3, JAVA: 4 } as const

export const ChaincodeSpec = message('protos.ChaincodeSpec', {
  type: enumeration(1),
  chaincodeId: embed(2, ChaincodeID),
  input: embed(3, ChaincodeInput),
  timeout: int32(4),
})
export type ChaincodeSpec = Infer<typeof ChaincodeSpec>

export const ChaincodeDeploymentSpec = message('protos.ChaincodeDeploymentSpec', {
  chaincodeSpec: embed(1, ChaincodeSpec),
  codePackage: bytes(3),
})
export type ChaincodeDeploymentSpec = Infer<typeof ChaincodeDeploymentSpec>

export const ChaincodeInvocationSpec = message('protos.ChaincodeInvocationSpec', {
  chaincodeSpec: embed(1, ChaincodeSpec),
})
export type ChaincodeInvocationSpec = Infer<typeof ChaincodeInvocationSpec>

export const LifecycleEvent = message('protos.LifecycleEvent', {
  chaincodeName: string(1),
})
export type LifecycleEvent = Infer<typeof LifecycleEvent>

export const CDSData = message('protos.CDSData', {
  hash: bytes(1),
  metadatahash: bytes(2),
})
export type CDSData = Infer<typeof CDSData>

export const ChaincodeData = message('protos.ChaincodeData', {
  name: string(1),
  version: string(2),
  escc: string(3),
  vscc: string(4),
  policy: embed(5, SignaturePolicyEnvelope),
  data: bytes(6),
  id: bytes(7),
  instantiationPolicy: embed(8, SignaturePolicyEnvelope),
})
export type ChaincodeData = Infer<typeof ChaincodeData>

export const ChaincodeAdditionalParams = message('protos.ChaincodeAdditionalParams', {
  useWriteBatch: bool(1),
  maxSizeWriteBatch: uint32(2),
  useGetMultipleKeys: bool(3),
  maxSizeGetMultipleKeys: uint32(4),
})
export type ChaincodeAdditionalParams = Infer<typeof ChaincodeAdditionalParams>
