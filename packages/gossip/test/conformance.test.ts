import { memoryDisk } from '@heddle/core/testing'
import { disseminationConformance } from '@heddle/testkit'
import { describe, it } from 'vitest'
import gossip from '../src/index.ts'

disseminationConformance(
  { describe, it },
  {
    name: '@heddle/gossip',
    environment: { disk: memoryDisk() },
    readAhead: 80,
    async create(environment) {
      const context = {
        node: 'peer0.org1',
        mspId: 'Org1MSP',
        identity: new Uint8Array(0),
        environment,
        signatures: undefined as never,
      }
      const dissemination = await gossip.create(context, { transport: 'memory' })
      return { dissemination, dispose: () => dissemination.stop() }
    },
  },
)
