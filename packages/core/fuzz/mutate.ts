import type { Seeded } from './seeded.ts'

type Mutation = (bytes: Uint8Array, random: Seeded, other: Uint8Array) => Uint8Array

const INTERESTING = [0x00, 0x01, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x10, 0x12, 0x1a, 0x22, 0x7f, 0x80, 0xc0, 0xed, 0xff]
/** Field contents that parsers trip over: groups, varints too long or not minimal, numbers 0 and 2^29, lengths past every end. */
const SNIPPETS = [
  '0b0c',
  '0b0b0c0c',
  '0b',
  '0c',
  'a306a406',
  '00',
  '0000',
  '800108ff',
  '8a0000',
  '08ffffffffffffffffff01',
  '08ffffffffffffffffff02',
  '088080808080808080808000',
  '0aff01',
  '0affffffff0f',
  '0affffffffffffffff7f',
  '0a00',
  '1200',
  '1a00',
  '2200',
  '0a8000',
  '128100ff',
  '0a02c080',
  '12028081',
  '080a',
  '100a',
  '0d01020304',
  '110102030405060708',
  'f8ffffff0f00',
  '808080801000',
  '0e',
  '0f',
  '5a00',
  '3a00',
  '4200',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const end = Math.min(bytes.length, at + remove)
  const result = new Uint8Array(at + insert.length + bytes.length - end)
  result.set(bytes.subarray(0, at))
  result.set(insert, at)
  result.set(bytes.subarray(end), at + insert.length)
  return result
}

function withByte(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const result = bytes.slice()
  if (at < result.length) result[at] = change(result[at]!)
  return result
}

/** A place in the bytes; every second time near the start, where outer tags and lengths stand. */
function place(bytes: Uint8Array, random: Seeded): number {
  return random.chance(50) ? random.below(Math.min(bytes.length, 24) + 1) : random.below(bytes.length + 1)
}

function range(bytes: Uint8Array, random: Seeded): Uint8Array {
  const start = random.below(bytes.length + 1)
  return bytes.subarray(start, start + random.below(Math.min(400, bytes.length - start + 1)))
}

const mutations: readonly Mutation[] = [
  (bytes, random) => withByte(bytes, place(bytes, random), (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => withByte(bytes, place(bytes, random), () => random.pick(INTERESTING)),
  // Length tampering: a little more or less.
  (bytes, random) => withByte(bytes, place(bytes, random), (byte) => byte + random.below(7) - 3),
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => splice(bytes, place(bytes, random), 1 + random.below(8), new Uint8Array(0)),
  (bytes, random) => splice(bytes, place(bytes, random), 0, random.pick(SNIPPETS)),
  (bytes, random) => splice(bytes, bytes.length, 0, random.pick(SNIPPETS)),
  (bytes, random) => splice(bytes, place(bytes, random), 0, range(bytes, random)),
  (bytes, random, other) => splice(bytes, place(bytes, random), random.below(40), range(other, random)),
  // A message after a message is their merge.
  (bytes, _random, other) => splice(bytes, bytes.length, 0, other),
  (bytes) => splice(bytes, bytes.length, 0, bytes.subarray(0, 2000)),
  // A byte below 0x80 written as a varint of two bytes.
  (bytes, random) => {
    const at = place(bytes, random)
    return at < bytes.length ? splice(bytes, at, 1, Uint8Array.of(bytes[at]! | 0x80, 0)) : bytes
  },
  (_bytes, random) =>
    Uint8Array.from({ length: random.below(40) }, () => (random.chance(50) ? random.pick(INTERESTING) : random.below(256))),
]

/** The bytes after one to four random changes; `other` lends pieces. */
export function mutate(bytes: Uint8Array, random: Seeded, other: Uint8Array): Uint8Array {
  let result = bytes
  for (let count = 1 + random.below(4); count > 0; count--) result = random.pick(mutations)(result, random, other)
  return result
}
