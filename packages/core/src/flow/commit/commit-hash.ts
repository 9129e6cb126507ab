import { Metadata } from '../../model/messages/common.ts'
import { Writer } from '../../model/protobuf/writer.ts'
import { sha256 } from '../../model/sha256.ts'
import type { Height, StateWrite } from '../../ports/state-db.ts'
import { CONFIG_NAMESPACE } from '../validate/config-state.ts'
import type { UpdateBatch } from '../validate/update-batch.ts'

const NONE = new Uint8Array(0)

/**
 * The commit hash of a block: equal on two peers as long as they came to the same flags and updates in this block and all before it.
 *
 * SHA-256 of the number of flags (varint), the flags, the updates and the commit hash of the previous block. The genesis block has none.
 *
 * Fabric: core/ledger/kvledger/kv_ledger.go, addBlockCommitHash.
 *
 * @param previous empty for block 1
 */
export function commitHash(flags: Uint8Array, updates: UpdateBatch, previous: Uint8Array): Uint8Array {
  return sha256(varint(flags.length), flags, updateBytes(updates), previous)
}

/** What a block carries in its COMMIT_HASH metadata. */
export function commitHashMetadata(hash: Uint8Array): Uint8Array {
  return Metadata.encode({ value: hash })
}

/** The commit hash in a COMMIT_HASH metadata slot; empty when there is none. */
export function commitHashOf(metadata: Uint8Array): Uint8Array {
  return metadata.length === 0 ? NONE : Metadata.decode(metadata).value
}

/**
 * The updates of a block in one encoding: in byte order of namespace, collection and key, as a list of { namespace 1, collection 2,
 * key 3, is_delete 4, value 5, version 6 }, in which namespace and collection stand in the first entry of each only. Metadata of keys
 * is not part of it, nor is the channel configuration.
 *
 * Fabric: core/ledger/kvledger/txmgmt/txmgr/update_batch_bytes.go.
 */
export function updateBytes(updates: UpdateBatch): Uint8Array {
  const writer = new Writer()
  const namespaces = updates.namespaces().filter((namespace) => namespace !== CONFIG_NAMESPACE)
  // The writer works from the end to the beginning.
  for (let i = namespaces.length - 1; i >= 0; i--) {
    const namespace = namespaces[i]!
    const [chaincode, collection] = partsOf(namespace)
    const isFirst = i === 0 || partsOf(namespaces[i - 1]!)[0] !== chaincode
    const keys = updates.sortedKeys(namespace)
    for (let k = keys.length - 1; k >= 0; k--) {
      const first = k === 0
      const name = first && isFirst ? chaincode : ''
      writeEntry(writer, updates.get(namespace, keys[k]!)!, name, first ? collection : '', collection !== undefined)
    }
  }
  return writer.finish()
}

/** Chaincode and collection of a state namespace. */
function partsOf(namespace: string): [chaincode: string, collection: string | undefined] {
  const end = namespace.indexOf('\u0000')
  return end < 0 ? [namespace, undefined] : [namespace.slice(0, end), namespace.slice(end + 1)]
}

function writeEntry(
  writer: Writer,
  write: StateWrite,
  namespace: string,
  collection: string | undefined,
  isHashed: boolean,
): void {
  const before = writer.written
  writeVersion(writer, write.version)
  if (write.value === undefined) {
    writer.varint32(1)
    writer.varint32(0x20)
  } else if (write.value.length > 0) {
    writer.byteString(write.value)
    writer.varint32(0x2a)
  }
  if (write.key !== '') {
    if (isHashed) writer.byteString(Buffer.from(write.key, 'hex'))
    else writer.string(write.key)
    writer.varint32(0x1a)
  }
  if (collection !== undefined && collection !== '') {
    writer.string(collection)
    writer.varint32(0x12)
  }
  if (namespace !== '') {
    writer.string(namespace)
    writer.varint32(0x0a)
  }
  writer.varint32(writer.written - before)
  writer.varint32(0x0a)
}

/** Each number as the count of its significant bytes, then those, big-endian: the encoding keeps the order of heights. */
function writeVersion(writer: Writer, { blockNumber, txNumber }: Height): void {
  const before = writer.written
  writeOrdered(writer, txNumber)
  writeOrdered(writer, blockNumber)
  writer.varint32(writer.written - before)
  writer.varint32(0x32)
}

function writeOrdered(writer: Writer, value: number): void {
  let count = 0
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256), count++) writer.raw([rest % 256])
  writer.varint32(count)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, rest)
}
