import { CryptoError } from './errors.ts'

/** ASN.1 tags (class and constructed bit included) that certificates, keys and signatures use. */
export const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  T61_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const

function bad(reason: string): CryptoError {
  return new CryptoError('CRYPTO_BAD_DER', `not valid DER: ${reason}`, { reason })
}

/**
 * Reads DER strictly: one-byte tags, definite lengths in their shortest form, nothing outside its parent. Contents are views of the input.
 * Every method throws CryptoError (CRYPTO_BAD_DER) for what is not there.
 */
export class DerReader {
  readonly bytes: Uint8Array
  readonly end: number
  #position: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.#position = start
    this.end = end
  }

  get position(): number {
    return this.#position
  }

  get isDone(): boolean {
    return this.#position === this.end
  }

  /** Tag of the next element, 0 at the end. */
  get tag(): number {
    return this.isDone ? 0 : this.bytes[this.#position]!
  }

  /** Enters the next element, which must have this tag, and steps over it. */
  enter(tag: number): DerReader {
    const { bytes, end } = this
    if (this.tag !== tag) throw bad(`expected tag 0x${tag.toString(16)}, found 0x${this.tag.toString(16)}`)
    if ((tag & 0x1f) === 0x1f) throw bad('multi-byte tag')
    let at = this.#position + 1
    if (at >= end) throw bad('truncated length')
    let length = bytes[at++]!
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4 || at + count > end) throw bad('length form')
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + bytes[at++]!
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw bad('length is not in its shortest form')
    }
    if (length > end - at) throw bad('element ends after its parent')
    this.#position = at + length
    return new DerReader(bytes, at, at + length)
  }

  /** Enters the next element when it has this tag; otherwise undefined, and nothing moves. */
  enterIf(tag: number): DerReader | undefined {
    return this.tag === tag ? this.enter(tag) : undefined
  }

  /** The next element with its tag and length, whatever it is. */
  element(): Uint8Array {
    const start = this.#position
    this.enter(this.tag)
    return this.bytes.subarray(start, this.#position)
  }

  /** All content that is left in this element. */
  content(): Uint8Array {
    return this.bytes.subarray(this.#position, this.end)
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (!this.isDone) throw bad('unexpected trailing element')
  }

  /** Content bytes of an INTEGER, in its shortest form, sign included. */
  integer(): Uint8Array {
    const content = this.enter(Tag.INTEGER).content()
    if (content.length === 0) throw bad('empty integer')
    if (content.length > 1 && ((content[0] === 0 && content[1]! < 0x80) || (content[0] === 0xff && content[1]! >= 0x80)))
      throw bad('integer is not in its shortest form')
    return content
  }

  /** A small INTEGER that is not negative. */
  smallInteger(): number {
    const content = this.integer()
    if (content.length > 4 || content[0]! >= 0x80) throw bad('integer out of range')
    return content.reduce((value, byte) => value * 256 + byte, 0)
  }

  boolean(): boolean {
    const content = this.enter(Tag.BOOLEAN).content()
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw bad('boolean')
    return content[0] === 0xff
  }

  octets(): Uint8Array {
    return this.enter(Tag.OCTET_STRING).content()
  }

  /** Bytes of a BIT STRING without unused bits. */
  bits(): Uint8Array {
    const content = this.enter(Tag.BIT_STRING).content()
    if (content.length === 0 || content[0] !== 0) throw bad('bit string with unused bits')
    return content.subarray(1)
  }

  /** Dotted form of an OBJECT IDENTIFIER. */
  oid(): string {
    const content = this.enter(Tag.OID).content()
    if (content.length === 0 || content.at(-1)! >= 0x80) throw bad('object identifier')
    const arcs: number[] = []
    let value = 0
    let first = true
    for (const byte of content) {
      if (value === 0 && first && byte === 0x80) throw bad('object identifier arc is not in its shortest form')
      if (value > 2 ** 40) throw bad('object identifier arc is too large')
      value = value * 128 + (byte & 0x7f)
      first = false
      if (byte < 0x80) {
        arcs.push(value)
        value = 0
        first = true
      }
    }
    const head = arcs[0]!
    const top = head < 40 ? 0 : head < 80 ? 1 : 2
    return [top, head - 40 * top, ...arcs.slice(1)].join('.')
  }
}
