/** What the rest of this package asks of a network of peers: libp2p answers in `libp2p/`, a model in the simulator. */

/** One authenticated connection to another peer. */
export interface Link {
  readonly id: string
  /** The identity that the other end proved to own the key of. */
  readonly peer: string
  /** Whether this side dialled. */
  readonly outbound: boolean
  /** Where the other end was reached, or came from. */
  readonly address: string
  readonly isOpen: boolean
  open(protocol: string, signal: AbortSignal): Promise<FrameStream>
  close(): void
  onClose(listener: () => void): void
}

/** A stream of messages, each with its length before it. */
export interface FrameStream {
  /** Resolves when there is room for the next one. Throws when the stream is closed. */
  send(frame: Uint8Array): Promise<void>
  /** Ends when the other side ended; throws when it sent what is longer than `maxBytes`, or broke off. */
  frames(maxBytes: number): AsyncIterable<Uint8Array>
  /** No more will be sent. */
  end(): void
  abort(): void
}

/** What a topic's host says of a message. `reject` counts against whoever sent it. */
export type Judgement = 'accept' | 'ignore' | 'reject'

export interface TopicHandlers {
  /** Runs before a message is passed on. */
  judge(from: string, data: Uint8Array): Promise<Judgement>
  /** Whether a peer is about to be admitted: it may know that sooner than this side. Of all others nothing is kept. */
  expects(peer: string): boolean
}

/** A subscription whose messages reach only peers that were admitted to it. */
export interface Topic {
  /** From now on the peer gets the subscription and messages, over this link. */
  admit(link: Link): void
  /** The peer gets nothing more. */
  expel(peer: string): void
  /** @returns the peers that it went to */
  publish(data: Uint8Array): Promise<readonly string[]>
  /** Peers with whom messages are exchanged whole. */
  mesh(): readonly string[]
  /** Peers that were admitted and cannot be sent anything. */
  mute(): readonly string[]
  /** Messages that came once more. */
  duplicates(): number
  stop(): Promise<void>
}

export interface GossipNetwork {
  /** This peer's own identity. */
  readonly self: string
  /** Where others reach this peer. */
  addresses(): readonly string[]
  /** Resolves when the connection stands; `onLink` has it by then. */
  dial(address: string, signal: AbortSignal): Promise<Link>
  onLink(listener: (link: Link) => void): void
  serve(protocol: string, maxStreams: number, handler: (link: Link, stream: FrameStream) => void): Promise<void>
  topic(name: string, handlers: TopicHandlers): Promise<Topic>
  stop(): Promise<void>
}
