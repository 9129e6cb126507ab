import type { Draw } from './draw.ts'

const SECTOR = 512

/** Probabilities of what becomes of a sector that was not synced; what is left over is zeros. */
export interface SectorFates {
  readonly kept: number
  readonly torn: number
}

/** The content of a file, and how much of it is safe. */
export interface Stored {
  readonly bytes: Uint8Array
  readonly size: number
  /** Bytes from the beginning that a crash cannot take. */
  readonly durable: number
  /** What was durable before a truncation that is not synced. */
  readonly before: Uint8Array | undefined
}

/** What a crash leaves of a file: the synced part, and of each later sector all, a part, zeros or nothing. */
export function survivor(stored: Stored, fates: SectorFates, draw: Draw): { readonly bytes: Uint8Array; readonly torn: boolean } {
  const { bytes, size, durable, before } = stored
  if (before !== undefined && draw.chance(0.5)) return { bytes: before.slice(), torn: false }
  if (size === durable) return { bytes: bytes.slice(0, size), torn: false }
  const length = draw.chance(fates.kept) ? size : draw.int(durable, size)
  const left = new Uint8Array(length)
  left.set(bytes.subarray(0, durable))
  let lost = length < size
  for (let at = durable; at < length; ) {
    const end = Math.min(length, at - (at % SECTOR) + SECTOR)
    const fate = draw.float()
    if (fate < fates.kept) left.set(bytes.subarray(at, end), at)
    else {
      lost = true
      if (fate < fates.kept + fates.torn) left.set(bytes.subarray(at, at + draw.int(0, end - at)), at)
    }
    at = end
  }
  return { bytes: left, torn: lost && length > durable }
}
