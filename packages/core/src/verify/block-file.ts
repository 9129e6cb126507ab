import { checkData, isConfigBlock } from '../channel/block/block-acceptance.ts'
import { BlockRefused } from '../channel/block/errors.ts'
import { Block, blockDataHash } from '../model/block.ts'
import { BlockMetadataIndex, LastConfig, Metadata, OrdererBlockMetadata } from '../model/messages/common.ts'
import { DecodeError } from '../model/protobuf/errors.ts'
import type { Difference, DifferenceKind } from './report.ts'

/** A stored block, as a source of blocks gives it. */
export interface StoredBlock {
  /** Number under which it is stored. */
  readonly number: number
  /** Where it was found, for messages. */
  readonly place: string
  /** Undefined when it should be there and is not, with the reason in `problem`. */
  readonly bytes: Uint8Array | undefined
  readonly problem?: string
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const SLOTS = 5

/** Decodes a stored block; a difference when it is not there, or not in the one encoding that a block has. */
export function readStored({ number, place, bytes, problem }: StoredBlock): Block | Difference {
  const differs = (expected: string, got: string): Difference => ({
    block: number,
    transaction: null,
    what: 'file',
    expected,
    got,
  })
  if (bytes === undefined) return differs(`block ${number} in ${place}`, problem ?? 'nothing')
  try {
    const block = Block.decode(bytes)
    const encoded = block.encode()
    if (Buffer.compare(encoded, bytes) === 0) return block
    const at = firstDifferentByte(encoded, bytes)
    return differs(`a block in canonical encoding in ${place}`, `${bytes.length} bytes that deviate from byte ${at} on`)
  } catch (error) {
    if (error instanceof DecodeError)
      return differs(`a block in ${place}`, `${bytes.length} bytes that are none: ${error.message}`)
    throw error
  }
}

/** Number, previous hash and data hash of a block, against the chain before it. */
export function chainDifferences(block: Block, number: number, lastHash: Uint8Array): Difference[] {
  const differences: Difference[] = []
  const differs = (what: DifferenceKind, expected: string, got: string): void => {
    differences.push({ block: number, transaction: null, what, expected, got })
  }
  if (block.number !== number) differs('number', `${number}`, `${block.number}`)
  if (Buffer.compare(block.header.previousHash, lastHash) !== 0)
    differs('previous-hash', hexOf(lastHash), hexOf(block.header.previousHash))
  if (!block.hasDataHash()) differs('data-hash', hexOf(block.header.dataHash), hexOf(blockDataHash(block.data)))
  return differences
}

/** Form and channel of the transactions of a block whose data hash holds. */
export function dataDifference(block: Block, channel: string): Difference | undefined {
  try {
    checkData(block, channel)
    return undefined
  } catch (error) {
    if (!(error instanceof BlockRefused)) throw error
    if (error.code === 'BLOCK_WRONG_DATA_HASH') return undefined
    const { transaction } = error.data as { transaction?: number }
    const expected = `canonical envelopes of channel ${channel}`
    return { block: block.number, transaction: transaction ?? null, what: 'data', expected, got: error.message }
  }
}

/**
 * The metadata that no signature covers: the slots of the last config block and of the orderer, and the form of the signatures. The
 * genesis block carries no signatures.
 *
 * @param lastConfig number of the last config block, this one included
 */
export function metadataDifferences(block: Block, lastConfig: number): Difference[] {
  const differences: Difference[] = []
  const differs = (what: DifferenceKind, expected: string, got: string): void => {
    differences.push({ block: block.number, transaction: null, what, expected, got })
  }
  if (block.metadata.length !== SLOTS) differs('metadata', `${SLOTS} metadata slots`, `${block.metadata.length}`)
  const extra = block.metadata.findIndex(
    (slot, index) => slot.length > 0 && (index === BlockMetadataIndex.ORDERER || index >= SLOTS),
  )
  if (extra >= 0) differs('metadata', `nothing in metadata slot ${extra}`, hexOf(block.metadataAt(extra)))

  const slot = block.metadataAt(BlockMetadataIndex.LAST_CONFIG)
  const stated = Metadata.encode({ value: LastConfig.encode({ index: lastConfig }) })
  if (slot.length > 0 && Buffer.compare(slot, stated) !== 0) differs('last-config', hexOf(stated), hexOf(slot))
  checkSignatureSlot(block, lastConfig, differs)
  return differences
}

/** Number of the last config block after this one. */
export function lastConfigAfter(block: Block, before: number): number {
  return isConfigBlock(block) ? block.number : before
}

function checkSignatureSlot(
  block: Block,
  lastConfig: number,
  differs: (what: DifferenceKind, expected: string, got: string) => void,
): void {
  const slot = block.metadataAt(BlockMetadataIndex.SIGNATURES)
  const isGenesis = block.number === 0
  if (isGenesis && slot.length === 0) return
  try {
    const metadata = Metadata.decode(slot)
    if (Buffer.compare(Metadata.encode(metadata), slot) !== 0) {
      differs('signatures', 'block signatures in canonical encoding', hexOf(slot))
      return
    }
    const orderer = OrdererBlockMetadata.decode(metadata.value)
    const index = orderer.lastConfig?.index ?? 0
    if (index !== lastConfig) differs('last-config', `${lastConfig}`, `${index}`)
    // A signature names its signer in one way; what stands in the other is covered by nothing.
    const ambiguous = metadata.signatures.some((each) => each.signatureHeader.length > 0 && each.identifierHeader.length > 0)
    if (ambiguous) differs('signatures', 'one header for each signature', 'two')
    if (!isGenesis) return
    const plain = OrdererBlockMetadata.encode({ lastConfig: { index: 0 }, consenterMetadata: orderer.consenterMetadata })
    if (metadata.signatures.length > 0 || Buffer.compare(plain, metadata.value) !== 0) {
      differs('signatures', 'no signatures in the genesis block', hexOf(slot))
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    differs('signatures', 'block signatures', error.message)
  }
}

function firstDifferentByte(a: Uint8Array, b: Uint8Array): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}
