import fc, { type Arbitrary } from 'fast-check'
import type { Field, FieldKind } from './field.ts'
import type { MessageType } from './message.ts'

type Type = MessageType<Record<string, unknown>>

export interface ArbitraryOptions {
  /** Only integers that a JavaScript number holds, for libraries that have no others. */
  readonly safeIntegers: boolean
  /** Only map keys that sort alike in every string order. */
  readonly asciiKeys: boolean
}

/** Values of a declared message: every field present or absent, nesting bounded. */
export function arbitraryValue(type: Type, options: ArbitraryOptions, depth = 3): Arbitrary<Record<string, never>> {
  const groups = new Map<string, string[]>()
  const fields: Record<string, Arbitrary<unknown>> = {}
  for (const [key, field] of Object.entries(type.fields)) {
    fields[key] = fc.option(arbitraryField(field, options, depth), { nil: undefined, freq: 3 })
    if (field.oneof !== undefined) groups.set(field.oneof, [...(groups.get(field.oneof) ?? []), key])
  }
  const choices = fc.tuple(...[...groups.values()].map((members) => fc.constantFrom(...members)))
  return fc.tuple(fc.record(fields), choices).map(([value, chosen]) => {
    for (const members of groups.values()) {
      for (const member of members) if (!chosen.includes(member)) value[member] = undefined
    }
    return value as Record<string, never>
  })
}

function arbitraryField(field: Field<unknown>, options: ArbitraryOptions, depth: number): Arbitrary<unknown> {
  if (field.kind === 'message' && depth === 0) {
    if (field.cardinality === 'single') return fc.constant(undefined)
    return field.cardinality === 'repeated' ? fc.constant([]) : fc.constant(new Map())
  }
  const one =
    field.kind === 'message' ? arbitraryValue(field.type!() as Type, options, depth - 1) : arbitraryScalar(field.kind, options)
  if (field.cardinality === 'single') return one
  if (field.cardinality === 'repeated') return fc.array(one, { maxLength: 4 })
  const key = options.asciiKeys ? fc.string({ maxLength: 6 }) : text
  return fc.uniqueArray(fc.tuple(key, one), { selector: ([name]) => name, maxLength: 4 }).map((entries) => new Map(entries))
}

const text = fc.string({ unit: 'binary', maxLength: 40 })
const edges = [0n, 1n, 127n, 128n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 35n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n]

function arbitraryScalar(kind: FieldKind, { safeIntegers }: ArbitraryOptions): Arbitrary<unknown> {
  switch (kind) {
    case 'bytes':
      return fc.uint8Array({ maxLength: 300 })
    case 'string':
      return text
    case 'bool':
      return fc.boolean()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffffffff })
    case 'uint64':
      return long(fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...edges, 2n ** 64n - 1n)), safeIntegers)
    case 'int64': {
      const signed = fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom(...edges, ...edges.map((edge) => -edge), -(2n ** 63n)),
      )
      return long(signed, safeIntegers)
    }
    default:
      return fc.oneof(fc.integer({ min: -0x80000000, max: 0x7fffffff }), fc.constantFrom(0, -1, 1))
  }
}

function long(values: Arbitrary<bigint>, safeIntegers: boolean): Arbitrary<number | bigint> {
  const isSafe = (value: bigint) => value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
  if (safeIntegers)
    return values.map((value) =>
      Number(BigInt.asIntN(40, value) < 0n && value >= 0n ? BigInt.asUintN(39, value) : BigInt.asIntN(40, value)),
    )
  return values.map((value) => (isSafe(value) ? Number(value) : value))
}
