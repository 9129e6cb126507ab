import type { Disk } from '../../ports/disk.ts'
import type { HistoryStore } from '../../ports/history.ts'
import { ledgerFolder } from '../disk/ledger-folder.ts'
import { MemoryHistory } from './memory-history.ts'

/** Opens the key history of a channel on a node's disk: LevelDB where there are folders, memory elsewhere. */
export async function openHistory(disk: Disk, channel: string): Promise<HistoryStore> {
  const folder = `${ledgerFolder(channel)}/history`
  const path = disk.realPath(folder)
  if (path === undefined) return new MemoryHistory()
  await disk.makeFolder(folder)
  const { LevelHistory } = await import('./level-history.ts')
  return LevelHistory.open(path)
}
