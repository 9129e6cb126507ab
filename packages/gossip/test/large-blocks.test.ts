import { createNetwork, defineChaincode } from '@heddle/core'
import { expect, it } from 'vitest'
import gossip from '../src/index.ts'

const filler = defineChaincode({
  fill: async (stub, megabytes) => {
    await stub.putState('large', Buffer.alloc(Number(megabytes) * 1024 * 1024, 7))
    return 'done'
  },
})

it('a block that gossip cannot carry is announced and pulled, passed on, and committed everywhere', async () => {
  const network = await createNetwork({
    organizations: [{ name: 'Org1', peers: 3 }],
    base: import.meta.url,
    dissemination: { use: gossip, options: { transport: 'memory', leaders: ['peer0.org1'] } },
    chaincodes: { filler: { chaincode: filler } },
    log: { level: 'silent' },
  })
  try {
    const contract = network.gateway('Org1').contract('filler')
    for (const megabytes of ['1', '6']) await contract.submit('fill', megabytes)
    const height = Math.max(...network.peers.map((peer) => peer.height('main')))
    await Promise.all(network.peers.map((peer) => peer.reach('main', height)))
    expect(new Set(network.peers.map((peer) => peer.commitHash('main'))).size).toBe(1)
    const last = (await network.peer('peer2.org1').block('main', height - 1))!
    expect(last.encode().length).toBeGreaterThan(6 * 1024 * 1024)
    for (const name of ['peer1.org1', 'peer2.org1']) {
      const { blocks } = network.peer(name).status().channels[0]!.dissemination as { blocks: { orderer: number } }
      expect(blocks.orderer).toBe(0)
    }
  } finally {
    await network.stop()
  }
})
