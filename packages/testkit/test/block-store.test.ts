import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { BlockFileStore, type BlockFilesOptions } from '../../core/src/adapters/block-files/block-file-store.ts'
import { fileDisk } from '../../core/src/adapters/disk/file-disk.ts'
import { memoryDisk } from '../../core/src/adapters/disk/memory-disk.ts'
import { seededRandom } from '../../core/src/adapters/environment/random.ts'
import { silentLogger } from '../../core/src/adapters/environment/silent-logger.ts'
import type { Disk } from '../../core/src/ports/disk.ts'
import { type BlockStoreSubject, blockStoreConformance } from '../src/block-store-conformance/suite.ts'

async function subject(disk: Disk, options: BlockFilesOptions, clean: () => Promise<void>): Promise<BlockStoreSubject> {
  const place = { disk, folder: 'ledgers/c/blocks', random: seededRandom('blocks'), logger: silentLogger }
  let store = await BlockFileStore.open(place, options)
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await BlockFileStore.open(place, options)
      return store
    },
    dispose: async () => {
      await store.close()
      await clean()
    },
  }
}

async function onFiles(options: BlockFilesOptions): Promise<BlockStoreSubject> {
  const root = await mkdtemp(join(tmpdir(), 'heddle-blocks-'))
  return subject(fileDisk(root), options, () => rm(root, { recursive: true }))
}

const api = { describe, it }
blockStoreConformance(api, { name: 'block files on a disk', create: () => onFiles({}) })
blockStoreConformance(api, {
  name: 'many small block files, no cache',
  create: () => onFiles({ segmentBytes: 4096, cacheBytes: 0 }),
})
blockStoreConformance(api, { name: 'block files in memory', create: () => subject(memoryDisk(), {}, async () => {}) })
