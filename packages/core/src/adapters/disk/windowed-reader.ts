import type { DiskFile } from '../../ports/disk.ts'

/** Bytes that are read at once when a file is scanned. */
export const READ_WINDOW: number = 1 << 20

/** Reads a file from front to back through a window, so that small records do not cost a read each. The file must not change meanwhile. */
export function windowedReader(file: DiskFile): (offset: number, length: number) => Promise<Uint8Array> {
  let start = 0
  let window: Uint8Array = new Uint8Array(0)
  return async (offset, length) => {
    if (offset < start || offset + length > start + window.length) {
      start = offset
      window = await file.read(offset, Math.max(length, Math.min(READ_WINDOW, file.size - offset)))
    }
    return window.subarray(offset - start, offset - start + length)
  }
}
