import { describe, it } from 'vitest'
import { MemoryStateDB } from '../../core/src/adapters/state-memory/memory-state-db.ts'
import { stateDbConformance } from '../src/state-db-conformance/suite.ts'

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
