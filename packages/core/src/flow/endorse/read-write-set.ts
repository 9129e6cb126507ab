import {
  HashedRWSet,
  type KVMetadataEntry,
  KVMetadataWrite,
  type KVRead,
  KVRWSet,
  type KVWrite,
  type KVWriteHash,
  RangeQueryInfo,
} from '../../model/messages/kv-rwset.ts'
import { CollectionHashedReadWriteSet } from '../../model/messages/rwset.ts'
import { Writer } from '../../model/protobuf/writer.ts'
import { sha256 } from '../../model/sha256.ts'
import { compareUtf8, sortUtf8, utf8Bytes } from '../../model/utf8.ts'
import type { Height } from '../../ports/state-db.ts'

const NONE = new Uint8Array(0)
const NO_PRIVATE_WRITES: readonly PrivateWrite[] = Object.freeze([])

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
  reads: Map<string, Height | undefined> | undefined
  writes: Map<string, Uint8Array | undefined> | undefined
  metadataWrites: Map<string, KVMetadataEntry[]> | undefined
  ranges: RangeQueryInfo[] | undefined
  collections: Map<string, CollectionEntries> | undefined
}

/**
 * Collects what a simulation reads and writes, and encodes it as Fabric does (rwsetutil/rwset_builder.go): namespaces, collections and
 * keys in byte order, of each key the last write only, ranges in the order in which they were opened.
 */
export class ReadWriteSetBuilder {
  private readonly namespaces = new Map<string, NamespaceEntries>()
  private hasCollections = false

  read(namespace: string, key: string, version: Height | undefined): void {
    const entries = this.entries(namespace)
    entries.reads ??= new Map()
    entries.reads.set(key, version)
  }

  /** An undefined or empty value deletes. */
  write(namespace: string, key: string, value: Uint8Array | undefined): void {
    const entries = this.entries(namespace)
    entries.writes ??= new Map()
    entries.writes.set(key, value)
  }

  /** Replaces all metadata of the key. */
  writeMetadata(namespace: string, key: string, entries: KVMetadataEntry[]): void {
    const known = this.entries(namespace)
    known.metadataWrites ??= new Map()
    known.metadataWrites.set(key, entries)
  }

  /** Records a range once: the same bounds read to the same end are not recorded again. */
  range(namespace: string, query: RangeQueryInfo): void {
    const entries = this.entries(namespace)
    entries.ranges ??= []
    const known = entries.ranges.some(
      (other) => other.startKey === query.startKey && other.endKey === query.endKey && other.itrExhausted === query.itrExhausted,
    )
    if (!known) entries.ranges.push(query)
  }

  readHashed(namespace: string, collection: string, key: string, version: Height | undefined): void {
    this.collection(namespace, collection).reads.set(key, version)
  }

  /** An undefined or empty value deletes. */
  writePrivate(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.collection(namespace, collection).writes.set(key, value)
  }

  /** Private writes in the clear, in byte order. */
  privateWrites(): readonly PrivateWrite[] {
    if (!this.hasCollections) return NO_PRIVATE_WRITES
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
    const names = sortedKeys(this.namespaces)
    const collections = this.hasCollections
      ? names.map((name) => encodeCollections(this.namespaces.get(name)!.collections))
      : undefined
    // In one pass into one buffer, from the end to the beginning; a test compares the bytes with what the declared messages make.
    const writer = new Writer()
    try {
      for (let i = names.length - 1; i >= 0; i--) {
        const namespace = writer.written
        const hashed = collections?.[i] ?? []
        for (let j = hashed.length - 1; j >= 0; j--) {
          const collection = writer.written
          CollectionHashedReadWriteSet.write(hashed[j]!, writer)
          close(writer, collection, 0x1a)
        }
        const rwset = writer.written
        writeNamespace(writer, this.namespaces.get(names[i]!)!)
        // An empty byte string is left out.
        if (writer.written > rwset) close(writer, rwset, 0x12)
        writeText(writer, names[i]!, 0x0a)
        close(writer, namespace, 0x12)
      }
    } catch (error) {
      writer.release()
      throw error
    }
    return writer.finish()
  }

  private entries(namespace: string): NamespaceEntries {
    let entries = this.namespaces.get(namespace)
    if (entries === undefined) {
      entries = { reads: undefined, writes: undefined, metadataWrites: undefined, ranges: undefined, collections: undefined }
      this.namespaces.set(namespace, entries)
    }
    return entries
  }

  private collection(namespace: string, collection: string): CollectionEntries {
    const entries = this.entries(namespace)
    this.hasCollections = true
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

/** The fields of a kvrwset.KVRWSet, last first. */
function writeNamespace(writer: Writer, { reads, ranges, writes, metadataWrites }: NamespaceEntries): void {
  if (metadataWrites !== undefined) {
    const keys = sortedKeys(metadataWrites)
    for (let i = keys.length - 1; i >= 0; i--) {
      const end = writer.written
      KVMetadataWrite.write({ key: keys[i]!, entries: metadataWrites.get(keys[i]!)! }, writer)
      close(writer, end, 0x22)
    }
  }
  if (writes !== undefined) {
    const keys = sortedKeys(writes)
    for (let i = keys.length - 1; i >= 0; i--) writeWrite(writer, keys[i]!, writes.get(keys[i]!))
  }
  if (ranges !== undefined) {
    for (let i = ranges.length - 1; i >= 0; i--) {
      const end = writer.written
      RangeQueryInfo.write(ranges[i]!, writer)
      close(writer, end, 0x12)
    }
  }
  if (reads !== undefined) {
    const keys = sortedKeys(reads)
    for (let i = keys.length - 1; i >= 0; i--) writeRead(writer, keys[i]!, reads.get(keys[i]!))
  }
}

function writeWrite(writer: Writer, key: string, value: Uint8Array | undefined): void {
  const end = writer.written
  if (value === undefined || value.length === 0) {
    writer.varint32(1)
    writer.varint32(0x10)
  } else {
    writer.byteString(value)
    writer.varint32(0x1a)
  }
  writeText(writer, key, 0x0a)
  close(writer, end, 0x1a)
}

function writeRead(writer: Writer, key: string, version: Height | undefined): void {
  const end = writer.written
  if (version !== undefined) {
    const inner = writer.written
    writeNumber(writer, version.txNumber, 0x10)
    writeNumber(writer, version.blockNumber, 0x08)
    close(writer, inner, 0x12)
  }
  writeText(writer, key, 0x0a)
  close(writer, end, 0x0a)
}

/** Length and tag of what was written since `end`. */
function close(writer: Writer, end: number, tag: number): void {
  writer.varint32(writer.written - end)
  writer.varint32(tag)
}

function writeNumber(writer: Writer, value: number, tag: number): void {
  if (value === 0) return
  writer.varint64(value)
  writer.varint32(tag)
}

function writeText(writer: Writer, text: string, tag: number): void {
  if (text === '') return
  writer.string(text)
  writer.varint32(tag)
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

function sortedKeys(map: ReadonlyMap<string, unknown>): string[] {
  return sortUtf8([...map.keys()])
}
