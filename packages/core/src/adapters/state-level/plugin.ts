import type { Plugin } from '../../ports/plugin.ts'
import { ledgerFolder } from '../disk/ledger-folder.ts'
import { StateError } from '../state-memory/errors.ts'
import type { LevelStateOptions } from './level-state-db.ts'

const bytes = (fallback: number, description: string): object => ({ type: 'integer', minimum: 0, default: fallback, description })

/** World state in LevelDB, in the node's data folder. */
export const levelStateDb: Plugin<'stateDb', LevelStateOptions> = {
  name: '@heddle/core/level-state',
  provides: 'stateDb',
  api: 1,
  capabilities: { durable: true, snapshot: true, richQuery: false },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      cacheBytes: bytes(32 << 20, 'Latest values kept in memory, in bytes.'),
      blockCacheBytes: bytes(16 << 20, "LevelDB's cache of table blocks, in bytes."),
      writeBufferBytes: bytes(4 << 20, "LevelDB's write buffer, in bytes; two are in memory."),
    },
  },
  create({ environment }, options) {
    const { disk } = environment
    return {
      async open(channel) {
        const folder = `${ledgerFolder(channel)}/state`
        const path = disk.realPath(folder)
        if (path === undefined) {
          throw new StateError(
            'STATE_DB_FAILED',
            'LevelDB needs a data folder; this network is in memory: use the memory state',
            { channel },
          )
        }
        await disk.makeFolder(folder)
        // Native code is loaded only by those who use it.
        const { LevelStateDB } = await import('./level-state-db.ts')
        const db = new LevelStateDB(path, options)
        await db.open()
        return db
      },
      close: async () => {},
    }
  },
}
