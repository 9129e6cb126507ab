import { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { BlockMetadataIndex, LastConfig, Metadata, OrdererBlockMetadata } from '../../model/messages/common.ts'
import type { Batch, Decision, Tip } from '../../ports/ordering-service.ts'

const NONE = new Uint8Array(0)

/** Bytes of a batch's entries, in order. */
export function batchData(batch: Batch): Uint8Array[] {
  return batch.envelopes.map((envelope) => (envelope instanceof Uint8Array ? envelope : envelope.bytes))
}

/** The block that a batch makes after a parent; metadata still empty. */
export function nextBlock(parent: { readonly number: number; readonly headerHash: Uint8Array }, batch: Batch): Block {
  const views = batch.envelopes.map((envelope): EnvelopeView | undefined =>
    envelope instanceof Uint8Array ? undefined : envelope,
  )
  return Block.create(parent.number + 1, parent.headerHash, batchData(batch), views)
}

/**
 * What block signatures cover besides header and signature header: OrdererBlockMetadata, equal on all orderers.
 * Fabric wraps the plugin's bytes in one more Metadata message.
 */
export function ordererMetadata(lastConfig: number, consenterMetadata: Uint8Array): Uint8Array {
  return OrdererBlockMetadata.encode({
    lastConfig: { index: lastConfig },
    consenterMetadata: Metadata.encode({ value: consenterMetadata }),
  })
}

/** The bytes under a block signature: OrdererBlockMetadata, signature header, block header in DER. */
export function signedBytes(metadata: Uint8Array, signatureHeader: Uint8Array, headerBytes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(metadata.length + signatureHeader.length + headerBytes.length)
  bytes.set(metadata)
  bytes.set(signatureHeader, metadata.length)
  bytes.set(headerBytes, metadata.length + signatureHeader.length)
  return bytes
}

/** The block with the orderers' slots filled; those of the peers (validation flags, commit hash) stay present and empty. */
export function sealBlock(
  block: Block,
  lastConfig: number,
  metadata: Uint8Array,
  signatures: NonNullable<Decision['signatures']>,
): Block {
  return block.withMetadata({
    [BlockMetadataIndex.SIGNATURES]: Metadata.encode({ value: metadata, signatures }),
    [BlockMetadataIndex.LAST_CONFIG]: Metadata.encode({ value: LastConfig.encode({ index: lastConfig }) }),
  })
}

/** The end of the chain, read from its last block. @throws DecodeError for metadata that no orderer wrote */
export function tipOf(block: Block): Tip {
  const { lastConfig, consenterMetadata } = ordererFields(block)
  return { number: block.number, headerHash: block.hash(), lastConfig, consenterMetadata }
}

function ordererFields(block: Block): { lastConfig: number; consenterMetadata: Uint8Array } {
  const value = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES)).value
  // The genesis block is signed by nobody; it is its own configuration.
  if (block.number === 0 || value.length === 0) return { lastConfig: 0, consenterMetadata: NONE }
  const { lastConfig, consenterMetadata } = OrdererBlockMetadata.decode(value)
  return {
    lastConfig: Number(lastConfig?.index ?? 0),
    consenterMetadata: consenterMetadata.length === 0 ? NONE : Metadata.decode(consenterMetadata).value,
  }
}
