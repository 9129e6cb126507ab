import type { Long } from './protobuf/field.ts'

/**
 * The bytes that a block's hash and signatures cover: ASN.1 DER of SEQUENCE { INTEGER number, OCTET STRING previous hash,
 * OCTET STRING data hash }.
 *
 * Fabric: protoutil/blockutils.go, BlockHeaderBytes.
 *
 * @param number 0 to 2^64 - 1
 */
export function blockHeaderBytes(number: Long, previousHash: Uint8Array, dataHash: Uint8Array): Uint8Array {
  const digits = unsignedBytes(number)
  // DER integers are signed: a leading zero keeps a high first bit from meaning minus.
  const pad = digits[0]! > 0x7f ? 1 : 0
  const content =
    2 +
    pad +
    digits.length +
    derHeaderSize(previousHash.length) +
    previousHash.length +
    derHeaderSize(dataHash.length) +
    dataHash.length
  const out = new Uint8Array(derHeaderSize(content) + content)
  let at = derHeader(out, 0, 0x30, content)
  at = derHeader(out, at, 0x02, pad + digits.length) + pad
  out.set(digits, at)
  at = derHeader(out, at + digits.length, 0x04, previousHash.length)
  out.set(previousHash, at)
  at = derHeader(out, at + previousHash.length, 0x04, dataHash.length)
  out.set(dataHash, at)
  return out
}

/** Big-endian, without leading zeros; zero is one byte. */
function unsignedBytes(value: Long): number[] {
  const digits: number[] = []
  if (typeof value === 'number') {
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.push(rest % 256)
  } else {
    for (let rest = value; rest > 0n; rest >>= 8n) digits.push(Number(rest & 0xffn))
  }
  if (digits.length === 0) digits.push(0)
  return digits.reverse()
}

function derHeaderSize(length: number): number {
  if (length < 0x80) return 2
  return length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6
}

/** Writes tag and length at `at`; gives the offset after them. */
function derHeader(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at] = tag
  const size = derHeaderSize(length)
  if (size === 2) out[at + 1] = length
  else {
    out[at + 1] = 0x80 | (size - 2)
    for (let i = size - 1, rest = length; i >= 2; i--, rest = Math.floor(rest / 256)) out[at + i] = rest % 256
  }
  return at + size
}
