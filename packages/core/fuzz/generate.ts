import type { Field } from '../src/model/protobuf/field.ts'
import type { AnyType } from './corpus.ts'
import type { Seeded } from './seeded.ts'

/** Bytes that are mostly an encoding of the type, but in any order, with repetitions, unknown fields, odd varints and wrong wire types. */
export function generate(type: AnyType, random: Seeded, depth = 0): Uint8Array {
  const out: number[] = []
  const fields = Object.values(type.fields)
  for (let count = random.below(depth === 0 ? 9 : 5); count > 0; count--) {
    if (fields.length === 0 || random.chance(5)) unknownField(out, random)
    else writeField(out, random.pick(fields), random, depth)
  }
  return Uint8Array.from(out)
}

function writeField(out: number[], field: Field<unknown>, random: Seeded, depth: number): void {
  const isVarint = !['bytes', 'string', 'message'].includes(field.kind)
  if (random.chance(4)) {
    varint(out, BigInt(field.number) * 8n + BigInt(random.below(8)), random)
    for (let count = random.below(9); count > 0; count--) out.push(random.below(256))
    return
  }
  if (field.cardinality === 'map') {
    const entry: number[] = []
    if (random.chance(80)) writeField(entry, { ...field, number: 1, kind: 'string', cardinality: 'single' }, random, depth)
    for (let count = random.below(3); count > 0; count--)
      writeField(entry, { ...field, number: 2, cardinality: 'single' }, random, depth)
    delimited(out, field.number, entry, random)
  } else if (isVarint && field.cardinality === 'repeated' && random.chance(50)) {
    const packed: number[] = []
    for (let count = random.below(4); count > 0; count--) varint(packed, number(random), random)
    delimited(out, field.number, packed, random)
  } else if (isVarint) {
    varint(out, BigInt(field.number) * 8n, random)
    varint(out, number(random), random)
  } else if (field.kind === 'message') {
    const inner = depth < 6 ? generate(field.type!() as AnyType, random, depth + 1) : []
    delimited(out, field.number, inner, random)
  } else {
    const length = random.below(30)
    const limit = field.kind === 'string' && random.chance(95) ? 128 : 256
    delimited(
      out,
      field.number,
      Array.from({ length }, () => random.below(limit)),
      random,
    )
  }
}

function unknownField(out: number[], random: Seeded): void {
  const field = 100n + BigInt(random.below(100))
  if (random.chance(50)) {
    varint(out, field * 8n + 3n, random)
    if (random.chance(50)) out.push(8, 1)
    varint(out, field * 8n + 4n, random)
  } else {
    varint(out, field * 8n, random)
    varint(out, number(random), random)
  }
}

function delimited(out: number[], field: number, content: ArrayLike<number>, random: Seeded): void {
  varint(out, BigInt(field) * 8n + 2n, random)
  const tampered = random.chance(2) ? random.below(5) : 0
  varint(out, BigInt(content.length + tampered), random)
  for (let i = 0; i < content.length; i++) out.push(content[i]!)
}

/** Any 64-bit number, of any size. */
function number(random: Seeded): bigint {
  const bits = random.below(65)
  const high = BigInt(random.below(0x100000000)) << 32n
  return (high | BigInt(random.below(0x100000000))) >> BigInt(64 - bits)
}

/** A varint, at times with more bytes than it needs. */
function varint(out: number[], value: bigint, random: Seeded): void {
  let rest = value
  let size = 1
  for (; rest > 0x7fn; rest >>= 7n, size++) out.push(Number(rest & 0x7fn) | 0x80)
  if (size < 10 && random.chance(3)) {
    out.push(Number(rest) | 0x80)
    rest = 0n
  }
  out.push(Number(rest))
}
