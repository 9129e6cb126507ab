/** A byte string of its own costs about half a microsecond and as much again to collect; larger ones are worth it. */
const SHARED = 8192
/** One small value that is kept keeps its slab alive, so a slab is not large. */
const SLAB = 64 * 1024

// Not zeroed: every byte that is handed out was copied over first.
const newSlab = (): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(SLAB).buffer, 0, SLAB)

let slab = newSlab()
let used = 0

/**
 * A copy of bytes in plain memory. Small copies share slabs: whoever keeps a few of many for long, or hands one to another thread,
 * copies it once more.
 */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  if (length > SHARED) return new Uint8Array(bytes)
  if (used + length > SLAB) {
    slab = newSlab()
    used = 0
  }
  const start = used
  used += length
  slab.set(bytes, start)
  return slab.subarray(start, used)
}

/** The two one after the other, as {@link copyBytes} copies. */
export function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const length = a.length + b.length
  if (length > SHARED) {
    const own = new Uint8Array(length)
    own.set(a)
    own.set(b, a.length)
    return own
  }
  if (used + length > SLAB) {
    slab = newSlab()
    used = 0
  }
  const start = used
  used += length
  slab.set(a, start)
  slab.set(b, start + a.length)
  return slab.subarray(start, used)
}
