/** Compares parts of byte strings without a view for each. */
const compare = Buffer.prototype.compare as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
  start: number,
  end: number,
) => number

/** Bytes of messages remembered; older endorsements are verified like anybody's. Enough for some ten thousand transactions under way. */
const CAPACITY = 16 * 1024 * 1024

/**
 * What one node signed itself, so that it need not verify it again when it comes back in a block. Never shared between nodes: what is
 * in here is trusted.
 */
export class OwnSignatures {
  /** The signed message by signature, oldest first. */
  private readonly messages = new Map<string, Uint8Array>()
  private bytes = 0

  /** To be called by whoever signs for the node, with the message exactly as it was signed; it must not change afterwards. */
  remember(message: Uint8Array, signature: Uint8Array): void {
    const key = latin1(signature)
    this.forget(key)
    this.messages.set(key, message)
    this.bytes += message.length
    while (this.bytes > CAPACITY) this.forget(this.messages.keys().next().value!)
  }

  /** Whether this node made this signature over the two one after the other; what was recognised is forgotten. */
  recognise(message: Uint8Array, rest: Uint8Array, signature: Uint8Array): boolean {
    const key = latin1(signature)
    const known = this.messages.get(key)
    if (known?.length !== message.length + rest.length || !startsWith(known, message, 0)) return false
    if (!startsWith(known, rest, message.length)) return false
    this.forget(key)
    return true
  }

  private forget(key: string): void {
    const message = this.messages.get(key)
    if (message === undefined) return
    this.messages.delete(key)
    this.bytes -= message.length
  }
}

function startsWith(bytes: Uint8Array, part: Uint8Array, at: number): boolean {
  return compare.call(bytes, part, 0, part.length, at, at + part.length) === 0
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
