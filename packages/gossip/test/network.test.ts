import { createNetwork, defineChaincode, type Network } from '@heddle/core'
import { afterEach, expect, it } from 'vitest'
import gossip, { type GossipOptions } from '../src/index.ts'

let network: Network | undefined
afterEach(async () => {
  await network?.stop()
  network = undefined
})

const counter = defineChaincode({
  put: async (stub, key, value) => {
    await stub.putState(key!, Buffer.from(value!))
    return 'done'
  },
})

const start = (peers: number, options: GossipOptions = {}): Promise<Network> =>
  createNetwork({
    organizations: [
      { name: 'Org1', peers },
      { name: 'Org2', peers },
    ],
    base: import.meta.url,
    dissemination: { use: gossip, options },
    chaincodes: { counter: { chaincode: counter } },
    log: { level: 'silent' },
  })

it.each(['memory', 'tcp'] as const)('a network on gossip over %s commits on every peer', async (transport) => {
  network = await start(3, { transport })
  const contract = network.gateway('Org1').contract('counter')
  for (let i = 0; i < 10; i++) await contract.submit('put', `key${i}`, `value${i}`)
  const height = Math.max(...network.peers.map((peer) => peer.height('main')))
  await Promise.all(network.peers.map((peer) => peer.reach('main', height)))
  const hashes = new Set(network.peers.map((peer) => peer.commitHash('main')))
  expect(hashes.size).toBe(1)
})
