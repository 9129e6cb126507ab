import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { ConnectionLimits } from '../limits/limits.ts'
import type { FrameStream, GossipNetwork, Link, Topic, TopicHandlers } from '../network.ts'
import { Frames } from './frames.ts'
import { GatedTopic, type GossipComponents, type MeshOptions } from './gated-topic.ts'

export type Connection = ReturnType<Libp2p['getConnections']>[number]

export interface Libp2pOptions {
  /** 32 bytes of the Ed25519 key. */
  readonly seed: Uint8Array
  /** Multiaddrs. */
  readonly listen: readonly string[]
  /** What others are told instead of the addresses that it listens on; empty: those. */
  readonly announce: readonly string[]
  readonly connections: ConnectionLimits
  readonly mesh: MeshOptions
}

/** A connection as the rest of the package sees it. */
export class Libp2pLink implements Link {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  get id(): string {
    return this.connection.id
  }

  get peer(): string {
    return this.connection.remotePeer.toString()
  }

  get outbound(): boolean {
    return this.connection.direction === 'outbound'
  }

  get address(): string {
    return this.connection.remoteAddr.toString()
  }

  get isOpen(): boolean {
    return this.connection.status === 'open'
  }

  async open(protocol: string, signal: AbortSignal): Promise<FrameStream> {
    return new Frames(await this.connection.newStream(protocol, { signal }))
  }

  close(): void {
    // Whoever is not wanted gets no polite end that it could delay.
    this.connection.abort(new Error('closed by this side'))
  }

  onClose(listener: () => void): void {
    this.connection.addEventListener('close', listener, { once: true })
  }
}

/** libp2p over TCP or inside the process, with noise and yamux, and gossipsub on it. Nothing else of this package knows libp2p. */
export class Libp2pNetwork implements GossipNetwork {
  readonly self: string
  private readonly libp2p: Libp2p
  private readonly components: GossipComponents
  private readonly mesh: MeshOptions
  private readonly links = new WeakMap<Connection, Libp2pLink>()
  private readonly topics = new Set<GatedTopic>()

  private constructor(libp2p: Libp2p, components: GossipComponents, mesh: MeshOptions) {
    this.libp2p = libp2p
    this.components = components
    this.mesh = mesh
    this.self = libp2p.peerId.toString()
  }

  static async start({ seed, listen, announce, connections, mesh }: Libp2pOptions): Promise<Libp2pNetwork> {
    let components: GossipComponents | undefined
    const inMemory = listen.some((address) => address.startsWith('/memory/'))
    const libp2p = await createLibp2p({
      privateKey: await generateKeyPairFromSeed('Ed25519', seed),
      addresses: { listen: [...listen], announce: [...announce] },
      transports: [
        tcp({
          dialOpts: { noDelay: true },
          listenOpts: { noDelay: true },
          maxConnections: connections.most + connections.handshakes,
        }),
        ...(inMemory ? [memory()] : []),
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ maxInboundStreams: connections.streams })],
      connectionManager: {
        // The bound on strangers is ours (see links/): this one must never make room by closing members.
        maxConnections: connections.most,
        maxIncomingPendingConnections: connections.handshakes,
        inboundConnectionThreshold: connections.perSecond,
        inboundUpgradeTimeout: connections.handshakeTimeout,
        inboundStreamProtocolNegotiationTimeout: connections.handshakeTimeout,
        // Who was connected before is dialled again by our own plan, with back-off.
        reconnectRetries: 0,
      },
      services: {
        lend: (all: unknown) => {
          components = all as GossipComponents
          return {}
        },
      },
    })
    return new Libp2pNetwork(libp2p, components!, mesh)
  }

  addresses(): readonly string[] {
    return this.libp2p.getMultiaddrs().map(String)
  }

  async dial(address: string, signal: AbortSignal): Promise<Link> {
    return this.linkOf(await this.libp2p.dial(multiaddr(address), { signal }))
  }

  onLink(listener: (link: Link) => void): void {
    this.libp2p.addEventListener('connection:open', ({ detail }) => listener(this.linkOf(detail)))
  }

  async serve(protocol: string, maxStreams: number, handler: (link: Link, stream: FrameStream) => void): Promise<void> {
    await this.libp2p.handle(
      protocol,
      (stream, connection) => {
        handler(this.linkOf(connection), new Frames(stream))
      },
      { maxInboundStreams: maxStreams, maxOutboundStreams: maxStreams },
    )
  }

  async topic(name: string, handlers: TopicHandlers): Promise<Topic> {
    const topic = new GatedTopic(name, this.components, handlers, this.mesh)
    this.topics.add(topic)
    await topic.start()
    return topic
  }

  async stop(): Promise<void> {
    await Promise.all([...this.topics].map((topic) => topic.stop()))
    await this.libp2p.stop()
  }

  private linkOf(connection: Connection): Libp2pLink {
    let link = this.links.get(connection)
    if (link === undefined) {
      link = new Libp2pLink(connection)
      this.links.set(connection, link)
    }
    return link
  }
}
