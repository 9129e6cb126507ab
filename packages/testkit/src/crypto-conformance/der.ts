import { fromBytes, N, toBytes } from './curve.ts'

/** Content of a DER INTEGER: shortest two's complement form. */
export function integerContent(value: bigint): Uint8Array {
  if (value < 0n) {
    let length = 1
    while (value < -(1n << BigInt(8 * length - 1))) length++
    return toBytes((1n << BigInt(8 * length)) + value, length)
  }
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Uint8Array.from(bytes[0]! >= 0x80 ? [0, ...bytes] : bytes)
}

/** Tag, length (short form, or long where it must be), content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Uint8Array.from(parts.flatMap((part) => [...part]))
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Uint8Array.of(tag, ...head, ...content)
}

export const integer = (value: bigint): Uint8Array => element(0x02, integerContent(value))

export const signature = (r: bigint, s: bigint): Uint8Array => element(0x30, integer(r), integer(s))

/** r and s of what is exactly SEQUENCE { INTEGER, INTEGER } in DER with both from 1 to n − 1; undefined for anything else. */
export function parseSignature(bytes: Uint8Array): { readonly r: bigint; readonly s: bigint } | undefined {
  // The shortest proof that an encoding is the one that DER allows: decode loosely, encode again, compare.
  const first = bytes[3] ?? 0
  const r = fromBytes(bytes.subarray(4, 4 + first))
  const s = fromBytes(bytes.subarray(6 + first))
  if (r < 1n || s < 1n || r >= N || s >= N) return undefined
  return Buffer.compare(signature(r, s), bytes) === 0 ? { r, s } : undefined
}
