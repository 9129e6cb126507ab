import { DecodeError } from './errors.ts'
import type { Long } from './field.ts'
import { type DecodeLimits, defaultDecodeLimits } from './limits.ts'

export const WIRE_VARINT = 0
export const WIRE_FIXED64 = 1
export const WIRE_BYTES = 2
export const WIRE_START_GROUP = 3
export const WIRE_END_GROUP = 4
export const WIRE_FIXED32 = 5

/** Largest field number that a message may use. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1
/** Go's limit for groups inside groups. */
const MAX_GROUP_DEPTH = 10_000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1Slice = (Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string })
  .latin1Slice

/** Plain Uint8Array over the same memory, so that all decoded values have one type (and hidden class) whatever came in. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Text of `bytes[start, end)`; refuses what is not UTF-8, as Go does for proto3 strings. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 20) {
    let text = ''
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if (byte > 0x7f) return readNonAscii(bytes, start, end)
      text += String.fromCharCode(byte)
    }
    return text
  }
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return readNonAscii(bytes, start, end)
  return latin1Slice.call(bytes, start, end)
}

function readNonAscii(bytes: Uint8Array, start: number, end: number): string {
  try {
    return utf8.decode(bytes.subarray(start, end))
  } catch (cause) {
    throw new DecodeError('DECODE_BAD_UTF8', 'text is not valid UTF-8', { offset: start }, { cause })
  }
}

/**
 * A cursor over bytes, with the budget of one decode call. Every method throws DecodeError, never reads past `end`, and does work
 * bounded by the bytes it passes.
 */
export class Reader {
  readonly bytes: Uint8Array
  pos: number
  /** End of the message being read; callers narrow it for embedded messages. */
  end: number
  readonly maxDepth: number
  /** Elements of repeated fields that may still come. */
  private elements: number

  /** @throws DecodeError when the bytes are longer than the limit */
  constructor(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits) {
    if (bytes.length > limits.maxBytes) {
      throw new DecodeError('DECODE_TOO_LARGE', `${bytes.length} bytes, at most ${limits.maxBytes}`, { length: bytes.length })
    }
    this.bytes = plainBytes(bytes)
    this.pos = 0
    this.end = bytes.length
    this.maxDepth = limits.maxDepth
    this.elements = limits.maxElements
  }

  /** Counts an element of a repeated or map field. */
  element(): void {
    if (--this.elements < 0) throw new DecodeError('DECODE_TOO_MANY', 'too many elements in repeated fields')
  }

  /** Narrows the cursor to the length-prefixed content that begins here; gives back the end to restore with `leave`. */
  enter(): number {
    const outer = this.end
    this.end = this.lengthEnd()
    return outer
  }

  leave(outer: number): void {
    this.end = outer
  }

  /** Tag of the next field (number × 8 + wire type), checked as Go checks it. */
  tag(): number {
    const byte = this.bytes[this.pos]!
    if (byte < 0x80 && byte >= 8 && this.pos < this.end) {
      this.pos++
      return byte
    }
    const tag = this.varintNumber()
    const number = Math.floor(tag / 8)
    if (number < 1 || number > MAX_FIELD_NUMBER)
      throw new DecodeError('DECODE_BAD_TAG', `field number ${number}`, { offset: this.pos })
    return tag
  }

  /** Low 32 bits, unsigned, of a varint. */
  varint32(): number {
    const bytes = this.bytes
    let pos = this.pos
    const first = bytes[pos]!
    if (first < 0x80 && pos < this.end) {
      this.pos = pos + 1
      return first
    }
    let low = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= this.end) throw this.truncated()
      const byte = bytes[pos++]!
      // Shift counts of 32 and more wrap in JavaScript, so the bits beyond are left out by hand.
      if (shift < 32) low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break
        this.pos = pos
        return low >>> 0
      }
    }
    throw new DecodeError('DECODE_BAD_VARINT', 'varint exceeds 64 bits', { offset: this.pos })
  }

  /** A varint as a number; values past 2^53 lose precision but stay above it, so they still fail any bound. */
  varintNumber(): number {
    const value = this.uint64()
    return typeof value === 'number' ? value : Number(value)
  }

  uint64(): Long {
    const start = this.pos
    const low = this.varint32()
    if (this.pos - start < 5) return low
    const high = this.highBits(start)
    return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) | BigInt(low)
  }

  int64(): Long {
    const start = this.pos
    const low = this.varint32()
    if (this.pos - start < 5) return low
    const high = this.highBits(start) | 0
    // Safe integers are -(2^53 - 1) to 2^53 - 1.
    if (high < 0x200000 && (high > -0x200000 || (high === -0x200000 && low > 0))) return high * 0x100000000 + low
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** Bits 32 to 63 of the varint at `start`, which was already checked and passed. */
  private highBits(start: number): number {
    let high = 0
    for (let i = start + 4, shift = -4; i < this.pos; i++, shift += 7) {
      const bits = this.bytes[i]! & 0x7f
      high |= shift < 0 ? bits >>> 4 : bits << shift
    }
    return high >>> 0
  }

  /** True unless zero in all 64 bits. */
  bool(): boolean {
    return this.uint64() !== 0
  }

  /** Reads a length and returns where the content ends; the cursor then stands at the content's start. */
  lengthEnd(): number {
    const bytes = this.bytes
    const first = bytes[this.pos]!
    let length: number
    if (first < 0x80 && this.pos < this.end) {
      this.pos++
      length = first
    } else length = this.varintNumber()
    const end = this.pos + length
    if (end > this.end) throw this.truncated()
    return end
  }

  /** A length-prefixed byte string, as a view of the input. */
  byteString(): Uint8Array {
    const end = this.lengthEnd()
    const value = this.bytes.subarray(this.pos, end)
    this.pos = end
    return value
  }

  string(): string {
    const end = this.lengthEnd()
    const value = readUtf8(this.bytes, this.pos, end)
    this.pos = end
    return value
  }

  /** Passes the value of a field that the message does not declare. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.varint32()
        return
      case WIRE_FIXED64:
        this.advance(8)
        return
      case WIRE_BYTES:
        this.pos = this.lengthEnd()
        return
      case WIRE_START_GROUP:
        this.skipGroup(Math.floor(tag / 8))
        return
      case WIRE_FIXED32:
        this.advance(4)
        return
      default:
        throw new DecodeError('DECODE_BAD_TAG', `wire type ${tag & 7}`, { offset: this.pos })
    }
  }

  private skipGroup(number: number): void {
    const open = [number]
    while (open.length > 0) {
      const tag = this.varintNumber()
      const inner = Math.floor(tag / 8)
      // Inside a group Go takes any number up to 2^31 - 1.
      if (inner < 1 || inner > 0x7fffffff) throw new DecodeError('DECODE_BAD_TAG', `field number ${inner}`, { offset: this.pos })
      const wire = tag % 8
      if (wire === WIRE_START_GROUP) {
        if (open.length >= MAX_GROUP_DEPTH)
          throw new DecodeError('DECODE_TOO_DEEP', 'groups nested too deep', { offset: this.pos })
        open.push(inner)
      } else if (wire === WIRE_END_GROUP) {
        if (open.pop() !== inner) throw new DecodeError('DECODE_BAD_TAG', 'group ends with another number', { offset: this.pos })
      } else this.skip(wire)
    }
  }

  private advance(count: number): void {
    if (this.pos + count > this.end) throw this.truncated()
    this.pos += count
  }

  private truncated(): DecodeError {
    return new DecodeError('DECODE_TRUNCATED', 'the bytes end inside a field', { offset: this.pos })
  }
}
