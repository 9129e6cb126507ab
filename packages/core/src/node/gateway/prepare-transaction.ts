import type { ParsedProposal } from '../../flow/endorse/proposal.ts'
import type { Endorsement } from '../../model/messages/proposal-response.ts'
import { Writer } from '../../model/protobuf/writer.ts'

/** Room for the lengths and tags around the parts. */
const AROUND = 256

/**
 * The payload of an envelope, serialized, from a proposal and its endorsements: what the client signs. Transient data stays behind.
 *
 * Payload { header, data: Transaction { actions { header, payload: ChaincodeActionPayload } } }, written in one pass into one buffer,
 * from the end to the beginning; a test compares it with what the declared messages make.
 */
export function transactionPayload(
  { header, signatureHeader, input }: Pick<ParsedProposal, 'header' | 'signatureHeader' | 'input'>,
  responsePayload: Uint8Array,
  endorsements: readonly Pick<Endorsement, 'endorser' | 'signature'>[],
): Uint8Array {
  let size = AROUND + header.length + signatureHeader.length + input.length + responsePayload.length
  for (const { endorser, signature } of endorsements) size += endorser.length + signature.length + 16
  const writer = new Writer(size)
  const close = (end: number, tag: number): void => {
    writer.varint32(writer.written - end)
    writer.varint32(tag)
  }
  const field = (bytes: Uint8Array, tag: number): void => {
    if (bytes.length === 0) return
    writer.byteString(bytes)
    writer.varint32(tag)
  }
  const end = writer.written
  for (let i = endorsements.length - 1; i >= 0; i--) {
    const endorsement = writer.written
    field(endorsements[i]!.signature, 0x12)
    field(endorsements[i]!.endorser, 0x0a)
    close(endorsement, 0x12)
  }
  field(responsePayload, 0x0a)
  close(end, 0x12)
  const proposed = writer.written
  field(input, 0x0a)
  // An empty payload is left out, as every empty byte string is.
  if (writer.written > proposed) close(proposed, 0x0a)
  close(end, 0x12)
  field(signatureHeader, 0x0a)
  close(end, 0x0a)
  close(end, 0x12)
  writer.byteString(header)
  writer.varint32(0x0a)
  return writer.finish()
}
