import type { Plugin } from '../../ports/plugin.ts'
import { ledgerFolder } from '../disk/ledger-folder.ts'
import type { BlockFilesOptions } from './block-file-store.ts'

/** Blocks in append-only files on the node's disk, with an index: what core uses unless told otherwise. */
export const fileBlockStore: Plugin<'blockStore', BlockFilesOptions> = {
  name: '@heddle/core/block-files',
  provides: 'blockStore',
  api: 1,
  capabilities: { durable: true },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      segmentBytes: {
        type: 'integer',
        minimum: 4096,
        default: 67108864,
        description: 'Size at which a new block file is begun, in bytes.',
      },
      cacheBytes: { type: 'integer', minimum: 0, default: 8388608, description: 'Recent blocks kept in memory, in bytes.' },
      transactions: { type: 'boolean', default: true, description: 'Whether transactions can be found by id.' },
    },
  },
  create({ environment }, options) {
    const { disk, random, logger } = environment
    return {
      open: async (channel) => {
        // With it comes native code, which is loaded only by those who use it.
        const { BlockFileStore } = await import('./block-file-store.ts')
        return BlockFileStore.open(
          {
            disk,
            folder: `${ledgerFolder(channel)}/blocks`,
            random: random.fork(`block files of ${channel}`),
            logger: logger.child({ subsystem: 'ledger', channel }),
          },
          options,
        )
      },
      close: async () => {},
    }
  },
}
