/** Envelopes of one request: each with its length before it. */
export function packEnvelopes(envelopes: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const envelope of envelopes) length += 4 + envelope.length
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const envelope of envelopes) {
    at = bytes.writeUInt32BE(envelope.length, at)
    bytes.set(envelope, at)
    at += envelope.length
  }
  return bytes
}

export function unpackEnvelopes(message: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const envelopes: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    envelopes.push(message.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return envelopes
}
