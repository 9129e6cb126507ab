import { NodeError } from '../errors.ts'

/** Calls of the gateway service, by the first byte of a request. */
export const GatewayCall = { EVALUATE: 0, ENDORSE: 1, SUBMIT: 2, COMMIT_STATUS: 3, EVENTS: 4, BLOCKS: 5 } as const

/** Fields that are text and numbers, and the parts that are bytes. */
export interface Parts {
  readonly call: number
  readonly fields: Readonly<Record<string, unknown>>
  readonly bytes: readonly Uint8Array[]
}

/** Longest JSON, and most parts, of a call: far above any real one. */
const MAX_FIELDS = 1 << 20
const MAX_PARTS = 8

/** One byte, JSON and parts, each behind its length. */
export function encodeParts(call: number, fields: object, ...bytes: readonly Uint8Array[]): Uint8Array {
  const all = [Buffer.from(JSON.stringify(fields)), ...bytes]
  const message = Buffer.allocUnsafe(1 + all.reduce((sum, part) => sum + 4 + part.length, 0))
  message[0] = call
  let at = 1
  for (const part of all) {
    at = message.writeUInt32BE(part.length, at)
    message.set(part, at)
    at += part.length
  }
  return message
}

/** @throws NodeError NODE_BAD_CALL */
export function decodeParts(message: Uint8Array): Parts {
  const view = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const parts: Buffer[] = []
  let at = 1
  while (at < view.length) {
    if (at + 4 > view.length || parts.length > MAX_PARTS) throw bad('its parts have no lengths')
    const length = view.readUInt32BE(at)
    at += 4
    if (at + length > view.length) throw bad('a part is longer than the message')
    parts.push(view.subarray(at, at + length))
    at += length
  }
  const [json, ...bytes] = parts
  if (json === undefined || json.length > MAX_FIELDS) throw bad('it has no fields')
  let fields: unknown
  try {
    fields = JSON.parse(json.toString('utf8'))
  } catch (cause) {
    throw new NodeError('NODE_BAD_CALL', 'the fields of the call cannot be read', {}, { cause })
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw bad('its fields are none')
  return { call: view[0]!, fields: fields as Record<string, unknown>, bytes }
}

/** A field that must be text. @throws NodeError NODE_BAD_CALL */
export function textField({ fields }: Parts, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw bad(`'${name}' is no text`)
  return value
}

/** A field that may be a number from 0 on. @throws NodeError NODE_BAD_CALL */
export function numberField({ fields }: Parts, name: string): number | undefined {
  const value = fields[name]
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number | undefined
  throw bad(`'${name}' is no number`)
}

/** A field that may be a list of texts. @throws NodeError NODE_BAD_CALL */
export function textsField({ fields }: Parts, name: string): readonly string[] | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.length <= MAX_TEXTS && value.every((each) => typeof each === 'string')) return value
  throw bad(`'${name}' is no list of texts`)
}

const MAX_TEXTS = 1000

/** A part that must be there. @throws NodeError NODE_BAD_CALL */
export function bytesPart({ bytes }: Parts, index: number): Uint8Array {
  const part = bytes[index]
  if (part === undefined) throw bad(`part ${index} is missing`)
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
}

function bad(why: string): NodeError {
  return new NodeError('NODE_BAD_CALL', `the call cannot be read: ${why}`, {})
}
