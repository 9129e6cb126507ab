import { createHash, type Hash } from 'node:crypto'
import { compareUtf8, utf8Bytes } from './utf8.ts'

const EMPTY = new Uint8Array(0)

/** Whether a state namespace counts for the content hash: chaincodes do; lifecycle, channel configuration and hashed collections do not. */
export function isContentNamespace(namespace: string): boolean {
  return namespace !== '' && namespace !== '_lifecycle' && !namespace.includes('\u0000')
}

/**
 * Hash over the content of a channel's world state, without versions: equal on two networks that ran the same transactions, whatever
 * ordered them.
 *
 * SHA-256 over the entries in byte order of namespace, then key. Each entry is four parts, namespace, key, value and metadata (empty when
 * there is none), each after its length as four bytes, big-endian.
 */
export class ContentHasher {
  private readonly hash: Hash = createHash('sha256')
  private readonly length = Buffer.alloc(4)
  private last: { namespace: string; key: string } | undefined

  /** @throws RangeError when entries do not come in ascending order, which is a mistake of the caller */
  add(namespace: string, key: string, value: Uint8Array, metadata: Uint8Array | undefined): void {
    const last = this.last
    if (last !== undefined && (compareUtf8(last.namespace, namespace) || compareUtf8(last.key, key)) >= 0) {
      throw new RangeError(`content hash: (${namespace}, ${key}) comes after (${last.namespace}, ${last.key})`)
    }
    this.last = { namespace, key }
    this.part(utf8Bytes(namespace))
    this.part(utf8Bytes(key))
    this.part(value)
    this.part(metadata ?? EMPTY)
  }

  /** The hash, in lower-case hex. Ends the hasher. */
  digest(): string {
    return this.hash.digest('hex')
  }

  private part(bytes: Uint8Array): void {
    this.length.writeUInt32BE(bytes.length)
    this.hash.update(this.length).update(bytes)
  }
}
