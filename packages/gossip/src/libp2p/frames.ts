import { GossipError } from '../errors.ts'
import type { FrameStream } from '../network.ts'

/** Bytes of the length before each frame, big-endian. */
const PREFIX = 4

/** The parts of a libp2p stream that frames need. */
interface ByteStream extends AsyncIterable<Uint8Array | { subarray(): Uint8Array }> {
  send(data: Uint8Array): boolean
  onDrain(): Promise<void>
  close(): Promise<void>
  abort(error: Error): void
}

/** Messages on a stream of bytes. */
export class Frames implements FrameStream {
  private readonly stream: ByteStream

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  async send(frame: Uint8Array): Promise<void> {
    const prefixed = Buffer.allocUnsafe(PREFIX + frame.length)
    prefixed.writeUInt32BE(frame.length)
    prefixed.set(frame, PREFIX)
    if (!this.stream.send(prefixed)) await this.stream.onDrain()
  }

  async *frames(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    let chunks: Uint8Array[] = []
    let held = 0
    for await (const chunk of this.stream) {
      const bytes = chunk.subarray()
      chunks.push(bytes)
      held += bytes.length
      while (held >= PREFIX) {
        const length = prefixOf(chunks)
        if (length > maxBytes) {
          this.abort()
          throw new GossipError('GOSSIP_FRAME_TOO_LARGE', `a message of ${length} bytes where at most ${maxBytes} are taken`, {
            length,
            maxBytes,
          })
        }
        if (held < PREFIX + length) break
        const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, held)
        chunks = held === PREFIX + length ? [] : [all.subarray(PREFIX + length)]
        held -= PREFIX + length
        yield all.subarray(PREFIX, PREFIX + length)
      }
    }
    if (held > 0) throw new GossipError('GOSSIP_STREAM_BROKEN', 'the stream ended in the middle of a message')
  }

  end(): void {
    this.stream.close().catch(() => this.abort())
  }

  abort(): void {
    this.stream.abort(new GossipError('GOSSIP_STREAM_BROKEN', 'ended on this side'))
  }
}

function prefixOf(chunks: readonly Uint8Array[]): number {
  const [first] = chunks as [Uint8Array, ...Uint8Array[]]
  const bytes = first.length >= PREFIX ? first : Buffer.concat(chunks.slice(0, PREFIX))
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
}
