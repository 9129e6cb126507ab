import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadConfigFile, MemoryMetrics, type Network, type Peer, startNetwork } from '@heddle/core'
import { type Checks, eventually } from './checks.ts'

const CHANNEL = 'trade'
const ORGANIZATIONS = ['North', 'South', 'West']

/** What a peer tells of its gossip. */
interface GossipStatus {
  readonly isLeader?: boolean
  readonly neighbours?: readonly { readonly node: string; readonly mspId: string }[]
  readonly mesh?: number
  readonly blocks?: { readonly gossip: number; readonly pull: number; readonly orderer: number }
}

const gossipOf = (peer: Peer): GossipStatus =>
  (peer.status().channels.find(({ channel }) => channel === CHANNEL)?.dissemination ?? {}) as GossipStatus

/** A network under load, and what its orderer counted. */
class TenPeers {
  readonly network: Network
  private readonly metrics: MemoryMetrics
  private sent = 0
  private loading = false
  private load: Promise<void> = Promise.resolve()
  failures: string[] = []

  constructor(network: Network, metrics: MemoryMetrics) {
    this.network = network
    this.metrics = metrics
  }

  /** Peers that take blocks from the orderer now. */
  get readers(): number {
    return this.counted('heddle_order_deliver_opened_total') - this.counted('heddle_order_deliver_closed_total')
  }

  /** Blocks that the orderer handed out. */
  get delivered(): number {
    return this.counted('heddle_order_deliver_blocks_total')
  }

  get running(): Peer[] {
    return this.network.peers.filter((peer) => peer.running)
  }

  get leaders(): Peer[] {
    return this.running.filter((peer) => gossipOf(peer).isLeader === true)
  }

  get height(): number {
    return Math.max(...this.running.map((peer) => peer.height(CHANNEL)))
  }

  async submit(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const number = this.sent++
      // Whoever runs endorses: peers come and go here.
      const through = this.running[number % this.running.length]!.name.split('.')[1]!
      const organization = ORGANIZATIONS.find((each) => each.toLowerCase() === through)!
      try {
        await this.network
          .gateway(organization, { channel: CHANNEL })
          .contract('counter')
          .submit('put', `key${number}`, `${number}`)
      } catch (error) {
        this.failures.push((error as Error).message)
      }
    }
  }

  startLoad(): void {
    this.loading = true
    this.load = (async () => {
      while (this.loading) await this.submit(1)
    })()
  }

  async stopLoad(): Promise<void> {
    this.loading = false
    await this.load
  }

  /** All peers that run have the same blocks, and computed the same. */
  async agreed(): Promise<number> {
    const { height } = this
    await eventually('the same height', () => {
      const behind = this.running.filter((peer) => peer.height(CHANNEL) < height)
      return behind.length === 0
        ? undefined
        : behind
            .map((peer) => `${peer.name} has ${peer.height(CHANNEL)} of ${height}: ${JSON.stringify(gossipOf(peer))}`)
            .join('\n')
    })
    const top = Math.max(...this.running.map((peer) => peer.height(CHANNEL)))
    await Promise.all(this.running.map((peer) => peer.reach(CHANNEL, top)))
    const hashes = new Map(this.running.map((peer) => [peer.name, peer.commitHash(CHANNEL)]))
    if (new Set(hashes.values()).size !== 1) throw new Error(`commit hashes differ: ${JSON.stringify([...hashes])}`)
    const blocks = new Set<string>()
    for (const peer of this.running) blocks.add(Buffer.from((await peer.block(CHANNEL, top - 1))!.hash()).toString('hex'))
    if (blocks.size !== 1) throw new Error('the last blocks differ')
    return top
  }

  /** One leader in each organisation that runs, and nobody else at the orderer. */
  async settled(): Promise<void> {
    await eventually('one leader an organisation', () => {
      const of = this.leaders.map((peer) => peer.name.split('.')[1]!)
      const wanted = new Set(this.running.map((peer) => peer.name.split('.')[1]!))
      const isSettled = of.length === wanted.size && new Set(of).size === wanted.size && this.readers === wanted.size
      return isSettled
        ? undefined
        : `leaders ${this.leaders.map(({ name }) => name).join(', ')}; ${this.readers} readers at the orderer`
    })
  }

  private counted(name: string): number {
    return this.metrics.value(name, { channel: CHANNEL }) ?? 0
  }
}

/** Ten peers in three organisations on a config with gossip: leaders killed, peers restarted, one added. */
export async function tenPeers(checks: Checks): Promise<void> {
  const metrics = new MemoryMetrics()
  const file = fileURLToPath(new URL('network.yaml', import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), 'heddle-gossip-'))
  const network = await startNetwork({ ...(await loadConfigFile(file)), folder }, { metrics })
  const ten = new TenPeers(network, metrics)
  try {
    await checks.check('ten peers in three organisations are connected, each with a mesh in its own', async () => {
      await eventually('neighbours', () => {
        const lonely = ten.running.filter((peer) => {
          const own = ten.running.filter((other) => other.name.split('.')[1] === peer.name.split('.')[1]).length - 1
          return (gossipOf(peer).mesh ?? 0) < own
        })
        return lonely.length === 0
          ? undefined
          : lonely.map((peer) => `${peer.name}: ${JSON.stringify(gossipOf(peer))}`).join('\n')
      })
      return `${ten.running.length} peers`
    })
    await checks.check('each organisation has one leader, and the orderer serves nobody else', async () => {
      await ten.settled()
      return ten.leaders.map(({ name }) => name).join(', ')
    })
    await checks.check('transactions reach all peers: same height, same commit hash', async () => {
      await ten.submit(30)
      return `height ${await ten.agreed()}`
    })
    await checks.check('the orderer hands out each block three times for ten peers', async () => {
      const [before, from] = [ten.delivered, ten.height]
      await ten.submit(20)
      const blocks = (await ten.agreed()) - from
      const given = ten.delivered - before
      if (given !== 3 * blocks) throw new Error(`${given} deliveries of ${blocks} blocks`)
      return `${given} deliveries of ${blocks} blocks`
    })
    let stopped: Peer[] = []
    await checks.check('all three leaders stop under load: others take their place, nothing is lost', async () => {
      ten.startLoad()
      stopped = ten.leaders
      await Promise.all(stopped.map((peer) => peer.stop()))
      await ten.settled()
      await ten.stopLoad()
      await ten.submit(10)
      return `${stopped.map(({ name }) => name).join(', ')} stopped; ${ten.leaders.map(({ name }) => name).join(', ')} lead; height ${await ten.agreed()}`
    })
    await checks.check('peers that come back get what they missed from their neighbours, not from the orderer', async () => {
      const [before, from] = [ten.delivered, ten.height]
      await Promise.all(stopped.map((peer) => peer.start()))
      await ten.agreed()
      const given = ten.delivered - before
      if (given > 3 * (ten.height - from)) throw new Error(`${given} deliveries while ${ten.height - from} blocks were made`)
      const pulled = stopped.map((peer) => gossipOf(peer).blocks?.pull ?? 0)
      if (pulled.some((count) => count === 0)) throw new Error(`blocks pulled: ${pulled.join(', ')}`)
      return `${pulled.join(' + ')} blocks from neighbours`
    })
    await checks.check('some peers restart under load: all reach the same height and commit hash', async () => {
      ten.startLoad()
      const chosen = ['peer3.north', 'peer2.south', 'peer0.west', 'peer1.north'].map((name) => network.peer(name))
      for (const peer of chosen) {
        await peer.stop()
        await peer.start()
      }
      await ten.stopLoad()
      await ten.settled()
      return `height ${await ten.agreed()}`
    })
    await checks.check('a peer that is new gets the whole chain from its neighbours', async () => {
      const before = ten.delivered
      const from = ten.height
      await network.organization('South').addPeer('peer9.south')
      await ten.agreed()
      const added = network.peer('peer9.south')
      const given = ten.delivered - before
      if (given > 3 * (ten.height - from)) throw new Error(`the orderer gave ${given} blocks`)
      return `${gossipOf(added).blocks?.pull} of ${added.height(CHANNEL)} blocks pulled`
    })
    await checks.check('eleven peers, three readers at the orderer', async () => {
      await ten.settled()
      await ten.submit(10)
      return `height ${await ten.agreed()}`
    })
    await checks.check('no transaction of the load failed but for peers that were stopping', async () => {
      const strange = ten.failures.filter((message) => !/stop|not running|not reach|unavailable|no .*peer|endors/i.test(message))
      if (strange.length > 0) throw new Error(strange.slice(0, 5).join('\n'))
      return `${ten.failures.length} refused`
    })
  } finally {
    await network.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
