// Messages of msp/identities.proto.
import { bytes, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const SerializedIdentity = message('msp.SerializedIdentity', {
  mspid: string(1),
  idBytes: bytes(2),
})
export type SerializedIdentity = Infer<typeof SerializedIdentity>

export const SerializedIdemixIdentity = message('msp.SerializedIdemixIdentity', {
  nymX: bytes(1),
  nymY: bytes(2),
  ou: bytes(3),
  role: bytes(4),
  proof: bytes(5),
})
export type SerializedIdemixIdentity = Infer<typeof SerializedIdemixIdentity>
