/** What a message cannot be read from: cut off, too long, a number that is none. Never leaves this folder. */
export class MalformedError extends Error {}

/** Numbers as varints of up to 53 bits, byte strings behind their length. Grows as needed. */
export class ByteWriter {
  #buffer: Buffer
  #at = 0

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#at++] = value
    return this
  }

  /** A non-negative safe integer. */
  varint(value: number): this {
    this.#reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#at++] = rest
    return this
  }

  /** Bytes without their length. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
    return this
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.length).raw(value)
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value))
  }

  done(): Uint8Array {
    return this.#buffer.subarray(0, this.#at)
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + length))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** Reads what {@link ByteWriter} writes; throws MalformedError for anything else. Byte strings are views. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  u8(): number {
    if (this.#at >= this.#bytes.length) throw new MalformedError('ends too early')
    return this.#bytes[this.#at++]!
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        // One spelling of each number: what was written is what is read.
        if (byte === 0 && i > 0) throw new MalformedError('a number has leading zeros')
        if (!Number.isSafeInteger(value)) throw new MalformedError('a number is too large')
        return value
      }
      scale *= 0x80
    }
    throw new MalformedError('a number is too long')
  }

  raw(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new MalformedError('ends too early')
    const value = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return value
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  text(limit: number): string {
    const value = this.bytes()
    if (value.length > limit) throw new MalformedError('a text is too long')
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
  }

  /** How many things follow, of which each takes at least one byte. */
  count(): number {
    const count = this.varint()
    if (count > this.#bytes.length - this.#at) throw new MalformedError('more things than bytes')
    return count
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new MalformedError('bytes behind the end')
  }
}
