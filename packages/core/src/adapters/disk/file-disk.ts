import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Disk, DiskFile } from '../../ports/disk.ts'
import { diskError } from './errors.ts'
import { takeLock } from './folder-lock.ts'
import { diskPath } from './path.ts'
import { RealFile } from './real-file.ts'

/** A folder of the machine's file system as a node's disk. */
class FileDisk implements Disk {
  readonly #root: string

  constructor(root: string) {
    this.#root = resolve(root)
  }

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile> {
    const real = this.realPath(path)
    try {
      if (options.create !== true) return await RealFile.open(real, false)
      await this.#makeReal(dirname(real))
      return await RealFile.open(real, true)
    } catch (error) {
      throw diskError(error, 'open', real)
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await stat(this.realPath(path))
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw diskError(error, 'look for', path)
    }
  }

  async list(folder: string): Promise<string[]> {
    try {
      return (await readdir(this.realPath(folder))).sort()
    } catch (error) {
      if (isMissing(error)) return []
      throw diskError(error, 'list', folder)
    }
  }

  async rename(from: string, to: string): Promise<void> {
    try {
      await this.#makeReal(dirname(this.realPath(to)))
      await rename(this.realPath(from), this.realPath(to))
    } catch (error) {
      throw diskError(error, 'rename', from)
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await rm(this.realPath(path), { recursive: true, force: true })
    } catch (error) {
      throw diskError(error, 'remove', path)
    }
  }

  async makeFolder(path: string): Promise<void> {
    try {
      await this.#makeReal(this.realPath(path))
    } catch (error) {
      throw diskError(error, 'make folder', path)
    }
  }

  async syncFolder(path: string): Promise<void> {
    try {
      await syncReal(this.realPath(path))
    } catch (error) {
      throw diskError(error, 'sync folder', path)
    }
  }

  async lock(folder: string): Promise<{ release(): Promise<void> }> {
    await this.makeFolder(folder)
    const real = this.realPath(folder)
    try {
      return await takeLock(real)
    } catch (error) {
      throw diskError(error, 'lock', real)
    }
  }

  realPath(path: string): string {
    return join(this.#root, diskPath(path))
  }

  /** Makes a folder and those above it; their entries are durable at once, so that only files need `syncFolder`. */
  async #makeReal(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true })
    if (first === undefined) return
    const top = dirname(first)
    for (let made = folder; made.length > top.length; made = dirname(made)) await syncReal(dirname(made))
  }
}

async function syncReal(folder: string): Promise<void> {
  // Windows has no handle of a folder to sync; NTFS journals the entries.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** The disk of a node that keeps its data under `root`; the folder is made when needed. */
export function fileDisk(root: string): Disk {
  return new FileDisk(root)
}
