import { orderingConformance } from '@heddle/testkit'
import { describe, it } from 'vitest'
import raft from '../src/index.ts'
import { genesisNodes } from './nodes.fixture.ts'

// Shorter than the defaults: all nodes share one thread that does nothing else.
const options = { electionTimeout: 150, heartbeat: 30 }

for (const nodes of [3, 1, 5]) {
  orderingConformance(
    { describe, it },
    {
      name: `raft on ${nodes}`,
      plugin: raft,
      nodes,
      prepare: async () => ({ options }),
      metadata: (names) => raft.genesisMetadata!(genesisNodes(names), options),
    },
  )
}
