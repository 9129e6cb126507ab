import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader } from '../../model/messages/common.ts'
import { ConfigSignature, ConfigUpdate, ConfigUpdateEnvelope } from '../../model/messages/configtx.ts'
import type { Signer } from '../../ports/identity.ts'

/** What a header needs from the environment. */
export interface HeaderSeed {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** 24 random bytes. */
  readonly nonce: Uint8Array
}

/**
 * Signs a serialized ConfigUpdate. Administrators of several organisations do so apart; their signatures travel as bytes
 * of common.ConfigSignature.
 */
export async function signConfigUpdate(update: Uint8Array, signer: Signer, nonce: Uint8Array): Promise<ConfigSignature> {
  const signatureHeader = SignatureHeader.encode({ creator: signer.identity, nonce })
  return { signatureHeader, signature: await signer.sign(Buffer.concat([signatureHeader, update])) }
}

/**
 * The CONFIG_UPDATE envelope for the ordering service: the update with its signatures, submitted and signed by one client.
 *
 * @throws DecodeError when `update` is no ConfigUpdate
 */
export function configUpdateEnvelope(
  update: Uint8Array,
  signatures: readonly ConfigSignature[],
  submitter: Signer,
  seed: HeaderSeed,
): Promise<Uint8Array> {
  const { channelId } = ConfigUpdate.decode(update)
  const data = ConfigUpdateEnvelope.encode({ configUpdate: update, signatures })
  return signedEnvelope(HeaderType.CONFIG_UPDATE, channelId, data, submitter, seed)
}

/** The CONFIG envelope that an ordering node makes of a config update which it found good. */
export function configEnvelope(channel: string, data: Uint8Array, orderer: Signer, seed: HeaderSeed): Promise<Uint8Array> {
  return signedEnvelope(HeaderType.CONFIG, channel, data, orderer, seed)
}

async function signedEnvelope(
  type: number,
  channelId: string,
  data: Uint8Array,
  signer: Signer,
  { timestamp, nonce }: HeaderSeed,
): Promise<Uint8Array> {
  const payload = Payload.encode({
    header: {
      channelHeader: ChannelHeader.encode({ type, channelId, timestamp: { seconds: Math.floor(timestamp / 1000), nanos: 0 } }),
      signatureHeader: SignatureHeader.encode({ creator: signer.identity, nonce }),
    },
    data,
  })
  return Envelope.encode({ payload, signature: await signer.sign(payload) })
}
