import { compareUtf8 } from '../utf8.ts'
import { DecodeError, EncodeError } from './errors.ts'
import type { Field, FieldKind, Long } from './field.ts'
import { type DecodeLimits, defaultDecodeLimits } from './limits.ts'
import { Reader, WIRE_BYTES, WIRE_VARINT } from './reader.ts'
import { Writer } from './writer.ts'

/** What a message may be encoded from: every field optional, at every level. */
export type Input<T> = { [K in keyof T]?: InputValue<T[K]> | undefined }
type InputValue<V> = V extends Uint8Array
  ? V
  : V extends Map<string, infer M>
    ? ReadonlyMap<string, InputValue<M>>
    : V extends (infer E)[]
      ? readonly InputValue<E>[]
      : V extends object
        ? Input<V>
        : V

/** A declared protobuf message: its codec and its fields. */
export interface MessageType<T> {
  /** Full protobuf name, such as `common.Envelope`. */
  readonly name: string
  readonly fields: Readonly<Record<string, Field<unknown>>>
  /**
   * Decodes as Go's protobuf does: unknown fields are passed over, the last value of a scalar wins, repeated occurrences of an
   * embedded message merge. Byte fields are views of `bytes`: do not change it afterwards.
   *
   * @throws DecodeError for anything that is no encoding of this message or exceeds a limit
   */
  decode(bytes: Uint8Array, limits?: DecodeLimits): T
  /**
   * Encodes deterministically: fields by number, maps in byte order of their keys, default values left out.
   *
   * @throws EncodeError for a value that its field cannot carry
   */
  encode(value: Input<T>): Uint8Array
  /** A value with every field at its default, completed with what is given. */
  create(value?: Input<T>): T
  /**
   * For codecs built on this one: reads up to the reader's end, into `target` where the message has begun before.
   * @internal
   */
  read(target: T | undefined, reader: Reader, depth: number): T
  /**
   * For codecs built on this one: writes the message, without its length, before what the writer holds.
   * @internal
   */
  write(value: Input<T>, writer: Writer): void
}

/** Type that a message declaration decodes to. */
export type Infer<M> = M extends MessageType<infer T> ? T : never

type Fields = Record<string, Field<unknown>>
type Decoded<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }
type Target = Record<string, unknown>

interface Slot {
  readonly key: string
  readonly number: number
  readonly kind: FieldKind
  readonly cardinality: 'single' | 'repeated' | 'map'
  readonly packed: boolean
  /** Wire type of one unpacked occurrence. */
  readonly wire: number
  readonly oneof: string | undefined
  /** The other members of the oneof. */
  readonly rivals: readonly string[]
  type(): Declared
}

const NO_BYTES = Object.freeze({ bytes: new Uint8Array(0) }).bytes

function defaultOf(slot: Slot): unknown {
  if (slot.cardinality === 'repeated') return []
  if (slot.cardinality === 'map') return new Map()
  if (slot.oneof !== undefined || slot.kind === 'message') return undefined
  return zeroOf(slot.kind)
}

function zeroOf(kind: FieldKind): unknown {
  if (kind === 'bytes') return NO_BYTES
  if (kind === 'string') return ''
  return kind === 'bool' ? false : 0
}

class Declared implements MessageType<Target> {
  readonly name: string
  readonly fields: Fields
  private readonly slots: readonly Slot[]
  private readonly byNumber: (Slot | undefined)[] = []
  /** Every field at its default; repeated and map fields are replaced in each copy. */
  private readonly template: Target
  private readonly containers: readonly Slot[]

  constructor(name: string, fields: Fields) {
    this.name = name
    this.fields = fields
    this.slots = Object.entries(fields)
      .map(([key, field]) => slotOf(key, field, fields))
      .sort((a, b) => a.number - b.number)
    for (const slot of this.slots) this.byNumber[slot.number] = slot
    this.template = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, defaultOf(slotOf(key, field, fields))]))
    this.containers = this.slots.filter((slot) => slot.cardinality !== 'single')
  }

  decode(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits): Target {
    return this.read(undefined, new Reader(bytes, limits), 0)
  }

  encode(value: Target): Uint8Array {
    const writer = new Writer()
    try {
      this.write(value, writer)
    } catch (error) {
      writer.release()
      throw error
    }
    return writer.finish()
  }

  create(value: Target = {}): Target {
    const target = this.blank()
    for (const slot of this.slots) {
      const given = value[slot.key]
      if (given === undefined) continue
      if (slot.kind !== 'message') target[slot.key] = given
      else if (slot.cardinality === 'single') target[slot.key] = slot.type().create(given as Target)
      else if (slot.cardinality === 'repeated') target[slot.key] = (given as Target[]).map((each) => slot.type().create(each))
      else target[slot.key] = new Map([...(given as Map<string, Target>)].map(([key, each]) => [key, slot.type().create(each)]))
    }
    return target
  }

  private blank(): Target {
    const target = { ...this.template }
    const containers = this.containers
    for (let i = 0; i < containers.length; i++) {
      const slot = containers[i]!
      target[slot.key] = slot.cardinality === 'repeated' ? [] : new Map()
    }
    return target
  }

  read(target: Target | undefined, reader: Reader, depth: number): Target {
    const result = target ?? this.blank()
    this.merge(result, reader, depth)
    return result
  }

  private merge(target: Target, reader: Reader, depth: number): void {
    if (depth > reader.maxDepth) throw new DecodeError('DECODE_TOO_DEEP', `messages nested deeper than ${reader.maxDepth}`)
    while (reader.pos < reader.end) {
      const tag = reader.tag()
      // `>>> 3` is exact: the tag fits 32 bits.
      const slot = this.byNumber[tag >>> 3]
      if (slot === undefined) reader.skip(tag)
      else if (slot.cardinality === 'single') this.readSingle(target, slot, tag, reader, depth)
      else if (slot.cardinality === 'repeated') this.readRepeated(target[slot.key] as unknown[], slot, tag, reader, depth)
      else this.readEntry(target[slot.key] as Map<string, unknown>, slot, tag, reader, depth)
    }
  }

  private readSingle(target: Target, slot: Slot, tag: number, reader: Reader, depth: number): void {
    if ((tag & 7) !== slot.wire) {
      reader.skip(tag)
      return
    }
    if (slot.kind === 'message') target[slot.key] = readMessage(slot, target[slot.key] as Target | undefined, reader, depth)
    else target[slot.key] = readScalar(slot.kind, reader)
    for (const rival of slot.rivals) target[rival] = undefined
  }

  private readRepeated(list: unknown[], slot: Slot, tag: number, reader: Reader, depth: number): void {
    const wire = tag & 7
    if (wire === slot.wire) {
      reader.element()
      list.push(slot.kind === 'message' ? readMessage(slot, undefined, reader, depth) : readScalar(slot.kind, reader))
    } else if (wire === WIRE_BYTES && slot.packed) {
      const outer = reader.enter()
      while (reader.pos < reader.end) {
        reader.element()
        list.push(readScalar(slot.kind, reader))
      }
      reader.leave(outer)
    } else reader.skip(tag)
  }

  private readEntry(map: Map<string, unknown>, slot: Slot, tag: number, reader: Reader, depth: number): void {
    if ((tag & 7) !== WIRE_BYTES) {
      reader.skip(tag)
      return
    }
    reader.element()
    const outer = reader.enter()
    let key = ''
    let value: unknown
    while (reader.pos < reader.end) {
      const inner = reader.tag()
      if (inner === 10) key = reader.string()
      else if (inner === 16 + slot.wire) {
        if (slot.kind === 'message') value = readMessage(slot, value as Target | undefined, reader, depth)
        else value = readScalar(slot.kind, reader)
      } else reader.skip(inner)
    }
    reader.leave(outer)
    map.set(key, value ?? (slot.kind === 'message' ? slot.type().blank() : zeroOf(slot.kind)))
  }

  write(value: Target, writer: Writer): void {
    for (let i = this.slots.length - 1; i >= 0; i--) {
      const slot = this.slots[i]!
      const given = value[slot.key]
      if (given === undefined) continue
      if (slot.cardinality === 'repeated') this.writeRepeated(slot, given as unknown[], writer)
      else if (slot.cardinality === 'map') writeEntries(slot, given as Map<string, unknown>, writer)
      else if (slot.oneof !== undefined || slot.kind === 'message' || !isZero(slot.kind, given)) {
        writeValue(slot, given, writer)
        writer.varint32(slot.number * 8 + slot.wire)
      }
    }
  }

  private writeRepeated(slot: Slot, list: readonly unknown[], writer: Writer): void {
    if (list.length === 0) return
    const before = writer.written
    for (let i = list.length - 1; i >= 0; i--) {
      writeValue(slot, list[i], writer)
      if (!slot.packed) writer.varint32(slot.number * 8 + slot.wire)
    }
    if (slot.packed) {
      writer.varint32(writer.written - before)
      writer.varint32(slot.number * 8 + WIRE_BYTES)
    }
  }
}

function slotOf(key: string, field: Field<unknown>, fields: Fields): Slot {
  const delimited = field.kind === 'bytes' || field.kind === 'string' || field.kind === 'message'
  const rivals = Object.keys(fields).filter(
    (other) => field.oneof !== undefined && other !== key && fields[other]!.oneof === field.oneof,
  )
  return {
    key,
    number: field.number,
    kind: field.kind,
    cardinality: field.cardinality,
    packed: field.cardinality === 'repeated' && !delimited,
    wire: delimited ? WIRE_BYTES : WIRE_VARINT,
    oneof: field.oneof,
    rivals,
    type: (field.type ?? noType) as () => unknown as () => Declared,
  }
}

function noType(): never {
  throw new TypeError('a scalar field has no message type')
}

function readMessage(slot: Slot, target: Target | undefined, reader: Reader, depth: number): Target {
  const outer = reader.enter()
  const value = slot.type().read(target, reader, depth + 1)
  reader.leave(outer)
  return value
}

function readScalar(kind: FieldKind, reader: Reader): unknown {
  switch (kind) {
    case 'bytes':
      return reader.byteString()
    case 'string':
      return reader.string()
    case 'bool':
      return reader.bool()
    case 'uint32':
      return reader.varint32()
    case 'uint64':
      return reader.uint64()
    case 'int64':
      return reader.int64()
    default:
      return reader.varint32() | 0
  }
}

function isZero(kind: FieldKind, value: unknown): boolean {
  if (kind === 'bytes') return (value as Uint8Array).length === 0
  return value === 0 || value === '' || value === false || value === 0n
}

function writeEntries(slot: Slot, map: ReadonlyMap<string, unknown>, writer: Writer): void {
  const keys = [...map.keys()].sort(compareUtf8)
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!
    const before = writer.written
    writeValue(slot, map.get(key), writer)
    writer.varint32(16 + slot.wire)
    writer.string(key)
    writer.varint32(10)
    writer.varint32(writer.written - before)
    writer.varint32(slot.number * 8 + WIRE_BYTES)
  }
}

function writeValue(slot: Slot, value: unknown, writer: Writer): void {
  switch (slot.kind) {
    case 'message': {
      if (typeof value !== 'object' || value === null) throw bad(slot, value)
      const before = writer.written
      slot.type().write(value as Target, writer)
      writer.varint32(writer.written - before)
      return
    }
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw bad(slot, value)
      writer.byteString(value)
      return
    case 'string':
      if (typeof value !== 'string') throw bad(slot, value)
      writer.string(value)
      return
    case 'bool':
      if (typeof value !== 'boolean') throw bad(slot, value)
      writer.varint32(value ? 1 : 0)
      return
    case 'uint32':
      if (!within(value, 0, 0xffffffff)) throw bad(slot, value)
      writer.varint32(value)
      return
    case 'uint64':
      if (!isLong(value, 0n, 2n ** 64n)) throw bad(slot, value)
      writer.varint64(value)
      return
    case 'int64':
      if (!isLong(value, -(2n ** 63n), 2n ** 63n)) throw bad(slot, value)
      writer.varint64(value)
      return
    default:
      if (!within(value, -0x80000000, 0x7fffffff)) throw bad(slot, value)
      writer.varint64(value)
  }
}

function within(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
}

function isLong(value: unknown, low: bigint, end: bigint): value is Long {
  if (typeof value === 'bigint') return value >= low && value < end
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= low
}

function bad(slot: Slot, value: unknown): EncodeError {
  return new EncodeError('ENCODE_BAD_VALUE', `field ${slot.key} (${slot.kind}) cannot carry ${typeof value} ${String(value)}`, {
    field: slot.key,
  })
}

/**
 * Declares a message.
 *
 * @example
 * export const Envelope = message('common.Envelope', { payload: bytes(1), signature: bytes(2) })
 * export type Envelope = Infer<typeof Envelope>
 */
export function message<F extends Fields>(name: string, fields: F): MessageType<Decoded<F>> {
  return new Declared(name, fields) as unknown as MessageType<Decoded<F>>
}
