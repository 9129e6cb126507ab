/** Bytes of a number of the record format (zigzag), which are never below -1 here. */
export function sizeOfVarint(value: number): number {
  const zigzag = value * 2
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  return zigzag < 0x1000_0000 ? 4 : 5
}

/** Writes a number that is not negative; gives the place behind it. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  return writeUnsigned(bytes, at, value * 2)
}

/** Writes a number of the protocol (not zigzag); gives the place behind it. */
export function writeUnsigned(bytes: Buffer, at: number, value: number): number {
  let rest = value
  let place = at
  while (rest >= 0x80) {
    bytes[place++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[place++] = rest
  return place
}

/** Reads the protocol's numbers one after another. Running over the end is a RangeError. */
export class Cursor {
  at = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  int16(): number {
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  int64(): number {
    this.at += 8
    return Number(this.bytes.readBigInt64BE(this.at - 8))
  }

  /** At most 32 bits. */
  unsigned(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      if (scale > 2 ** 35) throw new RangeError('a number of too many bytes')
    }
  }

  varint(): number {
    const value = this.unsigned()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Steps over a number of up to 64 bits. */
  varlong(): void {
    for (let i = 0; this.byte() >= 0x80; i++) if (i > 9) throw new RangeError('a number of too many bytes')
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError('bytes end before they should')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Steps over fields of later versions. */
  tags(): void {
    for (let count = this.unsigned(); count > 0; count--) {
      this.unsigned()
      this.take(this.unsigned())
    }
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('bytes end before they should')
    return byte
  }
}
