import { DecodeError } from './protobuf/errors.ts'
import { Reader } from './protobuf/reader.ts'

/**
 * Whether the bytes are the one encoding of the envelope that they hold: payload, then signature, each once, not empty, with the
 * shortest length, and nothing else. An ordering service takes only such envelopes, because a block's data hash covers their bytes.
 */
export function isCanonicalEnvelope(bytes: Uint8Array): boolean {
  return knownFieldsEnd(bytes) === bytes.length
}

/**
 * Whether Fabric's readers take the bytes as an entry of a block: as {@link isCanonicalEnvelope}, but fields that Envelope does not
 * declare may follow the declared ones (Go keeps unknown fields and writes them last).
 *
 * Fabric: protoutil/blockutils.go, VerifyTransactionsAreWellFormed.
 */
export function isWellFormedBlockEntry(bytes: Uint8Array): boolean {
  const end = knownFieldsEnd(bytes)
  if (end === undefined) return false
  if (end === bytes.length) return true
  try {
    const reader = new Reader(bytes)
    reader.pos = end
    while (reader.pos < reader.end) {
      const start = reader.pos
      const tag = reader.tag()
      // Go keeps the value's bytes as they came, but writes the tag anew.
      if (tag === 0x0a || tag === 0x12 || reader.pos - start !== varintSize(tag)) return false
      reader.skip(tag)
    }
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}

/** Where payload and signature end; undefined when they are not there in canonical form. */
function knownFieldsEnd(bytes: Uint8Array): number | undefined {
  const payloadEnd = fieldEnd(bytes, 0, 0x0a)
  return payloadEnd === undefined ? undefined : fieldEnd(bytes, payloadEnd, 0x12)
}

/** End of the non-empty field with this tag at `pos`, its length in the fewest bytes. */
function fieldEnd(bytes: Uint8Array, pos: number, tag: number): number | undefined {
  if (bytes[pos] !== tag) return undefined
  let length = 0
  let at = pos + 1
  // Four bytes of length reach 256 MB, beyond every limit.
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined) return undefined
    length |= (byte & 0x7f) << shift
    if (byte > 0x7f) continue
    if (byte === 0) return undefined
    return at + length <= bytes.length ? at + length : undefined
  }
  return undefined
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}
