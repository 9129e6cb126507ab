import { isCanonicalEnvelope } from './canonical-envelope.ts'
import { EndorserTransactionView } from './endorser-transaction-view.ts'
import { decodeChannelHeader, decodeEnvelope, decodePayload, decodeSignatureHeader } from './hot-codec.ts'
import type { ChannelHeader, Envelope, Payload, SignatureHeader } from './messages/common.ts'
import { plainBytes } from './protobuf/reader.ts'
import { sha256Hex } from './sha256.ts'

const NONE = new Uint8Array(0)

/**
 * An envelope as it was received: keeps the original bytes, decodes each level when it is first asked for, and remembers it.
 * Immutable, so that all nodes of a process may share one. Byte values are views of the original: never change them.
 *
 * Every getter throws DecodeError when its level, or one above, does not decode; levels above are still readable then.
 */
export class EnvelopeView {
  readonly bytes: Uint8Array
  private envelope: Envelope | undefined
  private decodedPayload: Payload | undefined
  private channel: ChannelHeader | undefined
  private signer: SignatureHeader | undefined
  private endorserTransaction: EndorserTransactionView | undefined
  private digest: string | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = plainBytes(bytes)
  }

  /** The signed bytes: a serialized common.Payload. */
  get payload(): Uint8Array {
    return this.outer().payload
  }

  get signature(): Uint8Array {
    return this.outer().signature
  }

  /** Whether the payload has a header at all; without one, both headers read as empty. */
  get hasHeader(): boolean {
    return this.inner().header !== undefined
  }

  get channelHeaderBytes(): Uint8Array {
    return this.inner().header?.channelHeader ?? NONE
  }

  get signatureHeaderBytes(): Uint8Array {
    return this.inner().header?.signatureHeader ?? NONE
  }

  /** What the envelope carries: a serialized Transaction, ConfigEnvelope or other message, by `type`. */
  get data(): Uint8Array {
    return this.inner().data
  }

  get channelHeader(): Readonly<ChannelHeader> {
    this.channel ??= decodeChannelHeader(this.channelHeaderBytes)
    return this.channel
  }

  get signatureHeader(): Readonly<SignatureHeader> {
    this.signer ??= decodeSignatureHeader(this.signatureHeaderBytes)
    return this.signer
  }

  /** A HeaderType. */
  get type(): number {
    return this.channelHeader.type
  }

  get channelId(): string {
    return this.channelHeader.channelId
  }

  /** As the header states it; whether it is the hash of nonce and creator is for validation to see. */
  get txId(): string {
    return this.channelHeader.txId
  }

  /** SerializedIdentity bytes. */
  get creator(): Uint8Array {
    return this.signatureHeader.creator
  }

  get nonce(): Uint8Array {
    return this.signatureHeader.nonce
  }

  /** `data` read as an endorser transaction, whatever `type` says. */
  get transaction(): EndorserTransactionView {
    this.endorserTransaction ??= new EndorserTransactionView(this.data)
    return this.endorserTransaction
  }

  /** See {@link isCanonicalEnvelope}. */
  get isCanonical(): boolean {
    return isCanonicalEnvelope(this.bytes)
  }

  /** SHA-256 of the bytes, in lower-case hex: tells a resent envelope from another one with the same transaction id. */
  hash(): string {
    this.digest ??= sha256Hex(this.bytes)
    return this.digest
  }

  private outer(): Envelope {
    this.envelope ??= decodeEnvelope(this.bytes)
    return this.envelope
  }

  private inner(): Payload {
    this.decodedPayload ??= decodePayload(this.outer().payload)
    return this.decodedPayload
  }
}
