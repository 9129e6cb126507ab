import { DecodeError } from '@heddle/core/model'
import { GrpcStatus, Status } from '../grpc/status.ts'

/** Decodes what a client sent. @throws GrpcStatus INVALID_ARGUMENT */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`${what}: ${error.message}`)
    throw error
  }
}

export function invalid(message: string): GrpcStatus {
  return new GrpcStatus(Status.INVALID_ARGUMENT, message)
}
