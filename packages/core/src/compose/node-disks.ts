import { join } from 'node:path'
import { type MemoryDisk, memoryDisk } from '../adapters/disk/memory-disk.ts'
import type { Disk } from '../ports/disk.ts'
import { type SeverableDisk, severableDisk } from './severable-disk.ts'

/** Where the nodes of a network keep their data: a folder each, or a disk in memory that outlives the node's restarts. */
export class NodeDisks {
  /** Undefined: in memory. */
  readonly folder: string | undefined
  private readonly memory = new Map<string, MemoryDisk>()
  /** As the nodes that run have them. */
  private readonly opened = new Map<string, SeverableDisk>()

  constructor(folder: string | undefined) {
    this.folder = folder
  }

  async open(node: string): Promise<Disk> {
    const opened = severableDisk(await this.at('nodes', node))
    this.opened.set(node, opened)
    return opened.disk
  }

  /** Takes its disk from a node that runs: it writes nothing more. */
  sever(node: string): void {
    this.opened.get(node)?.sever()
  }

  /** A disk of the network that belongs to no node. */
  common(): Promise<Disk> {
    return this.at('common', '')
  }

  private async at(parent: string, name: string): Promise<Disk> {
    if (this.folder !== undefined) {
      const { fileDisk } = await import('../adapters/disk/file-disk.ts')
      return fileDisk(join(this.folder, parent, name))
    }
    const node = `${parent}/${name}`
    let disk = this.memory.get(node)
    if (disk === undefined) {
      disk = memoryDisk()
      this.memory.set(node, disk)
    }
    return disk
  }

  /** Copies of all disks in memory, for `restore`. */
  image(): ReadonlyMap<string, MemoryDisk> {
    return new Map([...this.memory].map(([node, disk]) => [node, disk.clone()]))
  }

  /** What was written since is gone. No node may be running. */
  restore(image: ReadonlyMap<string, MemoryDisk>): void {
    this.memory.clear()
    for (const [node, disk] of image) this.memory.set(node, disk.clone())
  }
}
