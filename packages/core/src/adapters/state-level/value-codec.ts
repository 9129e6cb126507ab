import type { Height, VersionedValue } from '../../ports/state-db.ts'

/*
 * A stored value: varint block number, varint transaction number, varint (0, or 1 + length of the metadata), metadata, value.
 * Varints are little-endian groups of seven bits, as in protobuf.
 */

const MAX_VARINT = 8

/** Longest form of what stands before metadata and value. */
const MAX_PREFIX = 3 * MAX_VARINT
const SCRATCH = 4096
const scratch = Buffer.allocUnsafeSlow(SCRATCH)

/** The result of a small value is a view of a buffer that the next call writes into: use it up before. */
export function encodeValue(value: Uint8Array, metadata: Uint8Array | undefined, version: Height): Buffer {
  const metadataLength = metadata === undefined ? 0 : metadata.length
  const most = MAX_PREFIX + metadataLength + value.length
  const bytes = most <= SCRATCH ? scratch : Buffer.allocUnsafeSlow(most)
  let at = putVarint(bytes, 0, version.blockNumber)
  at = putVarint(bytes, at, version.txNumber)
  at = putVarint(bytes, at, metadata === undefined ? 0 : metadataLength + 1)
  if (metadata !== undefined) {
    bytes.set(metadata, at)
    at += metadataLength
  }
  bytes.set(value, at)
  return bytes.subarray(0, at + value.length)
}

/** Value and metadata are views of `bytes`. Throws RangeError when it is no stored value. */
export function decodeValue(bytes: Uint8Array): VersionedValue {
  const cursor = { at: 0 }
  const blockNumber = takeVarint(bytes, cursor)
  const txNumber = takeVarint(bytes, cursor)
  const marker = takeVarint(bytes, cursor)
  const start = cursor.at
  const end = marker === 0 ? start : start + marker - 1
  if (end > bytes.length) throw new RangeError('metadata longer than its value')
  return {
    value: plain(bytes, end, bytes.length),
    metadata: marker === 0 ? undefined : plain(bytes, start, end),
    version: { blockNumber, txNumber },
  }
}

export function encodeHeight({ blockNumber, txNumber }: Height): Buffer {
  const bytes = Buffer.alloc(2 * MAX_VARINT)
  return bytes.subarray(0, putVarint(bytes, putVarint(bytes, 0, blockNumber), txNumber))
}

export function decodeHeight(bytes: Uint8Array): Height {
  const cursor = { at: 0 }
  return { blockNumber: takeVarint(bytes, cursor), txNumber: takeVarint(bytes, cursor) }
}

function putVarint(bytes: Uint8Array, position: number, value: number): number {
  let at = position
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

function takeVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined || scale > 2 ** 49) throw new RangeError('not a stored value')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
}

/** A plain Uint8Array, not a Buffer: what chaincode gets must not depend on the store. */
function plain(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
}
