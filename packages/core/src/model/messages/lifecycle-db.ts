// Messages of peer/lifecycle/db.proto.
import { bytes, int64, oneof, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const LifecycleStateMetadata = message('lifecycle.StateMetadata', {
  datatype: string(1),
  fields: repeated(string(2)),
})
export type LifecycleStateMetadata = Infer<typeof LifecycleStateMetadata>

export const LifecycleStateData = message('lifecycle.StateData', {
  int64: oneof('type', int64(1)),
  bytes: oneof('type', bytes(2)),
  string: oneof('type', string(3)),
})
export type LifecycleStateData = Infer<typeof LifecycleStateData>
