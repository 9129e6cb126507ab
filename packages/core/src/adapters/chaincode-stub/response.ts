import type { ChaincodeResponse } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'

/** Status codes of a chaincode response: below 400 is endorsed, 500 and above is an error. */
export const RESPONSE_CODE = Object.freeze({ OK: 200, ERRORTHRESHOLD: 400, ERROR: 500 })

const NONE = new Uint8Array(0)

/** A response that is endorsed. */
export function success(payload?: Uint8Array | string): ChaincodeResponse {
  return { status: RESPONSE_CODE.OK, message: '', payload: bytesOf(payload) ?? NONE }
}

/** A response that is not endorsed. */
export function error(message: string): ChaincodeResponse {
  return { status: RESPONSE_CODE.ERROR, message, payload: NONE }
}

/**
 * What a chaincode's function returned, as a response: nothing, text and bytes are a success with that payload; an object with a
 * numeric `status` is a response as it stands.
 *
 * @throws ChaincodeError CHAINCODE_BAD_RESPONSE for anything else
 */
export function toResponse(returned: unknown): ChaincodeResponse {
  if (returned === undefined || returned === null) return success()
  if (typeof returned === 'string' || returned instanceof Uint8Array) return success(returned)
  if (typeof returned === 'object' && 'status' in returned) {
    const { status, message, payload } = returned as { status: unknown; message?: unknown; payload?: unknown }
    const bytes = bytesOf(payload)
    const text = message ?? ''
    if (Number.isInteger(status) && (status as number) > 0 && typeof text === 'string' && bytes !== undefined) {
      return { status: status as number, message: text.toWellFormed(), payload: bytes }
    }
    throw new ChaincodeError(
      'CHAINCODE_BAD_RESPONSE',
      'the chaincode returned a response whose status, message or payload is of a wrong type',
    )
  }
  throw new ChaincodeError(
    'CHAINCODE_BAD_RESPONSE',
    `the chaincode returned ${describe(returned)}; return bytes, text, nothing or a response`,
  )
}

/** What a chaincode threw, as a response of status 500. */
export function thrownResponse(thrown: unknown): ChaincodeResponse {
  let message: string
  try {
    message = thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    message = 'the chaincode threw what cannot be shown as text'
  }
  return error(message.toWellFormed())
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null) return NONE
  if (typeof value === 'string') return Buffer.from(value)
  // A copy: the chaincode may use its buffer again.
  return value instanceof Uint8Array ? new Uint8Array(value) : undefined
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'an object without a status' : `a ${typeof value}`
}
