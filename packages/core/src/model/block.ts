import { blockHeaderBytes } from './block-header.ts'
import { joinBytes } from './byte-slab.ts'
import { EnvelopeView } from './envelope-view.ts'
import { BlockHeader as BlockHeaderMessage, BlockMessage } from './messages/common.ts'
import { DecodeError } from './protobuf/errors.ts'
import type { DecodeLimits } from './protobuf/limits.ts'
import { Writer } from './protobuf/writer.ts'
import { sha256 } from './sha256.ts'

/** Header of a block: what its hash covers. */
export interface BlockHeader {
  readonly number: number
  readonly previousHash: Uint8Array
  readonly dataHash: Uint8Array
}

const METADATA_SLOTS = 5
const NONE = new Uint8Array(0)

/** What blocks with equal header and data share, whatever their metadata. */
interface Memo {
  headerBytes?: Uint8Array
  hash?: Uint8Array
  hasDataHash?: boolean
  /** Header and data, serialized. */
  front?: Uint8Array
  readonly envelopes: (EnvelopeView | undefined)[]
}

/**
 * A block of the chain. Immutable, so that nodes of one process may share it: `withMetadata` gives a changed copy that shares header,
 * data, hashes and decoded envelopes.
 */
export class Block {
  readonly header: BlockHeader
  /** Serialized envelopes. */
  readonly data: readonly Uint8Array[]
  /** By BlockMetadataIndex; five slots in blocks that `create` made, perhaps fewer in others. */
  readonly metadata: readonly Uint8Array[]
  private readonly memo: Memo
  private encoded: Uint8Array | undefined

  private constructor(header: BlockHeader, data: readonly Uint8Array[], metadata: readonly Uint8Array[], memo: Memo) {
    this.header = header
    this.data = data
    this.metadata = metadata
    this.memo = memo
  }

  /**
   * A new block over envelopes, with empty metadata.
   *
   * @param views decoded envelopes, by index, where the caller has them
   */
  static create(
    number: number,
    previousHash: Uint8Array,
    data: readonly Uint8Array[],
    views: readonly (EnvelopeView | undefined)[] = [],
  ): Block {
    const metadata = new Array<Uint8Array>(METADATA_SLOTS).fill(NONE)
    const header = { number, previousHash, dataHash: blockDataHash(data) }
    return new Block(header, data, metadata, { envelopes: [...views], hasDataHash: true })
  }

  /** A block of parts that came from elsewhere; nothing is checked. */
  static of(header: BlockHeader, data: readonly Uint8Array[], metadata: readonly Uint8Array[]): Block {
    return new Block(header, data, metadata, { envelopes: [] })
  }

  /**
   * From a serialized common.Block. Envelopes are views of `bytes`. The data hash is taken as it stands: see `hasDataHash`.
   *
   * @throws DecodeError also when there is no header or its number is beyond 2^53 - 1
   */
  static decode(bytes: Uint8Array, limits?: DecodeLimits): Block {
    const { header, data, metadata } = BlockMessage.decode(bytes, limits)
    if (header === undefined) throw new DecodeError('DECODE_BAD_VALUE', 'block without a header')
    const { number, previousHash, dataHash } = header
    if (typeof number !== 'number') throw new DecodeError('DECODE_BAD_VALUE', `block number ${number}`, { number: `${number}` })
    return Block.of({ number, previousHash, dataHash }, data?.data ?? [], metadata?.metadata ?? [])
  }

  get number(): number {
    return this.header.number
  }

  /** DER bytes that hash and block signatures cover. */
  headerBytes(): Uint8Array {
    const { number, previousHash, dataHash } = this.header
    this.memo.headerBytes ??= blockHeaderBytes(number, previousHash, dataHash)
    return this.memo.headerBytes
  }

  /** The block hash: SHA-256 of the header bytes. */
  hash(): Uint8Array {
    this.memo.hash ??= sha256(this.headerBytes())
    return this.memo.hash
  }

  /** Whether the header's data hash is that of the data. Computed once. */
  hasDataHash(): boolean {
    this.memo.hasDataHash ??= Buffer.compare(blockDataHash(this.data), this.header.dataHash) === 0
    return this.memo.hasDataHash
  }

  /** @throws RangeError when the block has no envelope with this index */
  envelope(index: number): EnvelopeView {
    const bytes = this.data[index]
    if (bytes === undefined) throw new RangeError(`block ${this.number} has ${this.data.length} envelopes, no index ${index}`)
    const known = this.memo.envelopes[index]
    if (known !== undefined) return known
    const view = new EnvelopeView(bytes)
    this.memo.envelopes[index] = view
    return view
  }

  /** A metadata slot by BlockMetadataIndex; empty when the block does not have it. */
  metadataAt(index: number): Uint8Array {
    return this.metadata[index] ?? NONE
  }

  /** The block with other metadata in some slots. */
  withMetadata(slots: Readonly<Record<number, Uint8Array>>): Block {
    const metadata = [...this.metadata]
    for (const [index, value] of Object.entries(slots)) {
      while (metadata.length < Math.max(METADATA_SLOTS, Number(index) + 1)) metadata.push(NONE)
      metadata[Number(index)] = value
    }
    return new Block(this.header, this.data, metadata, this.memo)
  }

  /** The same block without what was decoded of it, which is ten times its size: for whoever keeps blocks. */
  undecoded(): Block {
    const block = new Block(this.header, this.data, this.metadata, { ...this.memo, envelopes: [] })
    block.encoded = this.encoded
    return block
  }

  /** Serialized common.Block; computed once. */
  encode(): Uint8Array {
    this.encoded ??= joinBytes(this.encodedFront(), this.encodedMetadata())
    return this.encoded
  }

  /**
   * Serialized common.Block in two pieces, header with data and metadata: the first, which is nearly all, is made once for all blocks
   * that share it, as the copies of the nodes of one process do.
   */
  encodedParts(): readonly [front: Uint8Array, metadata: Uint8Array] {
    return [this.encodedFront(), this.encodedMetadata()]
  }

  private encodedFront(): Uint8Array {
    this.memo.front ??= writeFront(this.header, this.data)
    return this.memo.front
  }

  private encodedMetadata(): Uint8Array {
    const writer = new Writer()
    writeList(writer, this.metadata, 0x1a)
    return writer.finish()
  }
}

function writeFront(header: BlockHeader, data: readonly Uint8Array[]): Uint8Array {
  const headerBytes = BlockHeaderMessage.encode(header)
  let size = 1024
  for (let i = 0; i < data.length; i++) size += data[i]!.length + 6
  const writer = new Writer(size)
  writeList(writer, data, 0x12)
  writer.byteString(headerBytes)
  writer.varint32(0x0a)
  return writer.finish()
}

/** A message whose only field, number 1, repeats byte strings, as an embedded field with this tag. */
function writeList(writer: Writer, list: readonly Uint8Array[], tag: number): void {
  const before = writer.written
  for (let i = list.length - 1; i >= 0; i--) {
    writer.byteString(list[i]!)
    writer.varint32(0x0a)
  }
  writer.varint32(writer.written - before)
  writer.varint32(tag)
}

/** SHA-256 of the envelopes, concatenated. */
export function blockDataHash(data: readonly Uint8Array[]): Uint8Array {
  return sha256(...data)
}
