import type { Block } from '../model/block.ts'
import type { Environment } from './environment.ts'
import type { Lifecycle } from './lifecycle.ts'

/** Verdict on a block that a peer was given. */
export type BlockVerdict = 'accepted' | 'known' | 'ahead' | 'refused'

/** One channel of a peer, as a dissemination plugin sees it. */
export interface PeerChannelHost {
  readonly channel: string
  readonly mspId: string
  readonly node: string
  /** The next block this peer needs. */
  readonly height: number
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
