/**
 * Names in keys: U+0000 inside a name becomes U+0000 U+0001, and U+0000 U+0000 ends it. So any names may follow one another in a key, and
 * keys sort by the names' UTF-8 bytes.
 */
export function nameKey(name: string): string {
  return name.includes('\0') ? `${name.replaceAll('\0', '\0\u0001')}\0\0` : `${name}\0\0`
}

/** First key behind all those that begin with `nameKey(name)`. */
export function nameEnd(name: string): string {
  return `${nameKey(name).slice(0, -1)}\u0001`
}

/** Splits a key after its first name. */
export function splitName(key: string): { readonly name: string; readonly rest: string } {
  const end = key.indexOf('\0\0')
  return { name: key.slice(0, end).replaceAll('\0\u0001', '\0'), rest: key.slice(end + 2) }
}

/** A number whose texts sort as the numbers do: length, then digits. Up to 2^53. */
export function numberKey(value: number): string {
  const digits = value.toString(36)
  return digits.length.toString(36) + digits
}

/** Reads a `numberKey` at a position: the number and where it ends. */
export function parseNumberKey(key: string, at: number): { readonly value: number; readonly end: number } {
  const end = at + 1 + Number.parseInt(key[at]!, 36)
  return { value: Number.parseInt(key.slice(at + 1, end), 36), end }
}
