// Messages of common/configuration.proto.
import { bytes, embed, mapOf, repeated, string, uint32 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const HashingAlgorithm = message('common.HashingAlgorithm', {
  name: string(1),
})
export type HashingAlgorithm = Infer<typeof HashingAlgorithm>

export const BlockDataHashingStructure = message('common.BlockDataHashingStructure', {
  width: uint32(1),
})
export type BlockDataHashingStructure = Infer<typeof BlockDataHashingStructure>

export const OrdererAddresses = message('common.OrdererAddresses', {
  addresses: repeated(string(1)),
})
export type OrdererAddresses = Infer<typeof OrdererAddresses>

export const Consenter = message('common.Consenter', {
  id: uint32(1),
  host: string(2),
  port: uint32(3),
  mspId: string(4),
  identity: bytes(5),
  clientTlsCert: bytes(6),
  serverTlsCert: bytes(7),
})
export type Consenter = Infer<typeof Consenter>

export const Orderers = message('common.Orderers', {
  consenterMapping: repeated(embed(1, Consenter)),
})
export type Orderers = Infer<typeof Orderers>

export const Consortium = message('common.Consortium', {
  name: string(1),
})
export type Consortium = Infer<typeof Consortium>

export const Capability = message('common.Capability', {})
export type Capability = Infer<typeof Capability>

export const Capabilities = message('common.Capabilities', {
  capabilities: mapOf(1, embed(2, Capability)),
})
export type Capabilities = Infer<typeof Capabilities>
