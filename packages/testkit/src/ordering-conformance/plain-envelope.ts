import { type Block, ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '@heddle/core/model'
import type { Signer } from '@heddle/core/plugin'

/**
 * An envelope that ordering takes and nobody endorsed: it says `text`, padded to `size` bytes of content.
 *
 * @param number transaction id and nonce: no two envelopes of a client may have the same
 */
export async function plainEnvelope(
  client: Signer,
  channelId: string,
  number: number,
  text: string,
  size = 0,
): Promise<Uint8Array> {
  const payload = Payload.encode({
    header: {
      channelHeader: ChannelHeader.encode({ type: HeaderType.ENDORSER_TRANSACTION, channelId, txId: `${number}` }),
      signatureHeader: SignatureHeader.encode({ creator: client.identity, nonce: Buffer.from(`${number}`.padEnd(24)) }),
    },
    data: Buffer.from(`${text} `.padEnd(size, '.')),
  })
  return Envelope.encode({ payload, signature: await client.sign(payload) })
}

/** What the envelopes of blocks say, without the padding. */
export function textsOf(blocks: readonly Block[]): string[] {
  return blocks
    .filter((block) => block.number > 0 && block.envelope(0).type !== HeaderType.CONFIG)
    .flatMap((block) => block.data.map((_, i) => Buffer.from(block.envelope(i).data).toString().split(' ')[0]!))
}
