import { ByteReader, ByteWriter, MalformedError } from '../messages/bytes.ts'

/*
 * What entries of the log hold for the ordering service. `normal`: the envelopes of one block. `config`: the config envelope, and the consenter
 * ids that are in force from its block on: block and membership stand in one entry, so that no leader has to guess the one from the other.
 */

const VERSION = 1

/** Ids of the consenters, in the order of the channel configuration, and the next free one: etcdraft.BlockMetadata without its index. */
export interface ConsenterIds {
  readonly ids: readonly number[]
  readonly next: number
}

export interface ConfigPayload {
  readonly envelope: Uint8Array
  readonly consenters: ConsenterIds
}

export function encodeBatch(envelopes: readonly Uint8Array[]): Uint8Array {
  let size = 16
  for (const envelope of envelopes) size += envelope.length + 8
  const into = new ByteWriter(size).u8(VERSION).varint(envelopes.length)
  for (const envelope of envelopes) into.bytes(envelope)
  return into.done()
}

/** Views of the payload. Undefined when it is no batch. */
export function decodeBatch(payload: Uint8Array): readonly Uint8Array[] | undefined {
  return reading(payload, (reader) => {
    const count = reader.count()
    return count === 0 ? undefined : Array.from({ length: count }, () => reader.bytes())
  })
}

export function encodeConfig({ envelope, consenters }: ConfigPayload): Uint8Array {
  const into = new ByteWriter(envelope.length + 64).u8(VERSION).varint(consenters.next).varint(consenters.ids.length)
  for (const id of consenters.ids) into.varint(id)
  return into.bytes(envelope).done()
}

/** Undefined when it is no config payload. */
export function decodeConfig(payload: Uint8Array): ConfigPayload | undefined {
  return reading(payload, (reader) => {
    const next = reader.varint()
    const ids = Array.from({ length: reader.count() }, () => reader.varint())
    return { consenters: { ids, next }, envelope: reader.bytes() }
  })
}

function reading<T>(payload: Uint8Array, read: (reader: ByteReader) => T | undefined): T | undefined {
  try {
    const reader = new ByteReader(payload)
    if (reader.u8() !== VERSION) return undefined
    const value = read(reader)
    reader.end()
    return value
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
