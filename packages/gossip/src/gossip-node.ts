import type { Environment, Logger, PeerChannelHost, Random, Signer, Timer } from '@heddle/core/plugin'
import { PULL_PROTOCOL, PullServer } from './anti-entropy/pull-protocol.ts'
import { makeBinding, membershipOf, proveBinding, readBinding } from './binding/binding.ts'
import { nodeKeySeed } from './binding/node-key.ts'
import { GossipChannel } from './channel/gossip-channel.ts'
import { GossipError } from './errors.ts'
import { Bans } from './limits/bans.ts'
import { LINK_PROTOCOL, Session } from './links/session.ts'
import { DialPlan } from './neighbours/dial-plan.ts'
import { Dialer } from './neighbours/dialer.ts'
import type { FrameStream, GossipNetwork, Link } from './network.ts'
import type { Resolved } from './options.ts'
import type { LinkMessage, Signed } from './wire/messages.ts'

/** Bindings that one neighbour is told of at a time. */
const PEERS_TOLD = 8
/** Milliseconds over which news of this peer's height is gathered. */
const NEWS_DELAY = 50

export interface GossipNodeParts {
  readonly node: string
  readonly environment: Environment
  readonly options: Resolved
  /** Starts a network under the key that it is given the seed of. */
  readonly network: (seed: Uint8Array) => Promise<GossipNetwork>
}

/** One peer among others: its connections, who is at their other ends, and its channels. */
export class GossipNode {
  readonly parts: GossipNodeParts
  readonly channels = new Map<string, GossipChannel>()
  readonly network: GossipNetwork
  /** Proven neighbours. */
  readonly sessions = new Map<string, Session>()
  private readonly unproven = new Set<Session>()
  private readonly byLink = new Map<string, Session>()
  private readonly signer: Signer
  private readonly logger: Logger
  private readonly random: Random
  private readonly bans = new Bans()
  private readonly plan: DialPlan
  private readonly dialer: Dialer
  private readonly server: PullServer
  private readonly undo: (() => void)[] = []
  /** By channel: ends the notice of new configurations. */
  private readonly unlisten = new Map<string, () => void>()
  private hello: Signed = { statement: new Uint8Array(0), signature: new Uint8Array(0) }
  private helloUntil = 0
  private tickTimer: Timer | undefined
  private newsTimer: Timer | undefined
  private refreshedAt = 0
  private running = true
  /** Connections that ended because of what the other side did, by reason. */
  readonly refused: Record<string, number> = {}
  bytesServed = 0

  private constructor(parts: GossipNodeParts, network: GossipNetwork, host: PeerChannelHost) {
    const { environment, options, node } = parts
    this.parts = parts
    this.network = network
    this.signer = host.signer
    this.logger = environment.logger.child({ subsystem: 'gossip' })
    this.random = environment.random.fork(`gossip ${node}`)
    this.plan = new DialPlan(host.mspId, options.neighbours, this.random.fork('dials'))
    this.dialer = new Dialer({
      node,
      plan: this.plan,
      network,
      directory: host.directory,
      clock: environment.clock,
      logger: this.logger,
      sessions: this.sessions,
      sessionOf: (link) => this.sessionOf(link),
      isWanted: () => this.channels.size > 0,
      explored: () => {
        const isTold = [...this.sessions.values()].every(({ proven, hasTold }) => hasTold || proven?.mspId !== host.mspId)
        if (isTold) for (const channel of this.channels.values()) channel.explored()
      },
    })
    this.server = new PullServer({
      mayRead: (peer, channel) => this.sessions.get(peer)?.proven?.channels.has(channel) === true,
      block: async (channel, number) => this.channels.get(channel)?.block(number),
      maxBytes: options.antiEntropy.pulls.bytes,
      most: options.antiEntropy.serve,
      sent: (bytes) => {
        this.bytesServed += bytes
      },
    })
  }

  static async start(parts: GossipNodeParts, host: PeerChannelHost): Promise<GossipNode> {
    const network = await parts.network(await nodeKeySeed(parts.environment))
    const node = new GossipNode(parts, network, host)
    network.onLink((link) => node.sessionOf(link))
    await network.serve(LINK_PROTOCOL, 2, (link, stream) => node.greeted(link, stream))
    await network.serve(PULL_PROTOCOL, 8, (link, stream) => node.answer(link, stream))
    await node.renewBinding()
    for (const address of parts.options.bootstrap) node.plan.add(address, 'bootstrap')
    node.dialer.readDirectory()
    node.undo.push(host.directory.onChange(() => node.directoryChanged()))
    const entry = { node: parts.node, mspId: host.mspId, addresses: network.addresses() }
    host.directory.publish(entry)
    node.undo.push(() => host.directory.withdraw(parts.node))
    node.tick()
    return node
  }

  async join(host: PeerChannelHost): Promise<void> {
    const { parts } = this
    this.dialer.readAnchors(host.anchorPeers())
    const channel = new GossipChannel({
      host,
      node: this,
      options: parts.options,
      mayFindOwn: () => this.plan.mayFindOwn || [...this.sessions.values()].some(({ proven }) => proven?.mspId === host.mspId),
    })
    this.channels.set(host.channel, channel)
    this.unlisten.set(
      host.channel,
      host.onConfig(() => this.configChanged(host)),
    )
    await channel.start()
    this.membershipsChanged()
    this.dialer.dial()
  }

  async leave(channel: string): Promise<void> {
    const left = this.channels.get(channel)
    this.channels.delete(channel)
    this.unlisten.get(channel)?.()
    await left?.stop()
    if (this.running) this.membershipsChanged()
  }

  async stop(): Promise<void> {
    this.running = false
    this.dialer.stop()
    for (const undo of this.undo.splice(0)) undo()
    this.tickTimer?.cancel()
    this.newsTimer?.cancel()
    await Promise.all([...this.channels.keys()].map((channel) => this.leave(channel)))
    for (const session of [...this.byLink.values()]) session.close(undefined)
    await this.network.stop()
  }

  /** The neighbours that are in a channel. */
  neighboursIn(channel: string): Session[] {
    return [...this.sessions.values()].filter(({ proven, joined }) => proven?.channels.has(channel) && joined.has(channel))
  }

  /** This peer's height changed: neighbours hear of it soon. */
  news(): void {
    if (this.newsTimer !== undefined || !this.running) return
    const { clock } = this.parts.environment
    // On a clock that stands still nothing may wait for it.
    const delay = clock.manual === true ? 0 : NEWS_DELAY
    const send = (): void => {
      this.newsTimer = undefined
      for (const session of this.sessions.values()) this.tellState(session)
    }
    if (delay > 0) this.newsTimer = clock.setTimer(delay, send)
    else {
      this.newsTimer = { cancel: () => {} }
      queueMicrotask(send)
    }
  }

  /** A neighbour did what no honest peer does: it is disconnected, and not talked to for a while under any key. */
  punish(peer: string, why: string): void {
    const session = this.sessions.get(peer)
    const { clock } = this.parts.environment
    const until = clock.monotonic() + this.parts.options.ban
    this.bans.add(peer, until)
    if (session?.proven !== undefined) this.bans.add(session.proven.id, until)
    this.count('misbehaved')
    this.logger.warn({ peer, node: session?.proven?.binding.node, mspId: session?.proven?.mspId, why }, 'a peer misbehaved')
    session?.close(new GossipError('GOSSIP_BAD_MESSAGE', why))
  }

  isBanned(peer: string): boolean {
    return this.bans.has(peer, this.parts.environment.clock.monotonic())
  }

  /** Ends a connection that does not work; it is dialled again. */
  drop(peer: string, why: string): void {
    const session = this.sessions.get(peer)
    if (session === undefined) return
    this.logger.info({ peer, node: session.proven?.binding.node, why }, 'dropped a connection')
    this.count('dropped')
    session.close(undefined)
  }

  status(): Readonly<Record<string, unknown>> {
    return {
      peer: this.network.self,
      addresses: [...this.network.addresses()],
      connections: this.byLink.size,
      unproven: this.unproven.size,
      knownAddresses: this.plan.size,
      bytesServed: this.bytesServed,
      refused: { ...this.refused },
    }
  }

  private sessionOf(link: Link): Session | undefined {
    const known = this.byLink.get(link.id)
    if (known !== undefined) return known
    const { environment, options } = this.parts
    if (!this.running || !link.isOpen || this.isBanned(link.peer)) {
      link.close()
      return undefined
    }
    const session = new Session({
      link,
      clock: environment.clock,
      limits: options.link,
      timeout: options.connections.handshakeTimeout,
      hello: () => this.hello,
      prove: async (hello, peer) => {
        const proven = await proveBinding(readBinding(hello), peer, this.checks())
        if (this.isBanned(proven.id)) throw new GossipError('GOSSIP_NOT_A_MEMBER', 'the peer misbehaved before')
        return proven
      },
      onProven: (proved) => this.proved(proved),
      onMessage: (from, message) => this.take(from, message),
      onClosed: (closed, reason) => this.closed(closed, reason),
    })
    if (!session.isOpen) return undefined
    this.byLink.set(link.id, session)
    this.unproven.add(session)
    // Strangers cost a bounded number of places, of which the oldest goes first; members have places of their own.
    const strangers = [...this.unproven].filter((each) => !each.link.outbound)
    if (strangers.length > options.connections.unproven) {
      this.count('crowd')
      strangers[0]!.close(undefined)
    }
    return session.isOpen ? session : undefined
  }

  private checks() {
    const { environment, options } = this.parts
    const hosts = new Map([...this.channels].map(([name, channel]) => [name, channel.host]))
    const [any] = hosts.values()
    return {
      now: environment.clock.now(),
      longest: options.binding.longest,
      verify: async (identity: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
        any !== undefined && (await any.verify(identity, message, signature)),
      channels: hosts,
    }
  }

  private proved(session: Session): void {
    this.unproven.delete(session)
    const other = this.sessions.get(session.peer)
    if (other !== undefined) {
      // Both sides keep the same one of two connections: the one that the smaller identity dialled, of two alike the later.
      const bySmaller = this.network.self < session.peer
      const keepOther = other.link.outbound !== session.link.outbound && other.link.outbound === bySmaller
      if (keepOther) {
        session.close(undefined)
        return
      }
      this.sessions.delete(session.peer)
      this.withdraw(other)
      other.close(undefined)
    }
    this.sessions.set(session.peer, session)
    const { binding, mspId } = session.proven!
    for (const address of binding.addresses) this.plan.add(address, 'exchange', { mspId, peer: session.peer })
    this.logger.debug({ peer: session.peer, node: binding.node, mspId }, 'a neighbour')
    // Who leads comes first: who has heard what is joined here need not wait for that.
    for (const channel of this.channels.values()) channel.tellLeader(session)
    this.tellState(session)
    this.tellPeers(session)
  }

  private closed(session: Session, reason: Error | undefined): void {
    this.byLink.delete(session.link.id)
    this.unproven.delete(session)
    if (reason !== undefined) {
      const code = (reason as { code?: string }).code ?? 'broken'
      this.count(code)
      this.logger.debug({ peer: session.peer, err: reason }, 'a connection ended')
      if (code === 'GOSSIP_BAD_MESSAGE' || code === 'GOSSIP_FRAME_TOO_LARGE') {
        const until = this.parts.environment.clock.monotonic() + this.parts.options.ban
        this.bans.add(session.peer, until)
        if (session.proven !== undefined) this.bans.add(session.proven.id, until)
      }
    }
    if (this.sessions.get(session.peer) !== session) return
    this.sessions.delete(session.peer)
    this.withdraw(session)
    this.dialer.dial()
  }

  private withdraw(session: Session): void {
    for (const channel of this.channels.values()) channel.neighbourLeft(session)
  }

  private async take(session: Session, { state, peers, claim }: LinkMessage): Promise<void> {
    if (state !== undefined) {
      session.hasTold = true
      const named = new Map<string, (typeof state.channels)[number]>()
      for (const each of state.channels.slice(0, 256))
        if (session.proven?.channels.has(each.channel)) named.set(each.channel, each)
      for (const channel of [...session.joined.keys()]) {
        if (named.has(channel)) continue
        session.joined.delete(channel)
        this.channels.get(channel)?.neighbourLeft(session)
      }
      for (const [name, told] of named) {
        const height = typeof told.height === 'number' ? told.height : 0
        const isNew = !session.joined.has(name)
        session.joined.set(name, height)
        this.channels.get(name)?.neighbourSaid(session, height, { number: Number(told.sample), hops: told.hops }, isNew)
      }
      if (this.isLooking) this.dialer.dial()
    }
    if (claim !== undefined) {
      for (const channel of this.channels.values())
        if (session.proven?.channels.has(channel.name)) await channel.claimed(session.peer, claim)
    }
    if (peers !== undefined) void this.learn(peers.peers.slice(0, PEERS_TOLD))
  }

  /** Addresses of others, as they signed them: a neighbour cannot make this peer dial where nobody listens who wants it. */
  private async learn(signed: readonly Signed[]): Promise<void> {
    for (const each of signed) {
      try {
        const { binding, mspId } = await proveBinding(readBinding(each), undefined, this.checks())
        if (binding.peer === this.network.self || this.sessions.has(binding.peer)) continue
        for (const address of binding.addresses) this.plan.add(address, 'exchange', { mspId, peer: binding.peer })
      } catch {
        // Stale or of another channel's member: of no use, and no fault of who passed it on.
      }
    }
    this.dialer.dial()
  }

  private tellState(session: Session): void {
    const channels = [...this.channels.values()]
      .filter(({ name }) => session.proven?.channels.has(name))
      .map((channel) => channel.state())
    session.send({ state: { channels } })
  }

  private tellPeers(session: Session): void {
    const others = [...this.sessions.values()].filter((other) => other !== session && sharesChannel(other, session))
    for (let i = others.length - 1; i > 0; i--) {
      const j = Math.floor(this.random.float() * (i + 1))
      ;[others[i], others[j]] = [others[j]!, others[i]!]
    }
    const peers = others.slice(0, PEERS_TOLD).map(({ proven }) => proven!.binding.signed)
    if (peers.length > 0) session.send({ peers: { peers } })
  }

  private greeted(link: Link, stream: FrameStream): void {
    const session = this.sessionOf(link)
    if (session === undefined) stream.abort()
    else session.accept(stream)
  }

  private answer(link: Link, stream: FrameStream): void {
    const session = this.byLink.get(link.id)
    if (session?.proven === undefined) stream.abort()
    else void this.server.serve(session.peer, stream)
  }

  private configChanged(host: PeerChannelHost): void {
    this.dialer.readAnchors(host.anchorPeers())
    this.membershipsChanged()
    this.dialer.dial()
  }

  /** Who is a member of what may have changed: living connections feel it at once. */
  private membershipsChanged(): void {
    const hosts = new Map([...this.channels].map(([name, channel]) => [name, channel.host]))
    for (const session of [...this.sessions.values()]) {
      const { proven } = session
      if (proven === undefined) continue
      try {
        const member = membershipOf(proven.binding, hosts)
        session.proven = { ...proven, channels: member.channels, expiresAt: Math.min(member.expiresAt, proven.binding.notAfter) }
      } catch (error) {
        session.close(error as Error)
        continue
      }
      for (const channel of [...session.joined.keys()]) {
        if (session.proven.channels.has(channel)) continue
        session.joined.delete(channel)
        this.channels.get(channel)?.neighbourLeft(session)
      }
      this.tellState(session)
    }
  }

  private async renewBinding(): Promise<void> {
    const { node, environment, options } = this.parts
    const notAfter = Math.floor(environment.clock.now()) + options.binding.lifetime
    this.helloUntil = environment.clock.now() + options.binding.lifetime / 2
    this.hello = await makeBinding(this.signer, {
      peer: this.network.self,
      node,
      addresses: this.network.addresses(),
      notAfter,
    })
    for (const session of this.sessions.values()) session.send({ hello: this.hello })
  }

  private tick(): void {
    if (!this.running) return
    const { environment, options } = this.parts
    const { clock } = environment
    const now = clock.monotonic()
    const wall = clock.now()
    if (this.helloUntil <= wall) this.renewBinding().catch((err) => this.logger.error({ err }, 'the node cannot sign who it is'))
    for (const session of [...this.sessions.values()]) {
      if (session.proven!.expiresAt <= wall) session.close(new GossipError('GOSSIP_BAD_BINDING', 'its proof has expired'))
      else if (now - session.heardAt > options.link.muteAfter) this.drop(session.peer, 'mute')
      else this.tellState(session)
    }
    for (const channel of this.channels.values()) channel.tick(now)
    if (now - this.refreshedAt >= options.neighbours.refresh) this.refresh(now)
    this.dialer.dial()
    this.tickTimer = clock.setTimer(options.antiEntropy.interval, () => this.tick())
  }

  /** Neighbours change little by little, so that no clique stays among itself. */
  private refresh(now: number): void {
    this.refreshedAt = now
    const sessions = [...this.sessions.values()]
    const chosen = sessions[Math.floor(this.random.float() * sessions.length)]
    if (chosen !== undefined) this.tellPeers(chosen)
    const { own, others } = this.parts.options.neighbours
    if (sessions.length > own + others && this.plan.size > sessions.length)
      this.drop(chosen!.peer, 'making room for other neighbours')
  }

  /** Whether it is not known yet who leads somewhere. */
  private get isLooking(): boolean {
    for (const channel of this.channels.values()) if (channel.isLooking) return true
    return false
  }

  private directoryChanged(): void {
    this.dialer.readDirectory()
    this.dialer.dial()
  }

  private count(reason: string): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1
  }
}

function sharesChannel(a: Session, b: Session): boolean {
  for (const channel of a.proven!.channels) if (b.proven!.channels.has(channel)) return true
  return false
}
