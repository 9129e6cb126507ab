import { createNetwork, defineChaincode, type Network, Tokens } from '@heddle/core'
import type { Dissemination } from '@heddle/core/plugin'
import { GossipDissemination } from '../src/gossip-dissemination.ts'
import { Libp2pNetwork } from '../src/libp2p/libp2p-network.ts'
import { resolveOptions } from '../src/options.ts'
import { type Checks, eventually } from './checks.ts'

const CHANNEL = 'main'

/** A peer's gossip that can end as a process ends that is killed: without a word to anybody. */
class Killable {
  readonly dissemination: Dissemination
  private network: Libp2pNetwork | undefined

  constructor() {
    let inner: GossipDissemination | undefined
    this.dissemination = {
      start: async () => {},
      join: async (host) => {
        const options = resolveOptions(
          { election: { claimInterval: 200, leaderTimeout: 1_500 }, antiEntropy: { interval: 300 } },
          host.node,
        )
        inner ??= new GossipDissemination({
          node: host.node,
          environment: host.environment,
          options,
          network: async (seed) => {
            const { announce, connections, mesh } = options
            this.network = await Libp2pNetwork.start({ seed, listen: options.listen!, announce, connections, mesh })
            return this.network
          },
        })
        await inner.join(host)
      },
      leave: async (channel) => inner?.leave(channel),
      stop: async () => inner?.stop(),
      status: (channel) => inner?.status(channel) ?? {},
    }
  }

  /** All connections break; what the peer would say when it ends reaches nobody. */
  kill(): Promise<void> {
    return this.network!.stop()
  }
}

const isLeader = (network: Network, peer: string): boolean =>
  network.peer(peer).running &&
  (network.peer(peer).status().channels[0]!.dissemination as { isLeader?: boolean }).isLeader === true

/** A leader that is killed cannot resign: its silence has to be noticed. */
export async function silentDeath(checks: Checks): Promise<void> {
  const killables = new Map<string, Killable>()
  const network = await createNetwork({
    organizations: [{ name: 'Org1', peers: 4 }],
    base: import.meta.url,
    chaincodes: {
      counter: {
        chaincode: defineChaincode({
          put: async (stub, key) => {
            await stub.putState(key!, Buffer.from('value'))
            return 'done'
          },
        }),
      },
    },
    log: { level: 'silent' },
    overrides: {
      node: (container, { name, role }) => {
        if (role !== 'peer') return
        const killable = new Killable()
        killables.set(name, killable)
        container.registerInstance(Tokens.Dissemination, killable.dissemination)
      },
    },
  })
  try {
    await checks.check('a leader that is killed without a word is replaced, and the organisation goes on', async () => {
      const names = network.peers.map(({ name }) => name)
      await eventually('one leader', () => {
        const leaders = names.filter((name) => isLeader(network, name))
        return leaders.length === 1 ? undefined : leaders.join(', ')
      })
      const dead = names.find((name) => isLeader(network, name))!
      const started = performance.now()
      await killables.get(dead)!.kill()
      await network.peer(dead).stop()
      const rest = names.filter((name) => name !== dead)
      await eventually('another leader', () => (rest.some((name) => isLeader(network, name)) ? undefined : 'none'))
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      const contract = network.gateway('Org1').contract('counter')
      for (let i = 0; i < 5; i++) await contract.submit('put', `key${i}`)
      const height = Math.max(...rest.map((name) => network.peer(name).height(CHANNEL)))
      await Promise.all(rest.map((name) => network.peer(name).reach(CHANNEL, height)))
      return `${dead} replaced by ${rest.find((name) => isLeader(network, name))} after ${seconds} s`
    })
  } finally {
    await network.stop()
  }
}
