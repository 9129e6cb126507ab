import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { LevelStateDB } from '../../core/src/adapters/state-level/level-state-db.ts'
import { MemoryStateDB } from '../../core/src/adapters/state-memory/memory-state-db.ts'
import { type StateDbSubject, stateDbConformance } from '../src/state-db-conformance/suite.ts'

stateDbConformance(
  { describe, it },
  {
    name: 'memory',
    async create() {
      const db = new MemoryStateDB()
      await db.open()
      return { db, dispose: () => db.close() }
    },
  },
)

async function level(cacheBytes: number): Promise<StateDbSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-state-'))
  let db = new LevelStateDB(folder, { cacheBytes })
  await db.open()
  return {
    db,
    reopen: async () => {
      await db.close()
      db = new LevelStateDB(folder, { cacheBytes })
      await db.open()
      return db
    },
    dispose: async () => {
      await db.close()
      await rm(folder, { recursive: true })
    },
  }
}

stateDbConformance({ describe, it }, { name: 'LevelDB', create: () => level(1 << 20) })
stateDbConformance({ describe, it }, { name: 'LevelDB with next to no cache', create: () => level(2000) })
