import { createNetwork, defineChaincode, Tokens } from '@heddle/core'
import type { Dissemination } from '@heddle/core/plugin'
import gossip from '@heddle/gossip'

const CHANNEL = 'main'
/** Transactions under way while the chain is made. */
const IN_FLIGHT = 200

const counter = defineChaincode({
  put: async (stub, key, value) => {
    await stub.putState(key!, Buffer.from(value!))
    return 'done'
  },
})

/** Feeds a peer from an orderer of its process, by function calls: as fast as it commits. */
function localFeed(): Dissemination {
  const abort = new AbortController()
  let done: Promise<void> = Promise.resolve()
  return {
    start: async () => {},
    async join(host) {
      done = (async () => {
        for await (const block of host.orderers()[0]!.deliver(host.height, abort.signal)) await host.receive(block, 'orderer')
      })().catch(() => {})
    },
    leave: async () => {},
    async stop() {
      abort.abort()
      await done
    },
    status: () => ({}),
  }
}

/** Rates at which a peer gets a chain: from a neighbour, and, for comparison, from its own process. */
export async function measureCatchUp(
  blocks: number,
  say: (line: string) => void,
): Promise<{ readonly pulled: number; readonly local: number }> {
  const network = await createNetwork({
    organizations: [{ name: 'Org1', peers: 1 }],
    base: import.meta.url,
    dissemination: { use: gossip, options: {} },
    channels: { [CHANNEL]: { batch: { maxMessages: 1 } } },
    chaincodes: { counter: { chaincode: counter } },
    log: { level: 'silent' },
    overrides: {
      node: (container, { name }) => {
        if (name.startsWith('fed')) container.registerInstance(Tokens.Dissemination, localFeed())
      },
    },
  })
  try {
    const contract = network.gateway('Org1').contract('counter')
    let sent = 0
    const send = async (): Promise<void> => {
      while (network.peer('peer0.org1').height(CHANNEL) < blocks && sent < 2 * blocks)
        await contract.submit('put', `key${sent++}`, 'value')
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, send))
    const height = network.peer('peer0.org1').height(CHANNEL)
    say(`a chain of ${height} blocks`)
    const time = async (peer: string): Promise<number> => {
      const started = performance.now()
      await network.organization('Org1').addPeer(peer)
      await network.peer(peer).reach(CHANNEL, height)
      const rate = (height / (performance.now() - started)) * 1000
      await network.peer(peer).stop()
      return rate
    }
    // Each twice, the first time to warm up.
    await time('fed0.org1')
    await time('new0.org1')
    return { local: await time('fed1.org1'), pulled: await time('new1.org1') }
  } finally {
    await network.stop()
  }
}
