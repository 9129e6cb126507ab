import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Databases beside the block files. What a node keeps in them follows from its blocks. */
const DATABASES = ['state', 'history', 'blocks-index'] as const

export type Database = (typeof DATABASES)[number]

/** Which databases of which node are put back. Each way for them to part from each other is in the list. */
const CASES: readonly { readonly node: string; readonly databases: readonly Database[] }[] = [
  { node: 'peer0.org1', databases: ['state'] },
  { node: 'peer0.org2', databases: ['state', 'history', 'blocks-index'] },
  { node: 'orderer0.orderer', databases: ['blocks-index'] },
  { node: 'peer0.org2', databases: ['history'] },
  { node: 'peer0.org1', databases: ['state', 'blocks-index'] },
  { node: 'peer0.org1', databases: ['blocks-index'] },
]

/** A copy of LevelDB folders of one node, taken while it was down. */
export interface OlderCopy {
  readonly node: string
  readonly databases: readonly Database[]
  /** Blocks at the time of the copy. */
  readonly height: number
  readonly place: string
}

export function ledgerFolder(folder: string, node: string): string {
  return join(folder, 'nodes', node, 'ledgers', 'main')
}

export function takeCopy(folder: string, place: string, which: number, height: number): OlderCopy {
  const { node, databases } = CASES[which % CASES.length]!
  rmSync(place, { recursive: true, force: true })
  for (const name of databases) {
    const from = join(ledgerFolder(folder, node), name)
    if (existsSync(from)) cpSync(from, join(place, name), { recursive: true })
  }
  return { node, databases, height, place }
}

export function putBack(folder: string, { node, databases, place }: OlderCopy): void {
  for (const name of databases) {
    const to = join(ledgerFolder(folder, node), name)
    rmSync(to, { recursive: true, force: true })
    if (existsSync(join(place, name))) cpSync(join(place, name), to, { recursive: true })
  }
}

/** Takes every database away: what is left is what the block files hold. */
export function removeDatabases(folder: string, nodes: readonly string[]): void {
  for (const node of nodes)
    for (const name of DATABASES) rmSync(join(ledgerFolder(folder, node), name), { recursive: true, force: true })
}
