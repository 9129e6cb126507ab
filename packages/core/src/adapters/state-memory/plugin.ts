import type { Plugin } from '../../ports/plugin.ts'
import { MemoryStateDB } from './memory-state-db.ts'

/** World state in memory. It is built again from the blocks at each start. */
export const memoryStateDb: Plugin<'stateDb', Record<string, never>> = {
  name: '@heddle/core/memory-state',
  provides: 'stateDb',
  api: 1,
  capabilities: { durable: false, snapshot: true, richQuery: false },
  options: { type: 'object', additionalProperties: false, properties: {} },
  create: () => ({ open: async () => new MemoryStateDB(), close: async () => {} }),
}
