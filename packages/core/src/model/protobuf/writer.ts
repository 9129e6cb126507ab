import { copyBytes } from '../byte-slab.ts'
import { EncodeError } from './errors.ts'
import type { Long } from './field.ts'

const MAX_KEPT = 1024 * 1024
const utf8Write = (
  Buffer.prototype as unknown as { utf8Write(this: Uint8Array, text: string, offset: number, length: number): number }
).utf8Write

let kept: Uint8Array | undefined = new Uint8Array(64 * 1024)

/**
 * Writes a message from its last byte to its first, so that a length is known by the time it is written: one buffer, one pass, no
 * size computation. Call `finish` once; the writer's buffer is then reused.
 */
export class Writer {
  private buffer: Uint8Array
  /** Where the written bytes begin. */
  pos: number

  /** @param capacity bytes to make room for at once, when the caller knows */
  constructor(capacity = 1024) {
    this.buffer = kept !== undefined && kept.length >= capacity ? kept : new Uint8Array(capacity)
    if (this.buffer === kept) kept = undefined
    this.pos = this.buffer.length
  }

  /** Bytes written so far; the difference of two readings is the length of what came between. */
  get written(): number {
    return this.buffer.length - this.pos
  }

  finish(): Uint8Array {
    const result = this.pos === this.buffer.length ? new Uint8Array(0) : copyBytes(this.buffer.subarray(this.pos))
    this.release()
    return result
  }

  /** Gives the buffer back without a result, after an error. */
  release(): void {
    if (this.buffer.length <= MAX_KEPT) kept = this.buffer
  }

  varint32(value: number): void {
    if (value < 0x80) {
      this.reserve(1)
      this.buffer[--this.pos] = value
      return
    }
    const size = value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
    this.reserve(size)
    this.pos -= size
    let at = this.pos
    const buffer = this.buffer
    for (let rest = value; ; rest >>>= 7) {
      if (rest >>> 0 < 0x80) {
        buffer[at] = rest
        return
      }
      buffer[at++] = (rest & 0x7f) | 0x80
    }
  }

  /** A 64-bit varint; negative values in two's complement. */
  varint64(value: Long): void {
    if (typeof value === 'number') {
      if (value >= 0 && value <= 0xffffffff) {
        this.varint32(value)
        return
      }
      value = BigInt(value)
    }
    let rest = BigInt.asUintN(64, value)
    const encoded: number[] = []
    while (rest >= 0x80n) {
      encoded.push(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    encoded.push(Number(rest))
    this.raw(encoded)
  }

  /** The bytes as they are, without a length. */
  raw(bytes: ArrayLike<number>): void {
    this.reserve(bytes.length)
    this.pos -= bytes.length
    this.buffer.set(bytes, this.pos)
  }

  /** The bytes after their length. */
  byteString(bytes: Uint8Array): void {
    this.raw(bytes)
    this.varint32(bytes.length)
  }

  /** The text after its length. */
  string(text: string): void {
    const before = this.written
    const length = text.length
    this.reserve(length)
    let at = this.pos - length
    let i = 0
    for (; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) break
      this.buffer[at++] = code
    }
    if (i === length) this.pos -= length
    else this.nonAscii(text)
    this.varint32(this.written - before)
  }

  private nonAscii(text: string): void {
    if (!text.isWellFormed())
      throw new EncodeError('ENCODE_BAD_VALUE', 'text holds half a surrogate pair, which UTF-8 cannot carry')
    const size = Buffer.byteLength(text, 'utf8')
    this.reserve(size)
    this.pos -= size
    utf8Write.call(this.buffer, text, this.pos, size)
  }

  private reserve(count: number): void {
    if (this.pos >= count) return
    const written = this.written
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, written + count + 1024))
    grown.set(this.buffer.subarray(this.pos), grown.length - written)
    this.buffer = grown
    this.pos = grown.length - written
  }
}
