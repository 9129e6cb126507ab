/**
 * Order of two strings by their UTF-8 bytes, which is how Go sorts strings. It differs from JavaScript's own order only where a
 * character outside the basic plane (a surrogate pair) meets one of U+E000 to U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const xSurrogate = (x & 0xf800) === 0xd800
    const ySurrogate = (y & 0xf800) === 0xd800
    // A surrogate stands for a character above every one of the basic plane.
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1
    return x < y ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

/** Sorts in place by UTF-8 bytes. The usual few entries are sorted by insertion, which needs no memory. */
export function sortUtf8(texts: string[]): string[] {
  if (texts.length > 8) return texts.sort(compareUtf8)
  for (let i = 1; i < texts.length; i++) {
    const text = texts[i]!
    let at = i - 1
    for (; at >= 0 && compareUtf8(texts[at]!, text) > 0; at--) texts[at + 1] = texts[at]!
    texts[at + 1] = text
  }
  return texts
}

const encoder = new TextEncoder()

/** UTF-8 bytes of a string; half a surrogate pair becomes U+FFFD, as in every JavaScript encoder. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text)
}
