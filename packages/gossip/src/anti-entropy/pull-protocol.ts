import { Block } from '@heddle/core/model'
import { GossipError } from '../errors.ts'
import type { FrameStream } from '../network.ts'
import { PullAnswer, PullRequest } from '../wire/messages.ts'
import type { Pull } from './pull-plan.ts'

export const PULL_PROTOCOL = '/heddle/gossip/1/pull'

/** What one answer may hold beside the blocks themselves. */
const OVERHEAD = 64 * 1024
const MAX_REQUEST_BYTES = 1024
/** Peers write these slots when they commit; what another peer found is not what counts here. */
const WRITTEN_BY_PEERS = { 2: new Uint8Array(0), 4: new Uint8Array(0) }

/** What came of one request. */
export type PulledBlocks =
  | { readonly kind: 'blocks'; readonly blocks: readonly Block[] }
  | { readonly kind: 'part'; readonly bytes: Uint8Array; readonly total: number }

/**
 * Sends one request and reads its answer: blocks in order from the first on, or a part of the first.
 *
 * @throws GossipError GOSSIP_BAD_MESSAGE for an answer that no honest peer gives, GOSSIP_REFUSED or GOSSIP_STREAM_BROKEN otherwise
 */
export async function pullFrom(stream: FrameStream, channel: string, pull: Pull, maxBytes: number): Promise<PulledBlocks> {
  const { from, count, offset } = pull
  await stream.send(PullRequest.encode({ channel, from, count, maxBytes, offset }))
  const blocks: Block[] = []
  let bytes = 0
  try {
    for await (const frame of stream.frames(maxBytes + OVERHEAD)) {
      const answer = decoding(() => PullAnswer.decode(frame))
      if (answer.refused !== '') throw new GossipError('GOSSIP_REFUSED', `the peer refuses: ${answer.refused.slice(0, 200)}`)
      if (answer.part.length > 0) {
        if (blocks.length > 0) break
        return { kind: 'part', bytes: answer.part, total: answer.total }
      }
      bytes += answer.block.length
      const block = decoding(() => Block.decode(answer.block)).withMetadata(WRITTEN_BY_PEERS)
      if (block.number !== from + blocks.length || blocks.length >= count || bytes > maxBytes + OVERHEAD)
        throw new GossipError('GOSSIP_BAD_MESSAGE', `block ${block.number} is not what was asked for`, { from, count })
      blocks.push(block)
    }
  } finally {
    stream.abort()
  }
  return { kind: 'blocks', blocks }
}

/** Puts the parts of a large block together. */
export class BlockParts {
  private readonly chunks: Uint8Array[] = []
  private readonly largest: number
  private total: number | undefined
  received = 0

  /** @param largest bytes of any block */
  constructor(largest: number) {
    this.largest = largest
  }

  /** @returns the block when its last part is there. Throws GossipError GOSSIP_BAD_MESSAGE */
  add(bytes: Uint8Array, total: number): Block | undefined {
    this.total ??= total
    this.received += bytes.length
    if (total !== this.total || total > this.largest || this.received > total || bytes.length === 0)
      throw new GossipError('GOSSIP_BAD_MESSAGE', 'the parts of a block do not fit together', { total, received: this.received })
    this.chunks.push(bytes)
    if (this.received < total) return undefined
    return decoding(() => Block.decode(Buffer.concat(this.chunks))).withMetadata(WRITTEN_BY_PEERS)
  }
}

export interface PullServerParts {
  /** Whether a peer may have the blocks of a channel. */
  readonly mayRead: (peer: string, channel: string) => boolean
  readonly block: (channel: string, number: number) => Promise<Block | undefined>
  /** Bytes of one answer. */
  readonly maxBytes: number
  /** Answers at one time, to all peers. */
  readonly most: number
  /** Counts what goes out. */
  readonly sent: (bytes: number) => void
}

/** Gives blocks to neighbours: a window at a time, so that no slow reader holds more than that. */
export class PullServer {
  private readonly parts: PullServerParts
  private serving = 0

  constructor(parts: PullServerParts) {
    this.parts = parts
  }

  /** Answers the request on a stream that a neighbour opened. */
  async serve(peer: string, stream: FrameStream): Promise<void> {
    try {
      for await (const frame of stream.frames(MAX_REQUEST_BYTES)) {
        const request = PullRequest.decode(frame)
        if (!this.parts.mayRead(peer, request.channel)) await refuse(stream, 'no such channel')
        else if (this.serving >= this.parts.most) await refuse(stream, 'busy')
        else await this.answer(stream, request)
        stream.end()
        return
      }
    } catch {
      stream.abort()
    }
  }

  private async answer(stream: FrameStream, { channel, from, count, maxBytes, offset }: PullRequest): Promise<void> {
    this.serving++
    try {
      const most = Math.min(maxBytes, this.parts.maxBytes)
      let sent = 0
      for (let i = 0; i < count && typeof from === 'number'; i++) {
        const bytes = (await this.parts.block(channel, from + i))?.encode()
        if (bytes === undefined) break
        if (i === 0 && (bytes.length > most || offset > 0)) {
          if (offset >= bytes.length) return await refuse(stream, 'no such part')
          const part = bytes.subarray(offset, offset + most)
          this.parts.sent(part.length)
          return await stream.send(PullAnswer.encode({ part, total: bytes.length }))
        }
        if (sent + bytes.length > most) break
        sent += bytes.length
        await stream.send(PullAnswer.encode({ block: bytes }))
      }
      this.parts.sent(sent)
      if (sent === 0) await refuse(stream, 'not here')
    } finally {
      this.serving--
    }
  }
}

function refuse(stream: FrameStream, refused: string): Promise<void> {
  return stream.send(PullAnswer.encode({ refused }))
}

function decoding<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new GossipError('GOSSIP_BAD_MESSAGE', 'an answer cannot be read', {}, { cause })
  }
}
