import type { Block } from '../model/block.ts'
import type { Environment } from './environment.ts'
import type { Signer } from './identity.ts'
import type { Lifecycle } from './lifecycle.ts'

/** Verdict on a block that a peer was given. */
export type BlockVerdict = 'accepted' | 'known' | 'ahead' | 'refused'

/**
 * What a block is found to be, without being taken in:
 *
 * - `good`: it follows, whole, and signed by the channel's orderers.
 * - `not-next`: another number than the one that follows.
 * - `forked`: signed by the channel's orderers, and yet it does not continue the chain that is held here.
 * - `bad`: anything else.
 */
export type BlockFinding = 'good' | 'not-next' | 'forked' | 'bad'

/** How to examine a block. */
export interface Examination {
  /** The block that it has to follow; default: the last one accepted. One that was examined before and found good. */
  readonly after?: Block
  /** It came without its data: all is checked but these. */
  readonly headerOnly?: boolean
}

/** Somebody who may read a channel under the configuration in force. */
export interface ChannelMember {
  readonly mspId: string
  /** Equal for two encodings of the same certificate. */
  readonly id: string
  /** Milliseconds since 1970: when the certificate expires. */
  readonly expiresAt: number
}

/** An anchor peer that the channel configuration names. */
export interface AnchorPeerEndpoint {
  readonly mspId: string
  readonly host: string
  readonly port: number
}

/** Where a node of the network listens. */
export interface DirectoryEntry {
  readonly node: string
  readonly mspId: string
  /** In the plugin's own form. */
  readonly addresses: readonly string[]
}

/** The nodes of one network in one process find each other here; it is empty where every node has its own process. */
export interface NodeDirectory {
  /** Takes the place of what the node had published before. */
  publish(entry: DirectoryEntry): void
  withdraw(node: string): void
  entries(): readonly DirectoryEntry[]
  /** Calls back after each change, until the function that it returns is called. */
  onChange(listener: () => void): () => void
}

/** One channel of a peer, as a dissemination plugin sees it. */
export interface PeerChannelHost {
  readonly channel: string
  readonly mspId: string
  readonly node: string
  /** The next block this peer needs. */
  readonly height: number
  /** Committed blocks: those that `block` has. */
  readonly committed: number
  /**
   * Checks number, hash chain and the orderers' signature policy, then queues the block for validation and commit.
   * Resolves when there is room for the next block (back-pressure), before the block is committed.
   */
  receive(block: Block, from: string): Promise<BlockVerdict>
  /** Blocks from a number on, first those stored, then new ones as they commit. */
  blocks(from: number, signal: AbortSignal): AsyncIterable<Block>
  /** The orderers that the channel configuration names now, in the order in which this peer should try them. */
  orderers(): readonly DeliverEndpoint[]
  readonly environment: Environment

  /**
   * Checks a block as `receive` does and queues nothing: for whoever passes blocks on before they are committed. `receive` does not check
   * again what was found good. After a config block it waits until that is in force.
   */
  examine(block: Block, examination?: Examination): Promise<BlockFinding>
  /** A committed block. */
  block(number: number): Promise<Block | undefined>
  /** Two headers of one height, both signed by the channel's orderers: stops the channel (PEER_CHANNEL_FORKED). */
  forked(held: Block, other: Block): void

  /** Signs with the node's MSP key. */
  readonly signer: Signer
  /**
   * Whose serialized identity this is, if they may read the channel now: known, not revoked, not expired.
   *
   * @throws NodeError NODE_NOT_A_MEMBER, with the reason
   */
  member(identity: Uint8Array): ChannelMember
  /** Whether a signature over a message is that of a serialized identity; says nothing of membership. */
  verify(identity: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** Those of the channel configuration in force. */
  anchorPeers(): readonly AnchorPeerEndpoint[]
  /** Calls back when a new configuration is in force, until the function that it returns is called. */
  onConfig(listener: () => void): () => void
  readonly directory: NodeDirectory
}

/** An orderer (or another peer) from which blocks can be pulled. */
export interface DeliverEndpoint {
  readonly name: string
  /** Blocks from a number on; goes on with new ones until aborted. Throws OrderError when the endpoint refuses or fails. */
  deliver(from: number, signal: AbortSignal): AsyncIterable<Block>
}

/** Brings blocks to one peer. */
export interface Dissemination extends Lifecycle {
  join(channel: PeerChannelHost): Promise<void>
  leave(channel: string): Promise<void>
  status(channel: string): Readonly<Record<string, unknown>>
}
