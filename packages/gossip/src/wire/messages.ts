import { bool, bytes, embed, type Infer, message, repeated, string, uint32, uint64 } from '@heddle/core/model'

/** What a node signs with its MSP key: this libp2p identity is mine. */
export const BindingStatement = message('heddle.gossip.BindingStatement', {
  domain: string(1),
  mspId: string(2),
  /** SerializedIdentity. */
  identity: bytes(3),
  /** The libp2p identity, as text. */
  peer: string(4),
  /** Milliseconds since 1970. */
  notAfter: uint64(5),
  node: string(6),
  /** Where the node listens. */
  addresses: repeated(string(7)),
})
export type BindingStatement = Infer<typeof BindingStatement>

export const Signed = message('heddle.gossip.Signed', {
  statement: bytes(1),
  signature: bytes(2),
})
export type Signed = Infer<typeof Signed>

/** How far a peer is in a channel. */
export const ChannelState = message('heddle.gossip.ChannelState', {
  channel: string(1),
  /** Committed blocks. */
  height: uint64(2),
  /** A block that came by gossip of late, and how many hops it had gone when it came. */
  sample: uint64(3),
  hops: uint32(4),
})
export type ChannelState = Infer<typeof ChannelState>

export const PeerState = message('heddle.gossip.PeerState', {
  channels: repeated(embed(1, ChannelState)),
})
export type PeerState = Infer<typeof PeerState>

/** Bindings of peers that the sender is connected to. */
export const PeerList = message('heddle.gossip.PeerList', {
  peers: repeated(embed(1, Signed)),
})
export type PeerList = Infer<typeof PeerList>

/** What the leader of an organisation says of itself, again and again. */
export const LeaderClaim = message('heddle.gossip.LeaderClaim', {
  domain: string(1),
  channel: string(2),
  identity: bytes(3),
  node: string(4),
  /** Milliseconds since 1970; ascends from claim to claim of a peer. */
  madeAt: uint64(5),
  resigns: bool(6),
})
export type LeaderClaim = Infer<typeof LeaderClaim>

/** Everything that goes over the stream between two neighbours. */
export const LinkMessage = message('heddle.gossip.LinkMessage', {
  hello: embed(1, Signed),
  state: embed(2, PeerState),
  peers: embed(3, PeerList),
  claim: embed(4, Signed),
})
export type LinkMessage = Infer<typeof LinkMessage>

/** Asks for blocks `from`..`from + count - 1`; of a block larger than `maxBytes`, for its bytes from `offset` on. */
export const PullRequest = message('heddle.gossip.PullRequest', {
  channel: string(1),
  from: uint64(2),
  count: uint32(3),
  maxBytes: uint32(4),
  offset: uint32(5),
})
export type PullRequest = Infer<typeof PullRequest>

/** One frame of an answer: a whole block, or a part of one. An answer ends with its stream. */
export const PullAnswer = message('heddle.gossip.PullAnswer', {
  block: bytes(1),
  part: bytes(2),
  /** Bytes of the whole block, with `part`. */
  total: uint32(3),
  refused: string(4),
})
export type PullAnswer = Infer<typeof PullAnswer>

/** A topic's messages: blocks whole, or without their data when they are large. */
export const TopicMessage = message('heddle.gossip.TopicMessage', {
  /** common.Block. */
  block: bytes(1),
  /** common.Block without data, and the bytes of the whole one. */
  announced: bytes(2),
  size: uint32(3),
  claim: embed(4, Signed),
  /** Who brought the block from the orderer, and when (milliseconds since 1970): for measuring. */
  origin: string(5),
  sentAt: uint64(6),
})
export type TopicMessage = Infer<typeof TopicMessage>
