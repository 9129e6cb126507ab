import { Block } from '@heddle/core/model'
import type { Disk } from '@heddle/core/plugin'

/** Two blocks of one height that the orderers signed. */
export interface Fork {
  readonly held: Block
  readonly other: Block
}

/** Folder of a channel's evidence. Names of channels hold nothing that a path could not. */
const folderOf = (channel: string): string => `gossip/forks/${encodeURIComponent(channel)}`

/** Keeps both blocks, durably: who restarts the peer finds it stopped for the same reason. */
export async function keepFork(disk: Disk, channel: string, { held, other }: Fork): Promise<void> {
  const folder = folderOf(channel)
  await disk.makeFolder(folder)
  for (const [name, block] of [
    ['held', held],
    ['other', other],
  ] as const) {
    const path = `${folder}/${String(block.number).padStart(12, '0')}-${name}.block`
    if (await disk.exists(path)) continue
    const file = await disk.open(path, { create: true })
    await file.append([block.encode()])
    await file.datasync()
    await file.close()
  }
  await disk.syncFolder(folder)
}

/** The evidence of an earlier run, if there is any. */
export async function keptFork(disk: Disk, channel: string): Promise<Fork | undefined> {
  const folder = folderOf(channel)
  const names = await disk.list(folder)
  const read = async (ending: string): Promise<Block | undefined> => {
    const name = names.find((each) => each.endsWith(ending))
    if (name === undefined) return undefined
    const file = await disk.open(`${folder}/${name}`)
    try {
      return Block.decode(await file.read(0, file.size))
    } finally {
      await file.close()
    }
  }
  const [held, other] = [await read('-held.block'), await read('-other.block')]
  return held === undefined || other === undefined ? undefined : { held, other }
}
