import { type GossipSub, gossipsub, type TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { sha256 } from '@heddle/core/model'
import type { Libp2p } from 'libp2p'
import type { Link, Topic, TopicHandlers } from '../network.ts'
import type { Libp2pLink } from './libp2p-network.ts'

export type GossipComponents = Parameters<ReturnType<typeof gossipsub>>[0]
type Registrar = GossipComponents['registrar']
type Handler = Parameters<Registrar['handle']>[1]
type Topology = Parameters<Registrar['register']>[1]
type Connection = ReturnType<Libp2p['getConnections']>[number]
type Stream = Awaited<ReturnType<Connection['newStream']>>

/** Shape of the mesh; names and meanings of the gossipsub specification. */
export interface MeshOptions {
  readonly degree: number
  readonly lowDegree: number
  readonly highDegree: number
  /** Milliseconds. */
  readonly heartbeat: number
  /** Bytes of one message. */
  readonly maxMessageBytes: number
  /** Bytes that may wait for one slow peer. */
  readonly maxQueuedBytes: number
}

/** Messages whose lists are longer are not read: a member has one topic here, and few messages that another could want. */
const DECODE_LIMITS = {
  maxSubscriptions: 4,
  maxMessages: 64,
  maxIhaveMessageIDs: 512,
  maxIwantMessageIDs: 512,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 64,
  maxPeerInfos: 0,
}

/** libp2p's own bound on what was received and not read. */
const READ_BYTES = 4 * 1024 * 1024

/** Bytes that may wait on a stream until its peer is admitted: a first message with a subscription. */
const WAITING_BYTES = 64 * 1024

/** What gossipsub costs around the data of a message. */
const ENVELOPE_BYTES = 1024

/** Parts of gossipsub's class that its interface leaves out. */
interface Inner {
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  getMeshPeers(topic: string): string[]
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * One topic on a gossipsub of its own, under protocol names of its own.
 *
 * gossipsub sends its subscriptions, and messages, to every peer that speaks its protocol, and takes what they send. Here it meets only
 * peers that were admitted: it sees no others connect, streams that others open are closed, and a stream that comes before the admission
 * waits unread. So who is not a member of a channel neither learns that there is such a topic, nor gets or gives anything on it.
 */
export class GatedTopic implements Topic {
  private readonly name: string
  private readonly prefix: string
  private readonly components: GossipComponents
  private readonly handlers: TopicHandlers
  private readonly gossip: GossipSub & Inner
  private readonly admitted = new Map<string, Connection>()
  /** Streams of peers that were not admitted yet, the last of each. */
  private readonly waiting = new Map<string, { stream: Stream; connection: Connection; handler: Handler }>()
  private topology: Topology | undefined
  private published = 0
  private identified = 0
  private judged = 0

  constructor(name: string, components: GossipComponents, handlers: TopicHandlers, mesh: MeshOptions) {
    this.name = name
    this.prefix = `/heddle/${Buffer.from(sha256(Buffer.from(name)))
      .toString('hex')
      .slice(0, 32)}`
    this.components = components
    this.handlers = handlers
    this.gossip = gossipsub({
      D: mesh.degree,
      Dlo: mesh.lowDegree,
      Dhi: mesh.highDegree,
      Dscore: Math.max(1, Math.floor(mesh.lowDegree / 2)),
      Dout: Math.max(1, Math.floor(mesh.lowDegree / 2) - 1),
      heartbeatInterval: mesh.heartbeat,
      fallbackToFloodsub: false,
      // The leader spreads to its mesh, not to everybody: its uplink must not grow with the organisation.
      floodPublish: false,
      emitSelf: false,
      doPX: false,
      tagMeshPeers: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      // Blocks carry the orderers' signatures; who passed them on does not matter.
      globalSignaturePolicy: 'StrictNoSign',
      msgIdFn: ({ data }) => this.messageId(data),
      allowedTopics: [name],
      maxTopicBytesPerPeer: 4096,
      maxInboundStreams: 4,
      maxOutboundStreams: 4,
      maxInboundDataLength: mesh.maxMessageBytes + ENVELOPE_BYTES,
      maxOutboundBufferSize: mesh.maxQueuedBytes,
      decodeRpcLimits: DECODE_LIMITS,
      scoreParams: {
        // Peers of one organisation may well share one address.
        IPColocationFactorWeight: 0,
        topics: { [name]: TOPIC_SCORE },
      },
      scoreThresholds: { gossipThreshold: -10, publishThreshold: -20, graylistThreshold: -40 },
    })(this.facade()) as GossipSub & Inner
  }

  async start(): Promise<void> {
    this.gossip.topicValidators.set(this.name, async (from, { data }) => {
      this.judged++
      const judgement = await this.handlers.judge(from.toString(), data)
      return judgement as TopicValidatorResult
    })
    await this.gossip.start()
    this.gossip.subscribe(this.name)
  }

  admit(link: Link): void {
    const { connection } = link as Libp2pLink
    if (this.admitted.get(link.peer) === connection) return
    if (this.admitted.has(link.peer)) this.expel(link.peer)
    this.admitted.set(link.peer, connection)
    this.topology?.onConnect?.(connection.remotePeer, this.renamed(connection))
    const early = this.waiting.get(link.peer)
    this.waiting.delete(link.peer)
    if (early === undefined) return
    if (early.connection === connection) {
      early.stream.maxReadBufferLength = READ_BYTES
      void early.handler(early.stream, this.renamed(connection))
    } else early.stream.abort(NOT_ADMITTED)
  }

  expel(peer: string): void {
    const connection = this.admitted.get(peer)
    this.waiting.get(peer)?.stream.abort(NOT_ADMITTED)
    this.waiting.delete(peer)
    if (connection === undefined) return
    this.admitted.delete(peer)
    this.topology?.onDisconnect?.(connection.remotePeer)
  }

  async publish(data: Uint8Array): Promise<readonly string[]> {
    this.published++
    const { recipients } = await this.gossip.publish(this.name, data)
    return recipients.map(String)
  }

  mesh(): readonly string[] {
    return this.gossip.getMeshPeers(this.name)
  }

  mute(): readonly string[] {
    return [...this.admitted.keys()].filter((peer) => !this.gossip.streamsOutbound.has(peer))
  }

  /** Every message that comes gets an id; only those that are new are judged. */
  duplicates(): number {
    return Math.max(0, this.identified - this.published - this.judged)
  }

  async stop(): Promise<void> {
    for (const { stream } of this.waiting.values()) stream.abort(NOT_ADMITTED)
    this.waiting.clear()
    await this.gossip.stop()
    this.admitted.clear()
  }

  /** Over the whole content: a forged block must not stand in the way of the real one. */
  private messageId(data: Uint8Array): Uint8Array {
    this.identified++
    return sha256(data)
  }

  private facade(): GossipComponents {
    const { registrar } = this.components
    const own = {
      handle: (protocol: string, handler: Handler, options?: Parameters<Registrar['handle']>[2]) =>
        registrar.handle(this.prefix + protocol, (stream, connection) => this.incoming(handler, stream, connection), options),
      unhandle: (protocol: string) => registrar.unhandle(this.prefix + protocol),
      register: async (_protocol: string, topology: Topology) => {
        this.topology = topology
        return this.prefix
      },
      unregister: () => {
        this.topology = undefined
      },
    }
    return { ...this.components, ...pick(this.components), registrar: own as unknown as Registrar }
  }

  private incoming(handler: Handler, stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    if (this.admitted.get(peer) === connection) {
      void handler(stream, this.renamed(connection))
      return
    }
    this.waiting.get(peer)?.stream.abort(NOT_ADMITTED)
    this.waiting.delete(peer)
    if (!this.handlers.expects(peer)) {
      stream.abort(NOT_ADMITTED)
      return
    }
    stream.maxReadBufferLength = WAITING_BYTES
    this.waiting.set(peer, { stream, connection, handler })
    connection.addEventListener('close', () => {
      if (this.waiting.get(peer)?.connection === connection) this.waiting.delete(peer)
    })
  }

  /** The connection as gossipsub knows it: under gossipsub's own protocol names, on which its features depend. */
  private renamed(connection: Connection): Connection {
    const { prefix } = this
    return {
      get status() {
        return connection.status
      },
      direction: connection.direction,
      remoteAddr: connection.remoteAddr,
      remotePeer: connection.remotePeer,
      async newStream(protocols: string[], options: object) {
        const stream = await connection.newStream(
          protocols.map((protocol) => prefix + protocol),
          options,
        )
        return withProtocol(stream, stream.protocol.slice(prefix.length))
      },
    } as unknown as Connection
  }
}

const NOT_ADMITTED = new Error('not admitted')

const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.1,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 20,
  // Blocks come when somebody transacts: nobody can be blamed for silence.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 0.5,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 1000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: -50,
  invalidMessageDeliveriesDecay: 0.9,
}

/** libp2p hands out its components by name through a proxy: spreading it copies nothing. */
function pick({
  privateKey,
  peerId,
  peerStore,
  connectionManager,
  logger,
}: GossipComponents): Omit<GossipComponents, 'registrar'> {
  return { privateKey, peerId, peerStore, connectionManager, logger }
}

function withProtocol(stream: Stream, protocol: string): Stream {
  return {
    protocol,
    set maxWriteBufferLength(bytes: number) {
      stream.maxWriteBufferLength = bytes
    },
    addEventListener: stream.addEventListener.bind(stream),
    send: stream.send.bind(stream),
    close: stream.close.bind(stream),
    abort: stream.abort.bind(stream),
  } as unknown as Stream
}
