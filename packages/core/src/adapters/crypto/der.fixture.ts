/** A few lines of DER for tests that must write what no library writes, and read without the library under test. */

/** One element: tag, shortest length, content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Uint8Array.of(tag, ...head, ...content)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => element(0x30, ...parts)

export const bitString = (content: Uint8Array): Uint8Array => element(0x03, Uint8Array.of(0), content)

/** INTEGER from a big-endian magnitude, in its shortest form. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const trimmed = magnitude.subarray(start)
  return (trimmed[0] ?? 0) >= 0x80 ? element(0x02, Uint8Array.of(0), trimmed) : element(0x02, trimmed)
}

/** Content of the element at the start of the bytes. */
export function contentOf(bytes: Uint8Array): Uint8Array {
  const [start, end] = bounds(bytes, 0)
  return bytes.subarray(start, end)
}

/** The elements inside the element at the start of the bytes. */
export function elementsOf(bytes: Uint8Array): Uint8Array[] {
  const content = contentOf(bytes)
  const parts: Uint8Array[] = []
  for (let at = 0; at < content.length; ) {
    const [, end] = bounds(content, at)
    parts.push(content.subarray(at, end))
    at = end
  }
  return parts
}

function bounds(bytes: Uint8Array, at: number): [start: number, end: number] {
  const first = bytes[at + 1]!
  const count = first < 0x80 ? 0 : first & 0x7f
  let length = count === 0 ? first : 0
  for (let i = 0; i < count; i++) length = length * 256 + bytes[at + 2 + i]!
  return [at + 2 + count, at + 2 + count + length]
}
