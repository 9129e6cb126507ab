import { sha256Hex } from '../../model/sha256.ts'

/** Endorsements remembered; older ones are verified like anybody's. */
const CAPACITY = 20_000

/**
 * What one node signed itself, so that it need not verify it again when it comes back in a block. Never shared between nodes: what is
 * in here is trusted.
 */
export class OwnSignatures {
  /** Hash of the signed message by signature, oldest first. */
  private readonly messages = new Map<string, string>()

  /** To be called by whoever signs for the node, with the message exactly as it was signed. */
  remember(message: Uint8Array, signature: Uint8Array): void {
    if (this.messages.size >= CAPACITY) this.messages.delete(this.messages.keys().next().value!)
    this.messages.set(latin1(signature), sha256Hex(message))
  }

  /** Whether this node made this signature over this message; what was recognised is forgotten. */
  recognise(message: Uint8Array, signature: Uint8Array): boolean {
    const key = latin1(signature)
    const known = this.messages.get(key)
    if (known === undefined || known !== sha256Hex(message)) return false
    this.messages.delete(key)
    return true
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
