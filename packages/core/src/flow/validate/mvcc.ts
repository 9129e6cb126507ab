import type { Version } from '../../model/messages/kv-rwset.ts'
import { hashedNamespace } from '../../model/namespace.ts'
import type { NsRwSet, TxRwSet } from '../../model/rwset-view.ts'
import { TxValidationCode } from '../../model/validation-code.ts'
import type { Height, Namespace } from '../../ports/state-db.ts'
import { type BlockState, isPublicNamespace, keyOfHash } from './block-state.ts'
import { findPhantom } from './range-queries.ts'
import type { UpdateBatch } from './update-batch.ts'
import { sameVersion } from './versions.ts'

/** Why a transaction lost to another: for the client that will try again, and for logs. */
export interface Conflict {
  readonly code: typeof TxValidationCode.MVCC_READ_CONFLICT | typeof TxValidationCode.PHANTOM_READ_CONFLICT
  readonly namespace: Namespace
  /** The key that changed; of a phantom, the first one that differs (empty when only hashes differ). */
  readonly key: string
  /** Version that was read at simulation; undefined when the key was absent. */
  readonly read: Height | undefined
  /** Version now; undefined when the key is absent, or a deletion is pending. */
  readonly current: Height | undefined
}

/**
 * Checks what a transaction read against the committed state and the block's earlier valid transactions: for each namespace public
 * reads, then ranges, then hashed reads.
 *
 * Answers at once where no range has to be read again.
 *
 * Fabric: core/ledger/kvledger/txmgmt/validation/validator.go.
 */
export function findConflict(
  rwset: TxRwSet,
  state: BlockState,
  updates: UpdateBatch,
): Conflict | undefined | Promise<Conflict | undefined> {
  for (let i = 0; i < rwset.namespaces.length; i++) {
    const nsRwSet = rwset.namespaces[i]!
    if (nsRwSet.kv.rangeQueriesInfo.length > 0) return findConflictFrom(rwset, i, state, updates)
    const conflict = staleRead(nsRwSet, state, updates) ?? staleHashedRead(nsRwSet, state, updates)
    if (conflict !== undefined) return conflict
  }
  return undefined
}

async function findConflictFrom(
  rwset: TxRwSet,
  from: number,
  state: BlockState,
  updates: UpdateBatch,
): Promise<Conflict | undefined> {
  for (let i = from; i < rwset.namespaces.length; i++) {
    const nsRwSet = rwset.namespaces[i]!
    const conflict =
      staleRead(nsRwSet, state, updates) ?? (await phantom(nsRwSet, state, updates)) ?? staleHashedRead(nsRwSet, state, updates)
    if (conflict !== undefined) return conflict
  }
  return undefined
}

function staleRead({ namespace, kv }: NsRwSet, state: BlockState, updates: UpdateBatch): Conflict | undefined {
  const reads = kv.reads
  const visible = isPublicNamespace(namespace)
  for (let i = 0; i < reads.length; i++) {
    const { key, version } = reads[i]!
    // No public namespace holds U+0000: such a read finds nothing, least of all a collection's hashes.
    if (!visible && version !== undefined) return mvccConflict(namespace, key, version, undefined)
    const conflict = visible ? staleKey(namespace, key, version, state, updates) : undefined
    if (conflict !== undefined) return conflict
  }
  return undefined
}

function staleHashedRead({ namespace, collections }: NsRwSet, state: BlockState, updates: UpdateBatch): Conflict | undefined {
  if (collections.length === 0) return undefined
  for (const { name, hashed } of collections) {
    if (hashed.hashedReads.length === 0) continue
    const inCollection = hashedNamespace(namespace, name)
    for (const { keyHash, version } of hashed.hashedReads) {
      const conflict = staleKey(inCollection, keyOfHash(keyHash), version, state, updates)
      if (conflict !== undefined) return conflict
    }
  }
  return undefined
}

function staleKey(
  namespace: Namespace,
  key: string,
  version: Version | undefined,
  state: BlockState,
  updates: UpdateBatch,
): Conflict | undefined {
  const pending = updates.get(namespace, key)
  if (pending !== undefined) {
    return mvccConflict(namespace, key, version, pending.value === undefined ? undefined : pending.version)
  }
  const current = state.get(namespace, key)?.version
  return sameVersion(current, version) ? undefined : mvccConflict(namespace, key, version, current)
}

async function phantom({ namespace, kv }: NsRwSet, state: BlockState, updates: UpdateBatch): Promise<Conflict | undefined> {
  for (const query of kv.rangeQueriesInfo) {
    const key = await findPhantom(namespace, query, state, updates)
    if (key === undefined) continue
    const current = updates.get(namespace, key) ?? state.get(namespace, key)
    const read = query.rawReads?.kvReads.find((each) => each.key === key)?.version
    return { code: TxValidationCode.PHANTOM_READ_CONFLICT, namespace, key, read: heightOf(read), current: current?.version }
  }
  return undefined
}

function mvccConflict(namespace: Namespace, key: string, read: Version | undefined, current: Height | undefined): Conflict {
  return { code: TxValidationCode.MVCC_READ_CONFLICT, namespace, key, read: heightOf(read), current }
}

function heightOf(version: Version | undefined): Height | undefined {
  return version === undefined ? undefined : { blockNumber: Number(version.blockNum), txNumber: Number(version.txNum) }
}
