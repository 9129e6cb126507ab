import type { Awaitable } from './lifecycle.ts'

/**
 * Files as block stores and write-ahead logs use them. Paths are relative to the node's data folder, with `/`.
 *
 * What was written is durable only after `datasync` of the file (and, for a new or renamed file, `syncFolder` of its folder).
 * A failed `datasync` is final: the caller must stop, never try again.
 */
export interface Disk {
  /** Opens a file for reading and appending; creates it, with its folders, when `create`. Throws DiskError. */
  open(path: string, options?: { create?: boolean }): Promise<DiskFile>
  exists(path: string): Promise<boolean>
  /** Names (not paths) in a folder, sorted; empty when the folder does not exist. */
  list(folder: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a folder with all in it; no error when absent. */
  remove(path: string): Promise<void>
  makeFolder(path: string): Promise<void>
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(path: string): Promise<void>
  /** Takes the folder for this process alone; throws DISK_LOCKED when another holds it. */
  lock(folder: string): Promise<{ release(): Promise<void> }>
  /** Absolute path, for stores that do their own file work (LevelDB); undefined where there is none (memory). */
  realPath(path: string): string | undefined
}

/** An open file of the disk. */
export interface DiskFile {
  /** Bytes in the file, those not yet durable included. */
  readonly size: number
  /** Appends the chunks as one write, in call order, and returns the offset of the first byte. Not durable yet. */
  append(chunks: readonly Uint8Array[]): Awaitable<number>
  /** Reads exactly `length` bytes; throws DISK_SHORT_READ past the end. */
  read(offset: number, length: number): Promise<Uint8Array>
  truncate(size: number): Promise<void>
  /** Resolves when all appended before the call is on stable storage. Several may be under way; they resolve in call order. */
  datasync(): Promise<void>
  close(): Promise<void>
}
