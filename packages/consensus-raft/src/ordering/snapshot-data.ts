import { ByteReader, ByteWriter, MalformedError } from '../messages/bytes.ts'

/** What a snapshot says of the chain: its blocks are pulled, not sent. */
export interface SnapshotData {
  /** Of the last block of the entries that the snapshot stands for. */
  readonly number: number
  readonly headerHash: Uint8Array
  readonly consenterMetadata: Uint8Array
}

const VERSION = 1

export function encodeSnapshotData({ number, headerHash, consenterMetadata }: SnapshotData): Uint8Array {
  return new ByteWriter().u8(VERSION).varint(number).bytes(headerHash).bytes(consenterMetadata).done().slice()
}

/** Undefined when the bytes are none. */
export function decodeSnapshotData(bytes: Uint8Array): SnapshotData | undefined {
  try {
    const reader = new ByteReader(bytes)
    if (reader.u8() !== VERSION) return undefined
    const data = { number: reader.varint(), headerHash: reader.bytes(), consenterMetadata: reader.bytes() }
    reader.end()
    return data
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
