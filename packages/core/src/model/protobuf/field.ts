import type { MessageType } from './message.ts'

/** A 64-bit integer: a number while it is a safe integer, a bigint beyond. */
export type Long = number | bigint

export type ScalarKind = 'bytes' | 'string' | 'bool' | 'int32' | 'uint32' | 'enum' | 'int64' | 'uint64'
export type FieldKind = ScalarKind | 'message'
export type Cardinality = 'single' | 'repeated' | 'map'

/** How one field stands on the wire; `T` is the type that it decodes to. */
export interface Field<T> {
  readonly number: number
  /** For a map: the kind of the values (keys are always strings). */
  readonly kind: FieldKind
  readonly cardinality: Cardinality
  /** Name of the oneof that the field belongs to. */
  readonly oneof: string | undefined
  /** Type of an embedded message; a function, because messages may contain themselves. */
  readonly type: (() => MessageType<unknown>) | undefined
  /** Carries the type only; never present. */
  readonly decoded?: T
}

function scalar<T>(kind: ScalarKind, number: number): Field<T> {
  return { number, kind, cardinality: 'single', oneof: undefined, type: undefined }
}

export const bytes = (number: number): Field<Uint8Array> => scalar('bytes', number)
export const string = (number: number): Field<string> => scalar('string', number)
export const bool = (number: number): Field<boolean> => scalar('bool', number)
export const int32 = (number: number): Field<number> => scalar('int32', number)
export const uint32 = (number: number): Field<number> => scalar('uint32', number)
/** Open, as proto3 enums are: unknown numbers are kept. */
export const enumeration = (number: number): Field<number> => scalar('enum', number)
export const int64 = (number: number): Field<Long> => scalar('int64', number)
export const uint64 = (number: number): Field<Long> => scalar('uint64', number)

/** An embedded message; `undefined` when absent. */
export function embed<T>(number: number, type: MessageType<T>): Field<T | undefined> {
  return embedLazy(number, () => type)
}

/** An embedded message whose type is declared later, or is the one being declared. */
export function embedLazy<T>(number: number, type: () => MessageType<T>): Field<T | undefined> {
  return { number, kind: 'message', cardinality: 'single', oneof: undefined, type }
}

/** A repeated field. Scalars are read packed or not and written packed, as proto3 does. */
export function repeated<T>(field: Field<T>): Field<NonNullable<T>[]> {
  return { number: field.number, kind: field.kind, cardinality: 'repeated', oneof: undefined, type: field.type }
}

/** A map with string keys; `value` gives the type of the values, its number is not used. Written in byte order of the keys. */
export function mapOf<T>(number: number, value: Field<T>): Field<Map<string, NonNullable<T>>> {
  return { number, kind: value.kind, cardinality: 'map', oneof: undefined, type: value.type }
}

/** A member of a oneof: the last member on the wire wins, and a default value is still present. */
export function oneof<T>(name: string, field: Field<T>): Field<T | undefined> {
  return { number: field.number, kind: field.kind, cardinality: 'single', oneof: name, type: field.type }
}
