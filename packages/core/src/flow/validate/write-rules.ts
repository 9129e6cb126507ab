import { type KVMetadataEntry, KVMetadataWrite } from '../../model/messages/kv-rwset.ts'
import { hashedNamespace } from '../../model/namespace.ts'
import type { TxRwSet } from '../../model/rwset-view.ts'
import type { Height, Namespace } from '../../ports/state-db.ts'
import { type BlockState, keyOfHash } from './block-state.ts'
import type { UpdateBatch } from './update-batch.ts'

/**
 * What one transaction does to one key. Fabric adds the flags of the operations up in one byte, so that an operation that occurs twice
 * on a key (which no simulation produces, but endorsers may sign) reads as another one; peers must agree, so the sum is kept.
 */
const UPSERT = 1
const SET_METADATA = 2
const DELETE_METADATA = 4
const DELETE = 8

interface Operation {
  flags: number
  value: Uint8Array | undefined
  metadata: Uint8Array | undefined
}

type Operations = Map<Namespace, Map<string, Operation>>

const HASH_OF_NOTHING = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')

/**
 * Adds the writes of a valid transaction to the block's updates.
 *
 * - An empty value is a delete; a delete drops the metadata.
 * - A value without metadata keeps the metadata that the key has, metadata without a value keeps the value: both as of the block's
 *   earlier transactions.
 * - Metadata on a key that is absent, or was deleted earlier in the block, does nothing.
 *
 * Fabric: core/ledger/kvledger/txmgmt/validation/tx_ops.go.
 */
export function applyWrites(rwset: TxRwSet, version: Height, state: BlockState, updates: UpdateBatch): void {
  if (applySimple(rwset, version, state, updates)) return
  for (const [namespace, keys] of collect(rwset)) {
    for (const [key, operation] of keys) applyOperation(namespace, key, operation, version, state, updates)
  }
}

/** The usual transaction writes public values only, and no key twice: no need to collect operations first. */
function applySimple(rwset: TxRwSet, version: Height, state: BlockState, updates: UpdateBatch): boolean {
  for (const { kv, collections } of rwset.namespaces) {
    if (collections.length > 0 || kv.metadataWrites.length > 0 || kv.writes.length > 8) return false
    const writes = kv.writes
    for (let i = 1; i < writes.length; i++) {
      for (let j = 0; j < i; j++) if (writes[i]!.key === writes[j]!.key) return false
    }
  }
  for (const { namespace, kv } of rwset.namespaces) {
    for (const { key, isDelete, value } of kv.writes) {
      if (isDelete || value.length === 0) updates.set(namespace, key, undefined, undefined, version)
      else updates.set(namespace, key, value, latest(namespace, key, state, updates)?.metadata, version)
    }
  }
  return true
}

function collect(rwset: TxRwSet): Operations {
  const operations: Operations = new Map()
  for (const { namespace, kv, collections } of rwset.namespaces) {
    for (const { key, isDelete, value } of kv.writes) write(operations, namespace, key, isDelete ? undefined : value)
    for (const { key, entries } of kv.metadataWrites) writeMetadata(operations, namespace, key, entries)
    for (const { name, hashed } of collections) {
      const inCollection = hashedNamespace(namespace, name)
      for (const { keyHash, isDelete, valueHash } of hashed.hashedWrites) {
        const deletes = isDelete || HASH_OF_NOTHING.equals(valueHash)
        write(operations, inCollection, keyOfHash(keyHash), deletes ? undefined : valueHash)
      }
      for (const { keyHash, entries } of hashed.metadataWrites)
        writeMetadata(operations, inCollection, keyOfHash(keyHash), entries)
    }
  }
  return operations
}

function write(operations: Operations, namespace: Namespace, key: string, value: Uint8Array | undefined): void {
  const operation = operationOn(operations, namespace, key)
  if (value === undefined || value.length === 0) operation.flags += DELETE
  else {
    operation.flags += UPSERT
    operation.value = value
  }
}

function writeMetadata(operations: Operations, namespace: Namespace, key: string, entries: readonly KVMetadataEntry[]): void {
  const operation = operationOn(operations, namespace, key)
  if (entries.length === 0) operation.flags += DELETE_METADATA
  else {
    operation.flags += SET_METADATA
    operation.metadata = KVMetadataWrite.encode({ entries })
  }
}

function operationOn(operations: Operations, namespace: Namespace, key: string): Operation {
  let keys = operations.get(namespace)
  if (keys === undefined) {
    keys = new Map()
    operations.set(namespace, keys)
  }
  let operation = keys.get(key)
  if (operation === undefined) {
    operation = { flags: 0, value: undefined, metadata: undefined }
    keys.set(key, operation)
  }
  return operation
}

function applyOperation(
  namespace: Namespace,
  key: string,
  { flags, value, metadata }: Operation,
  version: Height,
  state: BlockState,
  updates: UpdateBatch,
): void {
  // Go's byte wraps.
  const sum = flags & 0xff
  if ((sum & DELETE) !== 0) {
    updates.set(namespace, key, undefined, undefined, version)
    return
  }
  if ((sum & UPSERT) !== 0 && (sum & (SET_METADATA | DELETE_METADATA)) !== 0) {
    updates.set(namespace, key, value, metadata, version)
    return
  }
  const before = latest(namespace, key, state, updates)
  if (sum === UPSERT || sum === 0) updates.set(namespace, key, value, before?.metadata, version)
  else if (before?.value !== undefined) updates.set(namespace, key, before.value, metadata, version)
}

function latest(namespace: Namespace, key: string, state: BlockState, updates: UpdateBatch) {
  return updates.get(namespace, key) ?? state.get(namespace, key)
}
