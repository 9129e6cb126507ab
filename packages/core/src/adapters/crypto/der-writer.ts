import { utf8Bytes } from '../../model/utf8.ts'
import { Tag } from './der-reader.ts'

/** One element: tag, shortest length, content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const lengthBytes = length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 4
  const out = new Uint8Array(1 + lengthBytes + length)
  out[0] = tag
  if (lengthBytes === 1) out[1] = length
  else {
    out[1] = 0x7f + lengthBytes
    for (let i = lengthBytes, rest = length; i >= 2; i--, rest >>>= 8) out[i] = rest & 0xff
  }
  let at = 1 + lengthBytes
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => element(Tag.SEQUENCE, ...parts)

export const octetString = (content: Uint8Array): Uint8Array => element(Tag.OCTET_STRING, content)

export const bitString = (content: Uint8Array, unusedBits = 0): Uint8Array =>
  element(Tag.BIT_STRING, Uint8Array.of(unusedBits), content)

/** `[n]` around whole elements. */
export const explicit = (n: number, ...parts: readonly Uint8Array[]): Uint8Array => element(0xa0 | n, ...parts)

export const utf8String = (text: string): Uint8Array => element(Tag.UTF8_STRING, utf8Bytes(text))

export const nullValue = (): Uint8Array => element(Tag.NULL)

export const boolean = (value: boolean): Uint8Array => element(Tag.BOOLEAN, Uint8Array.of(value ? 0xff : 0))

/** INTEGER from a big-endian magnitude, in its shortest form. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const trimmed = magnitude.subarray(start)
  if (trimmed.length === 0) return element(Tag.INTEGER, Uint8Array.of(0))
  return trimmed[0]! >= 0x80 ? element(Tag.INTEGER, Uint8Array.of(0), trimmed) : element(Tag.INTEGER, trimmed)
}

export const smallInteger = (value: number): Uint8Array =>
  unsignedInteger(Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff))

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Uint8Array {
  const [top = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [40 * top + second, ...rest]) {
    const groups = [arc % 128]
    for (let value = Math.floor(arc / 128); value > 0; value = Math.floor(value / 128)) groups.unshift((value % 128) | 0x80)
    bytes.push(...groups)
  }
  return element(Tag.OID, Uint8Array.from(bytes))
}

/** Time of a certificate: UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). Whole seconds. */
export function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, '')
  const year = Number(digits.slice(0, 4))
  return year >= 1950 && year < 2050
    ? element(Tag.UTC_TIME, utf8Bytes(digits.slice(2)))
    : element(Tag.GENERALIZED_TIME, utf8Bytes(digits))
}
