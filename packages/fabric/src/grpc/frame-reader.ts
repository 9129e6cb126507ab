import { GrpcStatus, Status } from './status.ts'

/** Bytes before each message: a flag, and the length as a big-endian number. */
const PREFIX = 5

/**
 * Takes messages out of the body of a call: gRPC's "Length-Prefixed-Message". Holds at most one unfinished message, whose length is
 * bounded before memory is taken for it.
 */
export class FrameReader {
  private readonly limit: number
  private readonly prefix = Buffer.allocUnsafe(PREFIX)
  private prefixed = 0
  private message: Buffer | undefined
  private filled = 0

  /** @param limit bytes of the largest message that is taken */
  constructor(limit: number) {
    this.limit = limit
  }

  /** Whether a message has begun and is not whole. */
  get within(): boolean {
    return this.prefixed > 0
  }

  /**
   * Gives each message that is whole now. A message that came in one chunk is a view of it, not a copy.
   *
   * @throws GrpcStatus RESOURCE_EXHAUSTED for a message over the limit, UNIMPLEMENTED for a compressed one
   */
  push(chunk: Buffer, take: (message: Buffer) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.prefixed < PREFIX) {
        const wanted = Math.min(PREFIX - this.prefixed, chunk.length - at)
        chunk.copy(this.prefix, this.prefixed, at, at + wanted)
        this.prefixed += wanted
        at += wanted
        if (this.prefixed < PREFIX) return
        const length = this.begin()
        if (chunk.length - at >= length) {
          this.prefixed = 0
          take(chunk.subarray(at, at + length))
          at += length
          continue
        }
        this.message = Buffer.allocUnsafe(length)
        this.filled = 0
      }
      const message = this.message!
      const part = Math.min(message.length - this.filled, chunk.length - at)
      chunk.copy(message, this.filled, at, at + part)
      this.filled += part
      at += part
      if (this.filled < message.length) return
      this.message = undefined
      this.prefixed = 0
      take(message)
    }
  }

  private begin(): number {
    const length = this.prefix.readUInt32BE(1)
    if (this.prefix[0] !== 0)
      throw new GrpcStatus(Status.UNIMPLEMENTED, 'compressed messages are not taken: send them as they are')
    if (length > this.limit)
      throw new GrpcStatus(Status.RESOURCE_EXHAUSTED, `a message of ${length} bytes is over the limit of ${this.limit}`)
    return length
  }
}

/** A message with its prefix, in one buffer. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, PREFIX)
  return framed
}
