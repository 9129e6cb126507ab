import { LifecycleStateData, LifecycleStateMetadata } from '../../../model/messages/lifecycle-db.ts'
import { type Input } from '../../../model/protobuf/message.ts'
import { sha256 } from '../../../model/sha256.ts'
import type { Awaitable } from '../../../ports/lifecycle.ts'
import { fieldKey, metadataKey, RECORDS } from '../state-layout.ts'

/** Reads of a state, each recorded by the simulation. */
export interface ReadableState {
  get(key: string): Awaitable<Uint8Array | undefined>
}

export interface WritableState extends ReadableState {
  put(key: string, value: Uint8Array): void
  delete(key: string): void
}

/** A private state of which only hashes can be read. */
export interface HashedState {
  getHash(key: string): Awaitable<Uint8Array | undefined>
}

export type RecordType = keyof typeof RECORDS

/** A record to be written: the values of its fields by name. */
export interface StateRecord {
  readonly type: RecordType
  readonly fields: Readonly<Record<string, Input<LifecycleStateData>>>
}

/** Reads the record that says which type a thing has; undefined when the thing does not exist. */
export async function readMetadata(
  state: ReadableState,
  table: string,
  name: string,
): Promise<LifecycleStateMetadata | undefined> {
  const value = await state.get(metadataKey(table, name))
  return value && LifecycleStateMetadata.decode(value)
}

/** Reads one field; a field that is absent has no value. */
export async function readField(state: ReadableState, table: string, name: string, field: string): Promise<LifecycleStateData> {
  const value = await state.get(fieldKey(table, name, field))
  return LifecycleStateData.decode(value ?? new Uint8Array(0))
}

/**
 * Writes a record as Fabric's lifecycle serializer does (core/chaincode/lifecycle/serializer.go): a key for each field, of which only
 * those are written that change, and those deleted that the record no longer has.
 */
export async function writeRecord(state: WritableState, table: string, name: string, record: StateRecord): Promise<void> {
  const known = await readMetadata(state, table, name)
  const existing = new Map<string, Uint8Array | undefined>()
  for (const field of known?.fields ?? []) {
    const key = fieldKey(table, name, field)
    existing.set(key, await state.get(key))
  }
  const fields: readonly string[] = RECORDS[record.type]
  for (const field of fields) {
    const key = fieldKey(table, name, field)
    const value = LifecycleStateData.encode(record.fields[field] ?? {})
    const before = existing.get(key)
    if (before === undefined || Buffer.compare(before, value) !== 0) state.put(key, value)
    existing.delete(key)
  }
  if (existing.size > 0 || known?.datatype !== record.type || known.fields.length !== fields.length) {
    state.put(metadataKey(table, name), recordMetadata(record.type))
  }
  for (const key of existing.keys()) state.delete(key)
}

/**
 * Compares a record with the hashes of one that an organisation keeps to itself. All of it is read, whatever differs.
 *
 * @returns names of the fields that differ, or the type when there is no such record; empty when they are equal
 */
export async function differences(state: HashedState, table: string, name: string, record: StateRecord): Promise<string[]> {
  const fields: readonly string[] = RECORDS[record.type]
  const metadata = await state.getHash(metadataKey(table, name))
  const hashes = new Map<string, Uint8Array | undefined>()
  for (const field of fields) hashes.set(field, await state.getHash(fieldKey(table, name, field)))
  if (!isHashOf(metadata, recordMetadata(record.type))) return [record.type]
  return fields.filter((field) => !isHashOf(hashes.get(field), LifecycleStateData.encode(record.fields[field] ?? {})))
}

function recordMetadata(type: RecordType): Uint8Array {
  return LifecycleStateMetadata.encode({ datatype: type, fields: [...RECORDS[type]] })
}

function isHashOf(hash: Uint8Array | undefined, value: Uint8Array): boolean {
  return hash !== undefined && Buffer.compare(hash, sha256(value)) === 0
}
