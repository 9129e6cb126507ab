/** Codes of gRPC statuses (grpc/status.proto). */
export const Status = Object.freeze({
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
})

/** Ends a call with a status other than OK. What is thrown otherwise ends it with INTERNAL, and its text stays on the server. */
export class GrpcStatus extends Error {
  readonly status: number
  /** Serialized google.rpc.Status, for the trailer `grpc-status-details-bin`. */
  readonly details: Uint8Array | undefined

  constructor(status: number, message: string, details?: Uint8Array) {
    super(message)
    this.name = 'GrpcStatus'
    this.status = status
    this.details = details
  }
}

/** Headers are ASCII: everything else, and `%`, is percent-encoded as UTF-8 (gRPC over HTTP/2, "Status-Message"). */
export function encodeMessage(message: string): string {
  let encoded = ''
  // A header block is bounded: an error that quotes a whole transaction must not exceed it.
  for (const byte of Buffer.from(message.slice(0, MESSAGE_LENGTH), 'utf8')) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** Characters of a status message that a client gets. */
const MESSAGE_LENGTH = 2000
