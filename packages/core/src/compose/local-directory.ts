import type { DirectoryEntry, NodeDirectory } from '../ports/dissemination.ts'

/** Where the nodes of one network in this process listen. */
export class LocalDirectory implements NodeDirectory {
  private readonly published = new Map<string, DirectoryEntry>()
  private readonly listeners = new Set<() => void>()

  publish(entry: DirectoryEntry): void {
    this.published.set(entry.node, entry)
    this.changed()
  }

  withdraw(node: string): void {
    if (this.published.delete(node)) this.changed()
  }

  entries(): readonly DirectoryEntry[] {
    return [...this.published.values()]
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener()
  }
}
