/** Encoders that write several nested levels into one buffer, for messages that every transaction makes. Bytes equal the generic codec's. */
import { HashedRWSet, KVRWSet } from './messages/kv-rwset.ts'
import { ChaincodeAction } from './messages/proposal.ts'
import type { Endorsement } from './messages/proposal-response.ts'
import type { Input } from './protobuf/message.ts'
import { Writer } from './protobuf/writer.ts'

/** Writes a non-empty byte string field, as proto3 leaves out the empty one. */
function bytesField(writer: Writer, tag: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return
  writer.byteString(bytes)
  writer.varint32(tag)
}

/** Ends a length-delimited field whose content was written since `before`. */
function close(writer: Writer, tag: number, before: number): void {
  writer.varint32(writer.written - before)
  writer.varint32(tag)
}

function encodeWith(capacity: number, body: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(capacity)
  try {
    body(writer)
  } catch (error) {
    writer.release()
    throw error
  }
  return writer.finish()
}

/** What an endorser transaction is made of; all bytes as they were signed. */
export interface TransactionParts {
  readonly channelHeader: Uint8Array
  readonly signatureHeader: Uint8Array
  /** Without transient data. */
  readonly chaincodeProposalPayload: Uint8Array
  readonly proposalResponsePayload: Uint8Array
  readonly endorsements: readonly Readonly<Endorsement>[]
}

/** Serialized common.Payload of an endorser transaction with one action: what the client signs. */
export function encodeTransactionPayload(parts: TransactionParts): Uint8Array {
  return encodeWith(16 * 1024, (writer) => {
    writeActionPayload(writer, parts)
    close(writer, 0x12, 0)
    bytesField(writer, 0x0a, parts.signatureHeader)
    close(writer, 0x0a, 0)
    // Payload.data holds the Transaction written so far.
    close(writer, 0x12, 0)
    const header = writer.written
    bytesField(writer, 0x12, parts.signatureHeader)
    bytesField(writer, 0x0a, parts.channelHeader)
    close(writer, 0x0a, header)
  })
}

function writeActionPayload(writer: Writer, parts: TransactionParts): void {
  for (let i = parts.endorsements.length - 1; i >= 0; i--) {
    const { endorser, signature } = parts.endorsements[i]!
    const before = writer.written
    bytesField(writer, 0x12, signature)
    bytesField(writer, 0x0a, endorser)
    close(writer, 0x12, before)
  }
  bytesField(writer, 0x0a, parts.proposalResponsePayload)
  close(writer, 0x12, 0)
  bytesField(writer, 0x0a, parts.chaincodeProposalPayload)
}

/** Serialized protos.ProposalResponsePayload: what endorsers sign, each with its own identity appended. */
export function encodeProposalResponsePayload(proposalHash: Uint8Array, action: Input<ChaincodeAction>): Uint8Array {
  return encodeWith(1024, (writer) => {
    writeAsBytes(writer, 0x12, ChaincodeAction, action)
    bytesField(writer, 0x0a, proposalHash)
  })
}

/** A read-write set to encode; the caller sorts namespaces, collections and keys. */
export interface TxRwSetInput {
  readonly namespaces: readonly {
    readonly namespace: string
    readonly kv: Input<KVRWSet>
    readonly collections?: readonly {
      readonly name: string
      readonly hashed: Input<HashedRWSet>
      readonly pvtRwsetHash: Uint8Array
    }[]
  }[]
}

/** Serialized rwset.TxReadWriteSet. */
export function encodeTxRwSet(set: TxRwSetInput): Uint8Array {
  return encodeWith(1024, (writer) => {
    for (let i = set.namespaces.length - 1; i >= 0; i--) {
      const { namespace, kv, collections = [] } = set.namespaces[i]!
      const before = writer.written
      for (let j = collections.length - 1; j >= 0; j--) {
        const { name, hashed, pvtRwsetHash } = collections[j]!
        const inner = writer.written
        bytesField(writer, 0x1a, pvtRwsetHash)
        writeAsBytes(writer, 0x12, HashedRWSet, hashed)
        writeName(writer, name)
        close(writer, 0x1a, inner)
      }
      writeAsBytes(writer, 0x12, KVRWSet, kv)
      writeName(writer, namespace)
      close(writer, 0x12, before)
    }
  })
}

/** A bytes field that holds a serialized message: left out when that is empty. */
function writeAsBytes<T>(writer: Writer, tag: number, type: { write(value: T, writer: Writer): void }, value: T): void {
  const before = writer.written
  type.write(value, writer)
  if (writer.written > before) close(writer, tag, before)
}

function writeName(writer: Writer, name: string): void {
  if (name === '') return
  writer.string(name)
  writer.varint32(0x0a)
}
