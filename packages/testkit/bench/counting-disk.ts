import type { Disk, DiskFile } from '@heddle/core/plugin'

/** What was asked of a disk. */
export interface DiskWork {
  /** Calls of `datasync` that were asked for; those that wait for each other may share a trip to the device. */
  syncs: number
  /** Bytes appended. */
  bytes: number
}

/** A disk that counts what passes through it. Databases that do their own file work (LevelDB) do not pass through it. */
export function countingDisk(disk: Disk, work: DiskWork): Disk {
  return {
    open: async (path, options) => countingFile(await disk.open(path, options), work),
    exists: (path) => disk.exists(path),
    list: (folder) => disk.list(folder),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => disk.syncFolder(path),
    lock: (folder) => disk.lock(folder),
    realPath: (path) => disk.realPath(path),
  }
}

function countingFile(file: DiskFile, work: DiskWork): DiskFile {
  return {
    get size() {
      return file.size
    },
    append(chunks) {
      for (const chunk of chunks) work.bytes += chunk.length
      return file.append(chunks)
    },
    read: (offset, length) => file.read(offset, length),
    truncate: (size) => file.truncate(size),
    datasync() {
      work.syncs++
      return file.datasync()
    },
    close: () => file.close(),
  }
}
