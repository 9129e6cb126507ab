import { createHash } from 'node:crypto'
import { type Block, BlockMetadataIndex, HeaderType, Metadata } from '@heddle/core/model'
import { channelConfigFromBlock } from '@heddle/core/testing'
import { keyedHashProvider } from '../ordering-conformance/keyed-hash-identity.ts'
import type { EnvelopeRecord } from './clients.ts'

/** A rule that did not hold. */
export interface Violation {
  readonly checker: string
  readonly message: string
  /** Virtual milliseconds. */
  readonly time: number
}

export type Violate = (checker: string, message: string) => void

/** A block as the channel has it for good: the first durable copy anywhere. */
export interface AgreedBlock {
  readonly block: Block
  /** What block signatures cover besides the header: OrdererBlockMetadata. */
  readonly metadata: Uint8Array
  readonly isConfig: boolean
}

/**
 * Watches every block that becomes durable at any node, with its own eyes: it hashes headers itself and takes no word for it.
 *
 * Agreement: header, data and OrdererBlockMetadata of a height are equal on all nodes, for ever. Integrity: heights without gaps, hash
 * chain, data hash, batch limits of the configuration in force. Validity: what stands in a block a client sent.
 */
export class ChainChecker {
  readonly agreed: AgreedBlock[] = []
  readonly #violate: Violate
  readonly #find: (envelope: Uint8Array) => EnvelopeRecord | undefined
  /** Config updates that were sent, as they stand in config blocks. */
  readonly #isUpdate: (envelope: Uint8Array) => boolean
  readonly #durable = new Map<string, number>()
  #limits = { maxMessageCount: 0, preferredMaxBytes: 0, absoluteMaxBytes: 0 }
  #sequence = 0
  #lastHash: Uint8Array = new Uint8Array(0)

  constructor(parts: {
    readonly genesis: Block
    readonly violate: Violate
    readonly find: (envelope: Uint8Array) => EnvelopeRecord | undefined
    readonly isUpdate: (envelope: Uint8Array) => boolean
  }) {
    this.#violate = parts.violate
    this.#find = parts.find
    this.#isUpdate = parts.isUpdate
    this.#limits = channelConfigFromBlock(parts.genesis, keyedHashProvider).ordering.batchSize
    this.agreed.push({ block: parts.genesis, metadata: new Uint8Array(0), isConfig: true })
    this.#lastHash = headerHash(parts.genesis)
  }

  /** Number of blocks that were durable on some node. */
  get height(): number {
    return this.agreed.length
  }

  /** Of the last configuration that is agreed. */
  get sequence(): number {
    return this.#sequence
  }

  /** Blocks that a node has on its disk for certain. */
  durable(node: string): number {
    return this.#durable.get(node) ?? 0
  }

  /** A node's disk was lost or damaged: what it had is no promise any more. */
  forgive(node: string): void {
    this.#durable.set(node, 0)
  }

  /** A node opened its store after a restart. */
  reopened(node: string, height: number): void {
    const before = this.durable(node)
    if (height < before) this.#violate('durability', `${node} had ${before} durable blocks and has ${height} after its restart`)
    this.#durable.set(node, height)
  }

  /** A node says that blocks are durable. */
  stored(node: string, blocks: readonly Block[]): void {
    for (const block of blocks) {
      const expected = this.durable(node)
      if (block.number !== expected)
        this.#violate('contiguous heights', `${node} stored block ${block.number} where block ${expected} belongs`)
      this.#durable.set(node, block.number + 1)
      this.compare(node, block)
    }
  }

  /** A block as a node has it, against what was agreed; the first copy of a height is checked for itself. */
  compare(node: string, block: Block): void {
    const { number } = block
    const known = this.agreed[number]
    if (known === undefined) {
      if (number === this.height) this.#extend(node, block)
      else this.#violate('contiguous heights', `${node} has block ${number}, and nobody has block ${this.height}`)
      return
    }
    if (number === 0) return
    const why = difference(known, block)
    if (why !== undefined) this.#violate('agreement', `block ${number} of ${node} differs in its ${why}`)
  }

  /** An orderer told a client that its envelope stands in a block. */
  acknowledged(node: string, record: EnvelopeRecord, blockNumber: number): void {
    if (this.durable(node) <= blockNumber) {
      const text = `${node} acknowledged ${record.name} in block ${blockNumber}, of which it has ${this.durable(node)} durable`
      this.#violate('acknowledged before durable', text)
    }
    const agreed = this.agreed[blockNumber]
    if (agreed === undefined || !agreed.block.data.some((each) => Buffer.compare(each, record.bytes) === 0))
      this.#violate(
        'acknowledged is ordered',
        `${node} acknowledged ${record.name} in block ${blockNumber}, which does not hold it`,
      )
  }

  #extend(node: string, block: Block): void {
    const { number, data, header } = block
    const fail = (checker: string, why: string): void => this.#violate(checker, `block ${number} of ${node} ${why}`)
    if (Buffer.compare(header.previousHash, this.#lastHash) !== 0) fail('hash chain', 'does not name the hash of the one before')
    if (Buffer.compare(header.dataHash, dataHash(data)) !== 0) fail('hash chain', 'has a wrong data hash')
    if (data.length === 0) fail('integrity', 'is empty')
    const metadata = coveredMetadata(block)
    const isConfig = data.length > 0 && block.envelope(0).type === HeaderType.CONFIG
    if (isConfig) this.#config(block, fail)
    else this.#batch(block, fail)
    this.#lastHash = headerHash(block)
    this.agreed.push({ block, metadata, isConfig })
  }

  #batch(block: Block, fail: (checker: string, why: string) => void): void {
    const { maxMessageCount, preferredMaxBytes, absoluteMaxBytes } = this.#limits
    if (block.data.length > maxMessageCount)
      fail('batch limits', `holds ${block.data.length} envelopes, at most ${maxMessageCount} may`)
    let total = 0
    for (let i = 0; i < block.data.length; i++) {
      const record = this.#find(block.data[i]!)
      if (record === undefined) {
        fail('validity', `holds at ${i} what no client sent`)
        continue
      }
      record.blocks.push(block.number)
      total += record.size
      if (record.size > absoluteMaxBytes)
        fail(
          'stale configuration',
          `holds ${record.name} of ${record.size} bytes under configuration ${this.#sequence}, which takes ${absoluteMaxBytes}`,
        )
    }
    if (block.data.length > 1 && total > preferredMaxBytes)
      fail('batch limits', `holds ${block.data.length} envelopes of ${total} bytes, preferred are ${preferredMaxBytes}`)
  }

  #config(block: Block, fail: (checker: string, why: string) => void): void {
    if (block.data.length !== 1) fail('config blocks', 'does not stand alone')
    if (!this.#isUpdate(block.data[0]!)) fail('validity', 'carries a configuration that nobody asked for')
    const config = channelConfigFromBlock(block, keyedHashProvider)
    if (config.sequence !== this.#sequence + 1)
      fail('config blocks', `has configuration ${config.sequence} after ${this.#sequence}`)
    this.#sequence = config.sequence
    this.#limits = config.ordering.batchSize
  }
}

function difference(known: AgreedBlock, block: Block): string | undefined {
  const { block: agreed, metadata } = known
  if (agreed === block) return undefined
  if (Buffer.compare(agreed.header.previousHash, block.header.previousHash) !== 0) return 'previous hash'
  if (Buffer.compare(agreed.header.dataHash, block.header.dataHash) !== 0) return 'data hash'
  if (agreed.data.length !== block.data.length) return 'number of envelopes'
  for (let i = 0; i < agreed.data.length; i++) if (Buffer.compare(agreed.data[i]!, block.data[i]!) !== 0) return `envelope ${i}`
  if (Buffer.compare(metadata, coveredMetadata(block)) !== 0) return 'OrdererBlockMetadata'
  return undefined
}

function coveredMetadata(block: Block): Uint8Array {
  return Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES)).value
}

function dataHash(data: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const each of data) hash.update(each)
  return hash.digest()
}

/** SHA-256 of the DER form of a header, as Fabric computes it: SEQUENCE { INTEGER, OCTET STRING, OCTET STRING }. */
export function headerHash({ header }: Block): Uint8Array {
  let digits = header.number.toString(16)
  if (digits.length % 2 === 1) digits = `0${digits}`
  if (Number.parseInt(digits.slice(0, 2), 16) >= 0x80) digits = `00${digits}`
  const part = (tag: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([tag, bytes.length]), bytes])
  const body = [part(2, Buffer.from(digits, 'hex')), part(4, header.previousHash), part(4, header.dataHash)]
  return createHash('sha256')
    .update(part(0x30, Buffer.concat(body)))
    .digest()
}
