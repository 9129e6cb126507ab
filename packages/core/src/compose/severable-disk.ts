import { DiskError } from '../adapters/disk/errors.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'

/** A disk that can be taken away from under a node, as the end of its process would. */
export interface SeverableDisk {
  readonly disk: Disk
  /** From now on nothing that changes the disk is done; what was handed to it stays. Locks can still be released. */
  sever(): void
}

export function severableDisk(disk: Disk): SeverableDisk {
  let isSevered = false
  const assertThere = (path: string): void => {
    if (isSevered) throw new DiskError('DISK_FAILED', 'the node that held the disk was killed', { path })
  }
  const fileOf = (file: DiskFile, path: string): DiskFile => ({
    get size() {
      return file.size
    },
    append(chunks) {
      assertThere(path)
      return file.append(chunks)
    },
    read: (offset, length) => file.read(offset, length),
    async truncate(size) {
      assertThere(path)
      await file.truncate(size)
    },
    async datasync() {
      assertThere(path)
      await file.datasync()
      // Whoever waited for it is dead: nobody may act on it.
      assertThere(path)
    },
    close: () => file.close(),
  })
  const changing =
    <A extends [string, ...unknown[]], T>(task: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      assertThere(args[0])
      return task(...args)
    }
  return {
    sever: () => {
      isSevered = true
    },
    disk: {
      open: changing(async (path: string, options?: { create?: boolean }) => fileOf(await disk.open(path, options), path)),
      exists: (path) => disk.exists(path),
      list: (folder) => disk.list(folder),
      rename: changing((from: string, to: string) => disk.rename(from, to)),
      remove: changing((path: string) => disk.remove(path)),
      makeFolder: changing((path: string) => disk.makeFolder(path)),
      syncFolder: changing((path: string) => disk.syncFolder(path)),
      lock: (folder) => disk.lock(folder),
      realPath: (path) => disk.realPath(path),
    },
  }
}
