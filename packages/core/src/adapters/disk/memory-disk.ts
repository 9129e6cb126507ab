import type { Disk, DiskFile } from '../../ports/disk.ts'
import { DiskError } from './errors.ts'
import { diskPath, folderOf } from './path.ts'

/** Bytes that a file gets at once: an allocation for each small append would cost more than the append. */
const CHUNK = 128 * 1024

/** Content of a file: pieces that only the last one of still grows. */
interface Content {
  chunks: Uint8Array[]
  /** Offset of each chunk. */
  starts: number[]
  size: number
  /** What is left behind the bytes of the last chunk, in the same memory. */
  room: number
}

/** A disk in memory that lives as long as its object. Nothing on it is ever lost, so syncing costs nothing. */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Content>()
  readonly #folders = new Set<string>([''])
  readonly #locks = new Set<string>()

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile> {
    const name = diskPath(path)
    let content = this.#files.get(name)
    if (content === undefined) {
      if (options.create !== true) throw new DiskError('DISK_NOT_FOUND', `no file ${name}`, { path: name })
      this.#addFolder(folderOf(name))
      content = { chunks: [], starts: [], size: 0, room: 0 }
      this.#files.set(name, content)
    }
    return new MemoryFile(name, content)
  }

  async exists(path: string): Promise<boolean> {
    const name = diskPath(path)
    return this.#files.has(name) || this.#folders.has(name)
  }

  async list(folder: string): Promise<string[]> {
    const name = diskPath(folder)
    const prefix = name === '' ? '' : `${name}/`
    const names = new Set<string>()
    for (const path of [...this.#files.keys(), ...this.#folders]) {
      if (path === '' || !path.startsWith(prefix) || path === name) continue
      names.add(path.slice(prefix.length).split('/', 1)[0]!)
    }
    return [...names].sort()
  }

  async rename(from: string, to: string): Promise<void> {
    const source = diskPath(from)
    const target = diskPath(to)
    const content = this.#files.get(source)
    if (content === undefined) throw new DiskError('DISK_NOT_FOUND', `no file ${source}`, { path: source })
    this.#files.delete(source)
    this.#addFolder(folderOf(target))
    this.#files.set(target, content)
  }

  async remove(path: string): Promise<void> {
    const name = diskPath(path)
    this.#files.delete(name)
    for (const file of this.#files.keys()) if (file.startsWith(`${name}/`)) this.#files.delete(file)
    for (const folder of this.#folders) if (folder === name || folder.startsWith(`${name}/`)) this.#folders.delete(folder)
    this.#folders.add('')
  }

  async makeFolder(path: string): Promise<void> {
    this.#addFolder(diskPath(path))
  }

  async syncFolder(path: string): Promise<void> {
    diskPath(path)
  }

  async lock(folder: string): Promise<{ release(): Promise<void> }> {
    const name = diskPath(folder)
    if (this.#locks.has(name)) throw new DiskError('DISK_LOCKED', `the folder "${name}" is in use`, { folder: name })
    this.#locks.add(name)
    return { release: async () => void this.#locks.delete(name) }
  }

  realPath(path: string): undefined {
    diskPath(path)
    return undefined
  }

  /** A second disk with the same files: what was there comes along, what happens later does not. No locks are held on it. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [path, { chunks, starts, size }] of this.#files) {
      // Both go on in memory of their own: only the original keeps the room behind its last chunk.
      copy.#files.set(path, { chunks: [...chunks], starts: [...starts], size, room: 0 })
    }
    for (const folder of this.#folders) copy.#folders.add(folder)
    return copy
  }

  #addFolder(name: string): void {
    for (let folder = name; !this.#folders.has(folder); folder = folderOf(folder)) this.#folders.add(folder)
  }
}

class MemoryFile implements DiskFile {
  readonly #name: string
  readonly #content: Content
  #open = true

  constructor(name: string, content: Content) {
    this.#name = name
    this.#content = content
  }

  get size(): number {
    return this.#content.size
  }

  append(chunks: readonly Uint8Array[]): number {
    this.#check()
    const content = this.#content
    const offset = content.size
    let length = 0
    for (const chunk of chunks) length += chunk.length
    if (length === 0) return offset
    let at = this.#extend(length)
    const last = content.chunks.at(-1)!
    for (const chunk of chunks) {
      last.set(chunk, at)
      at += chunk.length
    }
    content.size += length
    return offset
  }

  /** Makes the last chunk longer by `length`, or begins one; gives the place in it where the new bytes go. */
  #extend(length: number): number {
    const content = this.#content
    const last = content.chunks.at(-1)
    if (last !== undefined && length <= content.room) {
      content.chunks[content.chunks.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + length)
      content.room -= length
      return last.length
    }
    const capacity = Math.max(CHUNK, length)
    // Shared memory, though nobody shares it: the collector takes the growth of other memory for garbage, and looks through the whole heap
    // for it again and again, while what is on a disk stays.
    content.chunks.push(new Uint8Array(new SharedArrayBuffer(capacity), 0, length))
    content.starts.push(content.size)
    content.room = capacity - length
    return 0
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#check()
    const { chunks, starts, size } = this.#content
    if (offset < 0 || length < 0 || offset + length > size) {
      throw new DiskError('DISK_SHORT_READ', `${this.#name} has ${size} bytes, wanted ${length} at ${offset}`, {
        path: this.#name,
        offset,
        length,
        size,
      })
    }
    if (length === 0) return new Uint8Array(0)
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    const result = new Uint8Array(length)
    let done = 0
    for (let i = low; done < length; i++) {
      const from = offset + done - starts[i]!
      const part = chunks[i]!.subarray(from, from + length - done)
      result.set(part, done)
      done += part.length
    }
    return result
  }

  async truncate(size: number): Promise<void> {
    this.#check()
    const content = this.#content
    if (content.size > size) content.room = 0
    while (content.size > size) {
      const start = content.starts.at(-1)!
      if (start >= size) {
        content.starts.pop()
        content.chunks.pop()
        content.size = start
      } else {
        content.chunks[content.chunks.length - 1] = content.chunks.at(-1)!.slice(0, size - start)
        content.size = size
      }
    }
  }

  async datasync(): Promise<void> {
    this.#check()
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #check(): void {
    if (!this.#open) throw new DiskError('DISK_CLOSED', `${this.#name} is closed`, { path: this.#name })
  }
}

/** A new, empty disk in memory. */
export function memoryDisk(): MemoryDisk {
  return new MemoryDisk()
}
