// Messages of google/protobuf that Fabric's messages use.
import { bytes, embed, int32, int64, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

/** Seconds since 1970-01-01 UTC, and nanoseconds from there, 0 to 999,999,999. */
export const Timestamp = message('google.protobuf.Timestamp', { seconds: int64(1), nanos: int32(2) })
export type Timestamp = Infer<typeof Timestamp>

export const Empty = message('google.protobuf.Empty', {})
export type Empty = Infer<typeof Empty>

export const Any = message('google.protobuf.Any', { typeUrl: string(1), value: bytes(2) })
export type Any = Infer<typeof Any>

/** google/rpc/status.proto: what gRPC carries in `grpc-status-details-bin`. */
export const RpcStatus = message('google.rpc.Status', { code: int32(1), message: string(2), details: repeated(embed(3, Any)) })
export type RpcStatus = Infer<typeof RpcStatus>
