import type { Disk, DiskFile } from '@heddle/core/plugin'
import { DiskError, type MemoryDisk, memoryDisk } from '@heddle/core/testing'

/**
 * A disk in memory that forgets at a crash what was not synced: `crash` cuts every file to what its last datasync covered. Who held a
 * file open before the crash is dead and can write no more.
 */
export class CrashDisk {
  private readonly disk: MemoryDisk = memoryDisk()
  private readonly synced = new Map<string, number>()
  private generation = 0

  /** The disk as the node sees it until the next crash. */
  mount(): Disk {
    const generation = this.generation
    const alive = (path: string): void => {
      if (generation !== this.generation) throw new DiskError('DISK_FAILED', 'the process that held the disk is dead', { path })
    }
    const { disk, synced } = this
    return {
      async open(path, options) {
        alive(path)
        const file = await disk.open(path, options)
        if (!synced.has(path)) synced.set(path, 0)
        return guarded(file, path, alive, synced)
      },
      exists: (path) => disk.exists(path),
      list: (folder) => disk.list(folder),
      async rename(from, to) {
        alive(from)
        await disk.rename(from, to)
        synced.set(to, synced.get(from) ?? 0)
        synced.delete(from)
      },
      async remove(path) {
        alive(path)
        await disk.remove(path)
        for (const known of [...synced.keys()]) if (known === path || known.startsWith(`${path}/`)) synced.delete(known)
      },
      makeFolder: (path) => disk.makeFolder(path),
      syncFolder: (path) => disk.syncFolder(path),
      lock: async () => ({ release: async () => {} }),
      realPath: () => undefined,
    }
  }

  /** Power is lost. */
  async crash(): Promise<void> {
    this.generation++
    for (const [path, size] of this.synced) {
      if (!(await this.disk.exists(path))) continue
      const file = await this.disk.open(path)
      if (file.size > size) await file.truncate(size)
      await file.close()
    }
  }
}

function guarded(file: DiskFile, path: string, alive: (path: string) => void, synced: Map<string, number>): DiskFile {
  return {
    get size() {
      return file.size
    },
    append(chunks) {
      alive(path)
      return file.append(chunks)
    },
    read: (offset, length) => file.read(offset, length),
    async truncate(size) {
      alive(path)
      await file.truncate(size)
      synced.set(path, Math.min(synced.get(path) ?? 0, size))
    },
    async datasync() {
      const { size } = file
      // A disk takes its time: what is acknowledged before this is over was acknowledged too early.
      await new Promise((resolve) => setImmediate(resolve))
      alive(path)
      await file.datasync()
      synced.set(path, Math.max(synced.get(path) ?? 0, size))
    },
    close: () => file.close(),
  }
}
