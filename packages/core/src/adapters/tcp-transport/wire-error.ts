import { type Duty, type ErrorData, errorCatalogue, HeddleError } from '../../model/errors.ts'
import { TransportError } from '../environment/transport-errors.ts'

/** Longest error that travels, less than one chunk; what is longer loses its data, then the end of its message. */
const MAX_BYTES = 8 * 1024
const MAX_MESSAGE = 1024
const CODE = /^[A-Z][A-Z0-9_]{0,79}$/
const DUTIES: readonly string[] = ['retry', 'ask-status', 'fix-input', 'fix-config', 'fix-chaincode', 'tell-operator']

/** A typed error as bytes, with code, duty, message and data; anything else without its inside. */
export function encodeError(error: unknown): Buffer {
  if (!(error instanceof HeddleError)) {
    const message = (error as Error | undefined)?.message ?? String(error)
    return Buffer.from(JSON.stringify({ message: String(message).slice(0, MAX_MESSAGE) }))
  }
  const { code, duty, data } = error
  const message = error.message.slice(0, MAX_MESSAGE)
  try {
    const whole = Buffer.from(JSON.stringify({ code, duty, message, data }, plain))
    if (whole.length <= MAX_BYTES) return whole
  } catch {
    // Data that is no JSON, a circle for instance, stays here.
  }
  return Buffer.from(JSON.stringify({ code, duty, message }))
}

/** The error as its thrower's caller would have got it; `instanceof` its family holds where this process knows the code. */
export function decodeError(
  bytes: Uint8Array,
  where: { readonly to: string; readonly service: string; readonly channel: string },
): Error {
  const failed = (message: string): TransportError =>
    new TransportError('TRANSPORT_HANDLER_FAILED', `${where.service} on ${where.to} failed: ${message}`, { ...where })
  let value: { code?: unknown; duty?: unknown; message?: unknown; data?: unknown } | null
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as typeof value
  } catch {
    return failed('the error cannot be read')
  }
  const message = typeof value?.message === 'string' ? value.message.slice(0, MAX_MESSAGE) : 'no message'
  const { code, duty, data } = value ?? {}
  if (typeof code !== 'string' || !CODE.test(code) || typeof duty !== 'string' || !DUTIES.includes(duty)) return failed(message)
  const details = typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as ErrorData) : {}
  const Family = familyOf(errorCatalogue.get(code)?.family)
  return new Family(code, duty as Duty, message, details)
}

const families = new Map<string, typeof HeddleError>()

/** A class that passes for the family's own. */
function familyOf(name: string | undefined): typeof HeddleError {
  if (name === undefined) return HeddleError
  let known = families.get(name)
  if (known === undefined) {
    const wanted: string = name
    known = class extends HeddleError {
      static override readonly family: readonly string[] = ['HeddleError', wanted]
    }
    families.set(name, known)
  }
  return known
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return value.message
  return value
}
