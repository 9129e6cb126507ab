import {
  HashedRWSet,
  type KVMetadataEntry,
  type KVMetadataWrite,
  type KVRead,
  KVRWSet,
  type KVWrite,
  type KVWriteHash,
  type RangeQueryInfo,
} from '../../model/messages/kv-rwset.ts'
import { type CollectionHashedReadWriteSet, type NsReadWriteSet, TxReadWriteSet } from '../../model/messages/rwset.ts'
import { sha256 } from '../../model/sha256.ts'
import { compareUtf8, utf8Bytes } from '../../model/utf8.ts'
import type { Height } from '../../ports/state-db.ts'

const NONE = new Uint8Array(0)

/** A private write of a simulation, in the clear: for the peer's own keeping, never for the ledger. */
export interface PrivateWrite {
  readonly namespace: string
  readonly collection: string
  readonly key: string
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined
}

interface CollectionEntries {
  readonly reads: Map<string, Height | undefined>
  readonly writes: Map<string, Uint8Array | undefined>
}

interface NamespaceEntries {
  readonly reads: Map<string, Height | undefined>
  readonly writes: Map<string, Uint8Array | undefined>
  readonly metadataWrites: Map<string, KVMetadataEntry[]>
  readonly ranges: RangeQueryInfo[]
  collections: Map<string, CollectionEntries> | undefined
}

/**
 * Collects what a simulation reads and writes, and encodes it as Fabric does (rwsetutil/rwset_builder.go): namespaces, collections and
 * keys in byte order, of each key the last write only, ranges in the order in which they were opened.
 */
export class ReadWriteSetBuilder {
  private readonly namespaces = new Map<string, NamespaceEntries>()

  read(namespace: string, key: string, version: Height | undefined): void {
    this.entries(namespace).reads.set(key, version)
  }

  /** An undefined or empty value deletes. */
  write(namespace: string, key: string, value: Uint8Array | undefined): void {
    this.entries(namespace).writes.set(key, value)
  }

  /** Replaces all metadata of the key. */
  writeMetadata(namespace: string, key: string, entries: KVMetadataEntry[]): void {
    this.entries(namespace).metadataWrites.set(key, entries)
  }

  /** Records a range once: the same bounds read to the same end are not recorded again. */
  range(namespace: string, query: RangeQueryInfo): void {
    const { ranges } = this.entries(namespace)
    const known = ranges.some(
      (other) => other.startKey === query.startKey && other.endKey === query.endKey && other.itrExhausted === query.itrExhausted,
    )
    if (!known) ranges.push(query)
  }

  readHashed(namespace: string, collection: string, key: string, version: Height | undefined): void {
    this.collection(namespace, collection).reads.set(key, version)
  }

  /** An undefined or empty value deletes. */
  writePrivate(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.collection(namespace, collection).writes.set(key, value)
  }

  /** Private writes in the clear, in byte order. */
  privateWrites(): PrivateWrite[] {
    const writes: PrivateWrite[] = []
    for (const [namespace, { collections }] of sorted(this.namespaces)) {
      if (collections === undefined) continue
      for (const [collection, entries] of sorted(collections)) {
        for (const [key, value] of sorted(entries.writes)) writes.push({ namespace, collection, key, value })
      }
    }
    return writes
  }

  /** The serialized public read-write set: rwset.TxReadWriteSet. */
  encode(): Uint8Array {
    const nsRwset: NsReadWriteSet[] = []
    for (const [namespace, entries] of sorted(this.namespaces)) {
      nsRwset.push({ namespace, rwset: encodeNamespace(entries), collectionHashedRwset: encodeCollections(entries.collections) })
    }
    return TxReadWriteSet.encode({ nsRwset })
  }

  private entries(namespace: string): NamespaceEntries {
    let entries = this.namespaces.get(namespace)
    if (entries === undefined) {
      entries = { reads: new Map(), writes: new Map(), metadataWrites: new Map(), ranges: [], collections: undefined }
      this.namespaces.set(namespace, entries)
    }
    return entries
  }

  private collection(namespace: string, collection: string): CollectionEntries {
    const entries = this.entries(namespace)
    entries.collections ??= new Map()
    let found = entries.collections.get(collection)
    if (found === undefined) {
      found = { reads: new Map(), writes: new Map() }
      entries.collections.set(collection, found)
    }
    return found
  }
}

/** A read as the read set carries it. */
export function kvRead(key: string, version: Height | undefined): KVRead {
  return { key, version: version && { blockNum: version.blockNumber, txNum: version.txNumber } }
}

function encodeNamespace(entries: NamespaceEntries): Uint8Array {
  const reads: KVRead[] = []
  for (const [key, version] of sorted(entries.reads)) reads.push(kvRead(key, version))
  const metadataWrites: KVMetadataWrite[] = []
  for (const [key, items] of sorted(entries.metadataWrites)) metadataWrites.push({ key, entries: items })
  return KVRWSet.encode({ reads, rangeQueriesInfo: entries.ranges, writes: kvWrites(entries.writes), metadataWrites })
}

function kvWrites(entries: ReadonlyMap<string, Uint8Array | undefined>): KVWrite[] {
  const writes: KVWrite[] = []
  for (const [key, value] of sorted(entries)) writes.push({ key, isDelete: isEmpty(value), value: value ?? NONE })
  return writes
}

function encodeCollections(collections: ReadonlyMap<string, CollectionEntries> | undefined): CollectionHashedReadWriteSet[] {
  if (collections === undefined) return []
  return sorted(collections).map(([collectionName, { reads, writes }]) => {
    const hashedReads = sorted(reads).map(([key, version]) => {
      return { keyHash: sha256(utf8Bytes(key)), version: kvRead(key, version).version }
    })
    const hashedWrites = sorted(writes).map(([key, value]): KVWriteHash => {
      const isDelete = isEmpty(value)
      return { keyHash: sha256(utf8Bytes(key)), isDelete, valueHash: isDelete ? NONE : sha256(value!), isPurge: false }
    })
    // The hash of what the collection's members get, which lets them know that they got the right thing.
    const inClear = KVRWSet.encode({ writes: kvWrites(writes) })
    return {
      collectionName,
      hashedRwset: HashedRWSet.encode({ hashedReads, hashedWrites }),
      pvtRwsetHash: writes.size === 0 ? NONE : sha256(inClear),
    }
  })
}

function isEmpty(value: Uint8Array | undefined): boolean {
  return value === undefined || value.length === 0
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  const list = [...map]
  if (list.length < 2) return list
  if (list.length > 2) return list.sort((a, b) => compareUtf8(a[0], b[0]))
  // The usual case, a definition and a chaincode, without the cost of a sort.
  return compareUtf8(list[0]![0], list[1]![0]) > 0 ? [list[1]!, list[0]!] : list
}
