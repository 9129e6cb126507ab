import type { Random } from '@heddle/core/plugin'
import { percentile } from '@heddle/testkit/benchmark'
import type { GossipOptions } from '../src/options.ts'
import { fastRandom } from './fast-random.ts'
import { MESH } from './model-topic.ts'
import { SimMembers, SimOrderer } from './sim-ledger.ts'
import { SimWorld } from './sim-network.ts'
import { type Malice, SimPeer } from './sim-peer.ts'
import { VirtualTime } from './virtual-time.ts'

export interface ScenarioOptions {
  readonly peers: number
  /** Percent of messages that are lost. */
  readonly loss: number
  readonly seed: string
  /** Blocks while nothing but loss goes wrong, and while everything does. */
  readonly calmBlocks?: number
  readonly stormBlocks?: number
}

export interface ScenarioReport {
  readonly peers: number
  readonly loss: number
  readonly organizations: number
  readonly seed: string
  readonly blocks: number
  /** Share of the honest peers that have every block in the end. */
  readonly coverage: number
  /** Times that a block was handed on until the last peer had it: of the blocks of the calm part. */
  readonly rounds: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Virtual milliseconds until the last peer had a block: of the calm part. */
  readonly timeToAll: { readonly p50: number; readonly p99: number }
  /** Copies of a block that a peer got in vain, of the calm part: mean. */
  readonly duplicates: number
  /** By which way blocks came, of the calm part, in percent. */
  readonly came: { readonly gossip: number; readonly pull: number; readonly orderer: number }
  /** Peers that pulled from the orderer in the end, and blocks that it handed out for each that it made, in the calm part. */
  readonly orderer: { readonly readers: number; readonly perBlock: number }
  readonly malicious: number
  /** Malicious peers that are somebody's neighbour in the end: those that only keep silent or repeat themselves may be. */
  readonly malicesUnpunished: number
  readonly restarts: number
  readonly killedLeaders: number
  readonly partitions: number
  readonly virtualSeconds: number
  readonly events: number
  readonly seconds: number
  readonly violations: readonly string[]
}

const BLOCK_INTERVAL = 500
/** Virtual milliseconds in which everybody must have everything, once everything is well again. */
const RECOVERY = 120_000

/** A life of a network: calm, then a storm of churn, killed leaders, a partition and malice, then recovery. */
export async function scenario(options: ScenarioOptions): Promise<ScenarioReport> {
  return new Scenario(options).run()
}

class Scenario {
  private readonly options: ScenarioOptions
  private readonly started = performance.now()
  private readonly time = new VirtualTime()
  private readonly random: Random
  private readonly world: SimWorld
  private readonly orderer: SimOrderer
  private readonly members = new SimMembers()
  private readonly peers: SimPeer[] = []
  private readonly organizations: number
  private readonly violations: string[] = []
  /** Hops by block, by peer. */
  private readonly hops: Map<string, number>[] = []
  private readonly arrivedAt: number[][] = []
  private restarts = 0
  private killedLeaders = 0
  private partitions = 0

  constructor(options: ScenarioOptions) {
    this.options = options
    this.random = fastRandom(`gossip ${options.seed} ${options.peers} ${options.loss}`)
    this.organizations = Math.max(1, Math.min(10, Math.round(Math.sqrt(options.peers / 2))))
    const weather = { latency: { min: 2, max: 40 }, bandwidth: 12_500, loss: options.loss / 100 }
    this.world = new SimWorld(this.time, this.random.fork('world'), weather, MESH)
    this.orderer = new SimOrderer(this.time)
  }

  async run(): Promise<ScenarioReport> {
    // A thousand peers tell as much in fewer blocks.
    const many = this.options.peers > 500
    const { calmBlocks = many ? 12 : 30, stormBlocks = many ? 16 : 40 } = this.options
    this.place()
    for (const peer of this.peers) {
      const at = this.random.float() * 1_000
      this.time.after(at, () => void peer.start())
    }
    await this.pass(15_000)
    await this.until(`one leader an organisation`, () => this.orderer.readers === this.organizations, RECOVERY)
    await this.until('everybody has the genesis block', () => this.honest.every((peer) => peer.height >= 1), RECOVERY)

    const calmFrom = this.orderer.chain.length
    const before = { delivered: this.orderer.delivered, duplicates: this.duplicates(), came: this.came() }
    await this.produce(calmBlocks)
    await this.until('all have the blocks of the calm', () => this.allHave(this.orderer.chain.length), RECOVERY)
    const calm = this.measure(calmFrom, calmFrom + calmBlocks)
    const duplicates = (this.duplicates() - before.duplicates) / (calmBlocks * this.peers.length)
    const came = share(this.came(), before.came)
    const perBlock = (this.orderer.delivered - before.delivered) / calmBlocks

    await this.storm(stormBlocks)
    await this.until('all have all blocks after the storm', () => this.allHave(this.orderer.chain.length), RECOVERY)
    await this.until('one leader an organisation again', () => this.orderer.readers === this.organizations, RECOVERY)
    const wanted = this.orderer.chain.length
    const complete = this.honest.filter((peer) => peer.height === wanted).length
    this.compareChains()
    for (const peer of this.peers) if (peer.isHonest) this.violations.push(...peer.violations)
    return {
      peers: this.options.peers,
      loss: this.options.loss,
      organizations: this.organizations,
      seed: this.options.seed,
      blocks: wanted,
      coverage: complete / this.honest.length,
      ...calm,
      duplicates: round(duplicates),
      came,
      orderer: { readers: this.orderer.readers, perBlock: round(perBlock) },
      malicious: this.peers.filter((peer) => !peer.isHonest).length,
      malicesUnpunished: this.unpunished(),
      restarts: this.restarts,
      killedLeaders: this.killedLeaders,
      partitions: this.partitions,
      virtualSeconds: Math.round(this.time.now / 1000),
      events: this.time.events,
      seconds: round((performance.now() - this.started) / 1000),
      violations: this.violations,
    }
  }

  private get honest(): SimPeer[] {
    return this.peers.filter((peer) => peer.isHonest)
  }

  /** Malicious peers are there from the beginning; they begin when the calm is over. */
  private place(): void {
    const { peers } = this.options
    const options: GossipOptions = {
      // Fewer messages of state, so that a thousand peers can be simulated; nothing else differs from the defaults.
      antiEntropy: { interval: 2_000 },
      neighbours: { own: 10, others: 3 },
    }
    const evil = peers >= 5 ? Math.max(1, Math.floor(peers / 20)) : 0
    const kinds: Malice[] = ['forges', 'lies', 'silent', 'replays']
    const nameOf = (i: number): string => `peer${i}`
    for (let i = 0; i < peers; i++) {
      const mspId = `Org${i % this.organizations}`
      // The first two of each organisation are its bootstrap peers, and those of the one before.
      const own = [i % this.organizations, (i % this.organizations) + this.organizations]
      const other = (i + 1) % this.organizations
      const bootstrap = [...own, other].filter((j) => j !== i && j < peers).map((j) => `/sim/${nameOf(j)}`)
      const malice = i >= peers - evil ? kinds[i % kinds.length] : undefined
      this.peers.push(
        new SimPeer({
          world: this.world,
          orderer: this.orderer,
          members: this.members,
          random: this.random,
          node: nameOf(i),
          mspId,
          bootstrap,
          options: malice === undefined ? options : { ...options, leaders: ['nobody'] },
          malice: this.options.stormBlocks === 0 ? undefined : malice,
          onBlock: (peer, number, from) => this.took(peer, number, from),
        }),
      )
    }
  }

  private took(peer: SimPeer, number: number, from: string): void {
    const hops = this.hops[number] ?? new Map<string, number>()
    this.hops[number] = hops
    hops.set(peer.parts.node, (hops.get(from) ?? 0) + (from === this.orderer.name ? 0 : 1))
    const arrived = this.arrivedAt[number] ?? []
    this.arrivedAt[number] = arrived
    if (peer.isHonest) arrived.push(this.time.now - this.orderer.madeAt[number]!)
  }

  private measure(from: number, to: number): Pick<ScenarioReport, 'rounds' | 'timeToAll'> {
    const rounds: number[] = []
    const times: number[] = []
    for (let number = from; number < to; number++) {
      const byPeer = this.hops[number]!
      rounds.push(Math.max(...this.honest.map((peer) => byPeer.get(peer.parts.node) ?? Number.POSITIVE_INFINITY)))
      times.push(Math.max(...this.arrivedAt[number]!))
    }
    return {
      rounds: { p50: percentile(rounds, 0.5), p99: percentile(rounds, 0.99), max: Math.max(...rounds) },
      timeToAll: { p50: round(percentile(times, 0.5)), p99: round(percentile(times, 0.99)) },
    }
  }

  private async produce(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      this.orderer.order(this.random.bytes(200))
      await this.pass(BLOCK_INTERVAL)
    }
  }

  /** Churn, killed leaders, a partition, while blocks go on and malicious peers do what they do. */
  private async storm(blocks: number): Promise<void> {
    if (blocks === 0) return
    const { peers } = this.options
    const half = (node: string): number => Number(node.slice(4)) % 2
    for (let i = 0; i < blocks; i++) {
      if (i % 10 === 3)
        for (const leader of this.honest.filter((peer) => peer.isUp && peer.isLeader)) {
          this.killedLeaders++
          this.fail(leader, true)
        }
      for (const peer of this.some(Math.max(1, Math.floor(peers / 50)))) this.fail(peer, this.random.float() < 0.5)
      if (i === Math.floor(blocks / 3)) {
        this.partitions++
        this.world.cut(half)
      }
      if (i === Math.floor(blocks / 3) * 2) this.world.cut(undefined)
      if (i === Math.floor(blocks / 2)) this.revokeOne()
      await this.produce(1)
    }
    this.world.cut(undefined)
    await this.until('all peers are back', () => this.peers.every((peer) => peer.isUp), RECOVERY)
  }

  /** A peer ends, killed or stopped, and is back some seconds later. */
  private fail(peer: SimPeer, killed: boolean): void {
    if (!peer.isUp) return
    this.restarts++
    if (killed) peer.crash()
    else void peer.stop()
    this.time.after(1_000 + this.random.float() * 5_000, () => void peer.start())
  }

  private revokeOne(): void {
    const chosen = this.peers.find((peer) => !peer.isHonest)
    if (chosen !== undefined) this.members.revoke(chosen.parts.mspId, chosen.parts.node)
  }

  private some(count: number): SimPeer[] {
    return Array.from({ length: count }, () => this.honest[Math.floor(this.random.float() * this.honest.length)]!)
  }

  private allHave(height: number): boolean {
    return this.honest.every((peer) => peer.isUp && peer.height >= height)
  }

  private compareChains(): void {
    const { chain } = this.orderer
    for (const peer of this.honest)
      for (const [number, block] of peer.chain.entries())
        if (Buffer.compare(block.hash(), chain[number]!.hash()) !== 0)
          this.violations.push(`${peer.parts.node} has another block ${number} than was ordered`)
  }

  /** Forgers and liars that honest peers still talk to, and the revoked. */
  private unpunished(): number {
    let count = 0
    for (const peer of this.peers) {
      const { malice, node, mspId } = peer.parts
      const isRevoked = this.members.revoked.has(`${mspId}/${node}`)
      if (malice !== 'forges' && malice !== 'lies' && !isRevoked) continue
      const neighbours = (peer.status().neighbours as { node: string }[] | undefined) ?? []
      if (isRevoked && neighbours.some((each) => this.honest.some((other) => other.parts.node === each.node)))
        this.violations.push(`${node} was revoked and still has neighbours`)
      if (neighbours.length > 0) count++
    }
    return count
  }

  private duplicates(): number {
    return this.peers.reduce((sum, peer) => sum + Number(peer.status().duplicates ?? 0), 0)
  }

  private came(): { gossip: number; pull: number; orderer: number } {
    const sum = { gossip: 0, pull: 0, orderer: 0 }
    for (const peer of this.peers) {
      const blocks = peer.status().blocks as typeof sum | undefined
      for (const way of ['gossip', 'pull', 'orderer'] as const) sum[way] += blocks?.[way] ?? 0
    }
    return sum
  }

  private async pass(milliseconds: number): Promise<void> {
    await this.time.run(() => false, this.time.now + milliseconds)
  }

  private async until(what: string, holds: () => boolean, milliseconds: number): Promise<void> {
    const end = this.time.now + milliseconds
    // Looked at now and then: with a thousand peers the question costs more than an event.
    while (!holds() && this.time.now < end) await this.pass(100)
    if (holds()) return
    const leaders = this.peers.filter((peer) => peer.isLeader).map(({ parts }) => `${parts.node} of ${parts.mspId}`)
    const state = `${this.orderer.readers} readers; leaders: ${leaders.join(', ')}; height ${this.orderer.chain.length}, least ${Math.min(...this.honest.map(({ height }) => height))}`
    this.violations.push(`${what}: not within ${milliseconds / 1000} virtual seconds: ${state}`)
  }
}

type Ways = { gossip: number; pull: number; orderer: number }

function share(after: Ways, before: Ways): Ways {
  const made = {
    gossip: after.gossip - before.gossip,
    pull: after.pull - before.pull,
    orderer: after.orderer - before.orderer,
  }
  const all = Math.max(1, made.gossip + made.pull + made.orderer)
  return {
    gossip: round((100 * made.gossip) / all),
    pull: round((100 * made.pull) / all),
    orderer: round((100 * made.orderer) / all),
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
