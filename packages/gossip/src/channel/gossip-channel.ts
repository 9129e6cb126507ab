import type { Block } from '@heddle/core/model'
import type { Logger, PeerChannelHost, Random } from '@heddle/core/plugin'
import { CatchUp } from '../anti-entropy/catch-up.ts'
import type { Pull } from '../anti-entropy/pull-plan.ts'
import { BlockParts, PULL_PROTOCOL, type PulledBlocks, pullFrom } from '../anti-entropy/pull-protocol.ts'
import { Leadership } from '../election/leadership.ts'
import { GossipError } from '../errors.ts'
import type { GossipNode } from '../gossip-node.ts'
import { deadline } from '../limits/deadline.ts'
import type { Session } from '../links/session.ts'
import type { Topic } from '../network.ts'
import type { Resolved } from '../options.ts'
import { Chain } from '../relay/chain.ts'
import { OrdererFeed } from '../relay/orderer-feed.ts'
import { blockMessage, claimMessage, Relay } from '../relay/relay.ts'
import type { Signed } from '../wire/messages.ts'
import { ChannelMetrics } from './channel-metrics.ts'
import { keepFork, keptFork } from './fork-evidence.ts'

/** Large blocks of late that neighbours may ask for before they are committed here. */
const LARGE_BLOCKS = 2
/** Milliseconds without a new block, while neighbours have some, after which nobody is waited for. */
const STALL = 5_000

export interface GossipChannelParts {
  readonly host: PeerChannelHost
  readonly node: GossipNode
  readonly options: Resolved
  /** Whether other peers of the organisation may be somewhere. */
  readonly mayFindOwn: () => boolean
}

/** One channel at one peer: its topic, its election, and the ways on which blocks come. */
export class GossipChannel {
  readonly host: PeerChannelHost
  readonly name: string
  private readonly parts: GossipChannelParts
  private readonly logger: Logger
  private readonly random: Random
  private readonly metrics: ChannelMetrics
  private readonly chain: Chain
  private readonly relay: Relay
  private readonly catchUp: CatchUp
  private readonly feed: OrdererFeed
  private readonly leadership: Leadership
  private topic: Topic | undefined
  private readonly following = new AbortController()
  private follower: Promise<void> | undefined
  private readonly large = new Map<number, Block>()
  private readonly came = { gossip: 0, pull: 0, orderer: 0 }
  private sample = { number: 0, hops: 0 }
  /** Who brought the blocks of late. */
  private readonly bringers = new Map<number, string>()
  private movedAt: number
  private readonly muteTicks = new Map<string, number>()
  private ended: Promise<void> | undefined
  private fork: { readonly block: number; readonly held: string; readonly other: string } | undefined

  constructor(parts: GossipChannelParts) {
    const { host, options, node } = parts
    const { environment } = host
    const { clock } = environment
    this.parts = parts
    this.host = host
    this.name = host.channel
    this.logger = environment.logger.child({ subsystem: 'gossip', channel: host.channel })
    this.random = environment.random.fork(`gossip ${host.node} ${host.channel}`)
    this.metrics = new ChannelMetrics(environment.metrics, host.node, host.channel)
    this.movedAt = clock.monotonic()
    const liar = (peer: string, why: string): void => {
      this.metrics.misbehaved.add()
      node.punish(peer, why)
    }
    this.chain = new Chain({
      host,
      limits: options.chain,
      logger: this.logger,
      onAccepted: (block) => this.accepted(block),
      onFork: (held, other, from) => this.forked(held, other, from),
      // A leader that takes no blocks must not lead.
      onEnded: () => queueMicrotask(() => void this.stop()),
    })
    this.relay = new Relay({
      chain: this.chain,
      clock,
      limits: options.relay,
      claim: (_from, claim) => this.leadership.judge(claim),
      fetch: (from, number, size) => this.fetchLarge(from, number, size),
      seen: (from, number) => this.catchUp.heard(from, number + 1),
      liar,
      useless: (from) => node.sessions.get(from)?.wasUseless() !== false,
      arrived: (block, from, { origin, sentAt }) => this.arrived(block, from, origin, Number(sentAt)),
      isBanned: (peer) => node.isBanned(peer),
    })
    this.catchUp = new CatchUp({
      chain: this.chain,
      limits: options.antiEntropy.pulls,
      clock,
      random: this.random.fork('pulls'),
      logger: this.logger,
      grace: clock.manual === true ? 0 : options.antiEntropy.grace,
      far: options.antiEntropy.far,
      largest: options.relay.largest,
      fetch: (pull, signal) => this.pull(pull, signal),
      onPulled: () => {
        this.came.pull++
        this.metrics.came('pull')
      },
      liar,
    })
    this.feed = new OrdererFeed({
      chain: this.chain,
      orderers: () => host.orderers(),
      clock,
      random: this.random.fork('orderers'),
      logger: this.logger,
      backOff: options.feed,
      caughtUp: (signal) => this.caughtUp(signal),
      onBlock: (block) => this.fromOrderer(block),
    })
    this.leadership = new Leadership({
      host,
      times: options.election,
      leaders: options.leaders,
      passesOn: options.scope === 'channel',
      random: this.random.fork('election'),
      logger: this.logger,
      send: (claim) => this.publish(claimMessage(claim)),
      onChange: (leads) => {
        this.metrics.leader.set(leads ? 1 : 0)
        if (leads) this.feed.start()
        else void this.feed.stop()
      },
    })
  }

  async start(): Promise<void> {
    const { host, options } = this.parts
    const kept = await keptFork(host.environment.disk, this.name)
    if (kept !== undefined) {
      this.report(kept.held, kept.other)
      this.ended = Promise.resolve()
      host.forked(kept.held, kept.other)
      return
    }
    const topic = options.scope === 'channel' ? this.name : `${this.name}/${host.mspId}`
    this.topic = await this.parts.node.network.topic(`heddle/1/${topic}`, {
      judge: (from, data) => this.relay.judge(from, data),
      expects: (peer) => this.parts.node.sessions.get(peer)?.proven?.channels.has(this.name) === true,
    })
    for (const session of this.parts.node.neighboursIn(this.name)) this.admit(session)
    this.follower = this.followCommits()
    const { clock } = host.environment
    // On a clock that stands still nobody can be waited for: two leaders do no harm, and the first claim settles it.
    const alone = clock.manual === true || !this.parts.mayFindOwn()
    this.leadership.start(alone)
  }

  /** Ends at once what brings blocks; resolves when nothing of it is left. */
  stop(): Promise<void> {
    this.ended ??= this.end()
    return this.ended
  }

  block(number: number): Promise<Block | undefined> {
    const large = this.large.get(number)
    return large === undefined ? this.host.block(number) : Promise.resolve(large)
  }

  /** What neighbours are told. */
  state(): { channel: string; height: number; sample: number; hops: number } {
    return { channel: this.name, height: this.host.committed, sample: this.sample.number, hops: this.sample.hops }
  }

  neighbourSaid(
    session: Session,
    height: number,
    sample: { readonly number: number; readonly hops: number },
    isNew: boolean,
  ): void {
    if (isNew) this.admit(session)
    if (sample.number > this.sample.number && this.bringers.get(sample.number) === session.peer)
      this.hopped(sample.number, sample.hops + 1)
    this.catchUp.heard(session.peer, height)
  }

  neighbourLeft(session: Session): void {
    this.topic?.expel(session.peer)
    this.catchUp.gone(session.peer)
    this.muteTicks.delete(session.peer)
  }

  get isLooking(): boolean {
    return this.topic !== undefined && this.ended === undefined && !this.leadership.isKnown
  }

  tellLeader(session: Session): void {
    const isConcerned = session.proven?.channels.has(this.name) && session.proven.mspId === this.host.mspId
    const { claim } = this.leadership
    if (isConcerned && claim !== undefined) session.send({ claim })
  }

  /** A neighbour says who leads. */
  async claimed(from: string, claim: Signed): Promise<void> {
    if ((await this.leadership.judge(claim)) === 'reject') this.parts.node.punish(from, 'a false claim to lead')
  }

  /** All of the organisation who can be reached are neighbours, or know somebody who is. */
  explored(): void {
    if (this.isLooking) this.leadership.explored()
  }

  /** About once a second. */
  tick(now: number): void {
    const { topic, leadership, feed } = this
    if (topic === undefined || this.ended !== undefined) return
    this.metrics.mesh.set(topic.mesh().length)
    this.metrics.neighbours.set(this.neighbours.length)
    this.metrics.lag.set(this.catchUp.lag)
    this.metrics.duplicated(topic.duplicates())
    const mute = new Set(topic.mute())
    for (const peer of [...this.muteTicks.keys()]) if (!mute.has(peer)) this.muteTicks.delete(peer)
    for (const peer of mute) {
      const ticks = (this.muteTicks.get(peer) ?? 0) + 1
      this.muteTicks.set(peer, ticks)
      // gossipsub does not open a stream again that broke: the connection has to begin anew.
      if (ticks > 2) this.parts.node.drop(peer, 'it takes no messages')
    }
    if (this.catchUp.stalled > 2 * STALL) leadership.distrust()
    const { failingSince } = feed
    if (leadership.leads && failingSince !== undefined && now - failingSince > this.parts.options.election.leaderTimeout) {
      if (this.neighbours.some(({ proven }) => proven?.mspId === this.host.mspId)) leadership.giveUp()
    }
    this.catchUp.pump()
  }

  status(): Readonly<Record<string, unknown>> {
    const { chain, feed, leadership } = this
    return {
      leader: leadership.leader,
      isLeader: leadership.leads,
      source: feed.source,
      neighbours: this.neighbours.map(({ peer, proven, joined }) => ({
        peer,
        node: proven?.binding.node ?? '',
        mspId: proven?.mspId ?? '',
        height: joined.get(this.name) ?? 0,
      })),
      mesh: this.topic?.mesh().length ?? 0,
      duplicates: this.topic?.duplicates() ?? 0,
      blocks: { ...this.came },
      hops: this.sample.hops,
      next: chain.next,
      waiting: chain.waiting,
      early: this.relay.waiting,
      lag: this.catchUp.lag,
      failures: feed.failures,
      refused: { ...feed.refused },
      ...(this.fork === undefined ? {} : { fork: this.fork }),
      node: this.parts.node.status(),
    }
  }

  private get neighbours(): Session[] {
    return this.parts.node.neighboursIn(this.name)
  }

  private admit(session: Session): void {
    if (this.parts.options.scope === 'channel' || session.proven?.mspId === this.host.mspId) this.topic?.admit(session.link)
  }

  private accepted(block: Block): void {
    this.movedAt = this.host.environment.clock.monotonic()
    if (block.data.length > 0 && sizeIsLarge(block, this.parts.options.relay.whole)) {
      this.large.set(block.number, block)
      if (this.large.size > LARGE_BLOCKS) this.large.delete(this.large.keys().next().value!)
    }
    // After the caller has gone on: those who wait may bring the next block.
    queueMicrotask(() => {
      this.relay.advanced()
      this.catchUp.pump()
    })
  }

  private arrived(block: Block, from: string, origin: string, sentAt: number): void {
    this.came.gossip++
    this.metrics.came('gossip')
    this.metrics.arrival.observe(Math.max(0, this.host.environment.clock.now() - sentAt) / 1000)
    this.bringers.set(block.number, from)
    if (this.bringers.size > 64) this.bringers.delete(this.bringers.keys().next().value!)
    if (origin === from) this.hopped(block.number, 1)
  }

  private hopped(number: number, hops: number): void {
    this.sample = { number, hops }
    this.metrics.hops.observe(hops)
  }

  private fromOrderer(block: Block): void {
    this.came.orderer++
    this.metrics.came('orderer')
    this.sample = { number: block.number, hops: 0 }
    const { environment } = this.host
    void this.publish(
      blockMessage(block, this.parts.options.relay.whole, this.parts.node.network.self, Math.floor(environment.clock.now())),
    )
  }

  private async publish(message: Uint8Array): Promise<void> {
    const { topic } = this
    if (topic === undefined) return
    try {
      const mesh = topic.mesh()
      const reached = new Set(await topic.publish(message))
      for (const peer of mesh) if (!reached.has(peer)) this.parts.node.drop(peer, 'it takes no messages')
    } catch (error) {
      this.logger.warn({ err: error }, 'a message was not sent')
    }
  }

  private async pull(pull: Pull, signal: AbortSignal): Promise<PulledBlocks> {
    const { antiEntropy } = this.parts.options
    const session = this.parts.node.sessions.get(pull.source)
    if (session === undefined) throw new GossipError('GOSSIP_REFUSED', 'the peer is gone')
    const { signal: ended, done } = deadline(this.host.environment.clock, antiEntropy.pullTimeout, signal)
    try {
      const stream = await session.link.open(PULL_PROTOCOL, ended)
      ended.addEventListener('abort', () => stream.abort(), { once: true })
      return await pullFrom(stream, this.name, pull, antiEntropy.pulls.bytes)
    } finally {
      done()
    }
  }

  /** The parts of a block that was announced, from who announced it. */
  private async fetchLarge(from: string, number: number, size: number): Promise<Block> {
    const parts = new BlockParts(size)
    for (;;) {
      const answer = await this.pull(
        { id: 0, source: from, from: number, count: 1, offset: parts.received },
        this.following.signal,
      )
      const block = answer.kind === 'part' ? parts.add(answer.bytes, answer.total) : answer.blocks[0]
      if (block !== undefined) return block
      if (answer.kind === 'blocks') throw new GossipError('GOSSIP_REFUSED', 'the peer does not have what it announced')
    }
  }

  /** Neighbours first: what they have, the orderer need not give. */
  private async caughtUp(signal: AbortSignal): Promise<void> {
    const { clock } = this.host.environment
    while (!signal.aborted && this.catchUp.lag > 0 && clock.monotonic() - this.movedAt < STALL) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          timer.cancel()
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = clock.setTimer(STALL / 2, done)
        signal.addEventListener('abort', done, { once: true })
        void this.chain.advance().then(done)
      })
    }
  }

  private async followCommits(): Promise<void> {
    const { host } = this
    try {
      for await (const block of host.blocks(host.committed, this.following.signal)) {
        this.large.delete(block.number - LARGE_BLOCKS)
        this.parts.node.news()
      }
    } catch {
      // The channel halted; it says why itself.
    }
  }

  private async forked(held: Block, other: Block, from: string): Promise<void> {
    this.report(held, other)
    this.logger.fatal({ from, ...this.fork }, 'the orderers signed two blocks of one height: the channel stops, both are kept')
    try {
      await keepFork(this.host.environment.disk, this.name, { held, other })
    } finally {
      this.host.forked(held, other)
      // Not awaited: what ends includes who called.
      queueMicrotask(() => void this.stop())
    }
  }

  private report(held: Block, other: Block): void {
    const hex = (block: Block): string => Buffer.from(block.hash()).toString('hex')
    this.fork = { block: other.number, held: hex(held), other: hex(other) }
  }

  private async end(): Promise<void> {
    // Blocks may come while others are told; nothing is done with them.
    this.following.abort()
    await this.leadership.stop()
    this.relay.stop()
    const ends = [this.feed.stop(), this.catchUp.stop(), this.chain.stop(), this.follower]
    await this.topic?.stop()
    await Promise.all(ends)
    this.large.clear()
  }
}

function sizeIsLarge(block: Block, whole: number): boolean {
  let bytes = 0
  for (const entry of block.data) bytes += entry.length
  // Encoding decides; what is near the limit is kept in any case.
  return bytes > whole * 0.9
}
