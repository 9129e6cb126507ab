import { createNetwork, manualClock, Tokens } from '@heddle/core'
import type { StateDBProvider } from '@heddle/core/plugin'
import { describe, expect, it } from 'vitest'
import { MemoryStateDB } from '../../src/adapters/state-memory/memory-state-db.ts'
import { asset, BOTH } from '../network/asset.fixture.ts'

describe('overrides', () => {
  it('each hook gets the container of its level; a node’s part is its own, the network’s is everyone’s', async () => {
    const clock = manualClock(Date.UTC(2031, 0, 1))
    const seen: string[] = []
    const opened: string[] = []
    await using network = await createNetwork({
      organizations: ['Org1', 'Org2'],
      base: import.meta.url,
      chaincodes: { asset: { chaincode: asset, endorsement: BOTH } },
      overrides: {
        network: (container) => void container.register(Tokens.Clock, { useValue: clock }),
        node: (container, { name, role }) => {
          seen.push(`${role} ${name}`)
          if (name !== 'peer0.org2') return
          const provider: StateDBProvider = {
            open: async (channel) => {
              opened.push(channel)
              return new MemoryStateDB()
            },
            close: async () => {},
          }
          // A factory may take its time: it is awaited once, at its own level.
          container.register(Tokens.StateDBProvider, { useFactory: async () => provider } as never)
        },
        channel: (_container, { channel, node }) => void seen.push(`${channel} at ${node.name}`),
      },
    })
    await network.gateway('Org1').contract('asset').submit('put', 'a', '1')
    expect(opened).toEqual(['main'])
    expect([...seen].sort()).toEqual([
      'main at orderer0.orderer',
      'main at peer0.org1',
      'main at peer0.org2',
      'orderer orderer0.orderer',
      'peer peer0.org1',
      'peer peer0.org2',
    ])
    const block = await network.channel('main').block(network.channel('main').height - 1)
    expect(block?.envelope(0).channelHeader.timestamp?.seconds).toBe(Date.UTC(2031, 0, 1) / 1000)
  })
})
