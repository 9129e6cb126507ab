import { createHash, type Hash, hash } from 'node:crypto'

/** Inputs up to this many bytes are joined and hashed in one call, which costs half of an incremental hash. */
const JOINED_MAX = 16 * 1024
const joined = new Uint8Array(JOINED_MAX)

/** SHA-256 of the parts one after another. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const input = join(parts)
  if (input === undefined) return plain(incremental(parts).digest())
  // One-shot hashing to a string is cheaper than to a buffer, even with the copy.
  const text = hash('sha256', input, 'binary')
  const digest = new Uint8Array(32)
  for (let i = 0; i < 32; i++) digest[i] = text.charCodeAt(i)
  return digest
}

/** SHA-256 of the parts one after another, in lower-case hex. */
export function sha256Hex(...parts: readonly Uint8Array[]): string {
  const input = join(parts)
  return input === undefined ? incremental(parts).digest('hex') : hash('sha256', input, 'hex')
}

/** The parts as one piece, valid until the next call; undefined when they are too long to copy. */
function join(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length === 1) return parts[0]
  let length = 0
  for (const part of parts) length += part.length
  if (length > JOINED_MAX) return undefined
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined.subarray(0, length)
}

function incremental(parts: readonly Uint8Array[]): Hash {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest
}

function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice()
}
