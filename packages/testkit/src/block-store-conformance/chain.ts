import { Block, ChannelHeader, Envelope, Payload } from '@heddle/core/model'

/** A serialized envelope that a block store can find by transaction id. */
export function sampleEnvelope(txId: string, size = 100): Uint8Array {
  const channelHeader = ChannelHeader.encode({ type: 3, channelId: 'sample', txId })
  const payload = Payload.encode({
    header: { channelHeader, signatureHeader: new Uint8Array(0) },
    data: new Uint8Array(size).fill(7),
  })
  return Envelope.encode({ payload, signature: new Uint8Array(70) })
}

/** A chain of blocks with the given transactions, flagged with the given codes (0 where none is given). */
export function sampleChain(
  transactions: readonly (readonly string[])[],
  options: { size?: number; codes?: Readonly<Record<number, readonly number[]>>; after?: Block } = {},
): Block[] {
  const blocks: Block[] = []
  let previous = options.after
  for (const txIds of transactions) {
    const number = previous === undefined ? 0 : previous.number + 1
    const data = txIds.map((txId) => sampleEnvelope(txId, options.size))
    const flags = Uint8Array.from(txIds, (_, i) => options.codes?.[number]?.[i] ?? 0)
    const block = Block.create(number, previous?.hash() ?? new Uint8Array(0), data).withMetadata({ 2: flags })
    blocks.push(block)
    previous = block
  }
  return blocks
}

/** A chain of `length` blocks of `width` transactions with ids of their own. */
export function longChain(length: number, width = 2, size?: number): Block[] {
  const transactions = Array.from({ length }, (_, number) => Array.from({ length: width }, (_, i) => `tx-${number}-${i}`))
  return sampleChain(transactions, size === undefined ? {} : { size })
}
