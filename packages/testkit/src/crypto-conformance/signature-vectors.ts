import { add, encodePoint, G, invert, multiply, N, P, type Point, pointAt, toBytes } from './curve.ts'
import { element, integer, integerContent, signature } from './der.ts'
import { digest, signWith } from './reference.ts'

/** One signature, and what every provider must say of it. */
export interface SignatureVector {
  readonly name: string
  /** Uncompressed point on the curve. */
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly valid: boolean
}

const MESSAGE = Uint8Array.from(Buffer.from('a letter of credit'))
const SECRET = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdefn
const HALF = N / 2n

const lowS = (s: bigint): bigint => (s > HALF ? N - s : s)

/** Key under which (r, s) is a signature of the message whose nonce point is R: Q = (s R − z G) / r. */
function keyFor(nonce: Point, r: bigint, s: bigint): Uint8Array {
  const inverse = invert(r, N)
  return encodePoint(add(multiply(s * inverse, nonce), multiply(-digest(MESSAGE) * inverse, G)))
}

/** Every kind of signature that such suites try: the values first, then their encoding. */
export function signatureVectors(): readonly SignatureVector[] {
  const key = encodePoint(multiply(SECRET, G))
  // A nonce whose r and s both fill 32 bytes with and without the sign bit, so that the deformations below mean what they say.
  const good = [...Array(400).keys()]
    .map((i) => signWith(SECRET, 7n + BigInt(i), MESSAGE))
    .map(({ r, s }) => ({ r, s: lowS(s) }))
    .find(({ r, s }) => r >= 1n << 255n && s >= 1n << 248n)!
  const shortR = [...Array(4000).keys()].map((i) => BigInt(i + 1)).find((nonce) => multiply(nonce, G)!.x < 1n << 247n)!
  const short = signWith(SECRET, shortR, MESSAGE)
  const vectors: SignatureVector[] = []
  const put = (name: string, valid: boolean, bytes: Uint8Array, under: Uint8Array = key, message = MESSAGE): void => {
    vectors.push({ name, key: under, message, signature: bytes, valid })
  }

  put('a good signature', true, signature(good.r, good.s))
  put('another message', false, signature(good.r, good.s), key, Uint8Array.of(1))
  put('another key', false, signature(good.r, good.s), encodePoint(multiply(SECRET + 1n, G)))
  put('the negative of the key', false, signature(good.r, good.s), encodePoint(multiply(-SECRET, G)))
  put('r and s swapped', false, signature(lowS(good.s), good.r))
  put('an r that is shorter than 32 bytes', true, signature(short.r, lowS(short.s)))
  for (const [name, s, valid] of [
    ['s = 1', 1n, true],
    ['s = 2^64', 1n << 64n, true],
    ['s = n / 2, the largest low one', HALF, true],
    ['s = n / 2 + 1, the smallest high one', HALF + 1n, false],
    ['s = n − 1', N - 1n, false],
  ] as const) {
    const r = multiply(99n, G)!.x % N
    put(name, valid, signature(r, s), keyFor(multiply(99n, G), r, s))
  }
  put('high s: the malleable twin of a good signature', false, signature(good.r, N - good.s))

  // The nonce point's x between n and p: r is x − n, and a comparison without the reduction fails.
  let x = N + 1n
  while (pointAt(x) === undefined) x++
  put('the nonce point has x >= n', true, signature(x - N, 5n), keyFor(pointAt(x), x - N, 5n))
  put('r not reduced: x >= n as it stands', false, signature(x, 5n), keyFor(pointAt(x), x - N, 5n))

  // Both terms of the sum equal: the addition formula of unlike points fails.
  const z = digest(MESSAGE)
  const doubled = multiply(2n * z * invert(5n, N), G)!.x % N
  put('both terms of the sum are the same point', true, signature(doubled, 5n), encodePoint(multiply(z * invert(doubled, N), G)))
  put('the sum is the point at infinity', false, signature(good.r, 5n), encodePoint(multiply(-z * invert(good.r, N), G)))

  const values: readonly (readonly [string, bigint])[] = [
    ['0', 0n],
    ['1 and wrong', 1n],
    ['negative', -1n],
    ['n', N],
    ['n + 1', N + 1n],
    ['n − 1 and wrong', N - 1n],
    ['p', P],
    ['2^256 − 1', (1n << 256n) - 1n],
    ['2^256', 1n << 256n],
    ['of 128 bytes', (1n << 1023n) + 1n],
  ]
  for (const [name, value] of values) {
    put(`r is ${name}`, false, signature(value, good.s))
    put(`s is ${name}`, false, signature(good.r, value))
    put(`r and s are ${name}`, false, signature(value, value))
  }
  put('r + n', false, signature(good.r + N, good.s))
  put('s + n', false, signature(good.r, good.s + N))
  put('−r', false, signature(-good.r, good.s))
  put('−s', false, signature(good.r, -good.s))
  put('r − n', false, signature(good.r - N, good.s))
  put('s − n', false, signature(good.r, good.s - N))
  for (const [name, bytes] of deformities(good.r, good.s)) put(name, false, bytes)
  return vectors
}

/** Encodings of a good r and s that are not the one of DER. r has its top bit set, s has not. */
function deformities(r: bigint, s: bigint): (readonly [string, Uint8Array])[] {
  const [R, S, whole] = [integer(r), integer(s), signature(r, s)]
  const [rBytes, sBytes] = [integerContent(r), integerContent(s)]
  const set = (index: number, value: number): Uint8Array => whole.with(index, value)
  const list: (readonly [string, Uint8Array])[] = [
    ['no bytes', new Uint8Array(0)],
    ['one byte', Uint8Array.of(0x30)],
    ['an empty sequence', element(0x30)],
    ['r alone', element(0x30, R)],
    ['a third integer', element(0x30, R, S, integer(1n))],
    ['a third element NULL', element(0x30, R, S, Uint8Array.of(5, 0))],
    ['a byte after the sequence', Uint8Array.of(...whole, 0)],
    ['an INTEGER after the sequence', Uint8Array.of(...whole, 2, 1, 1)],
    ['the signature twice', Uint8Array.of(...whole, ...whole)],
    ['a byte before the sequence', Uint8Array.of(0, ...whole)],
    ['a byte at the end inside', element(0x30, R, S, Uint8Array.of(0))],
    ['a byte between', element(0x30, R, Uint8Array.of(0), S)],
    ['a SET', set(0, 0x31)],
    ['a primitive SEQUENCE', set(0, 0x10)],
    ['an application tag', set(0, 0x70)],
    ['r as OCTET STRING', set(2, 4)],
    ['r as ENUMERATED', set(2, 10)],
    ['r as a constructed INTEGER', set(2, 0x22)],
    ['s as BIT STRING', set(4 + rBytes.length, 3)],
    ['s as NULL', element(0x30, R, Uint8Array.of(5, 0))],
    ['length one too large', set(1, whole[1]! + 1)],
    ['length one too small', set(1, whole[1]! - 1)],
    ['length 0', set(1, 0)],
    ['length 127', set(1, 127)],
    ['length 255', set(1, 255)],
    ['r: length one too large', set(3, rBytes.length + 1)],
    ['r: length one too small', set(3, rBytes.length - 1)],
    ['r: length 0', set(3, 0)],
    ['r: length beyond the end', set(3, 127)],
    ['s: length one too large', set(5 + rBytes.length, sBytes.length + 1)],
    ['s: length one too small', set(5 + rBytes.length, sBytes.length - 1)],
    ['s: length 0', set(5 + rBytes.length, 0)],
    ['length in long form', Uint8Array.of(0x30, 0x81, ...whole.subarray(1))],
    ['length in four bytes', Uint8Array.of(0x30, 0x84, 0, 0, 0, ...whole.subarray(1))],
    ['length that overflows 32 bits', Uint8Array.of(0x30, 0x85, 1, 0, 0, 0, ...whole.subarray(1))],
    ['length of 2^31', Uint8Array.of(0x30, 0x84, 0x80, 0, 0, 0, ...whole.subarray(2))],
    ['indefinite length', Uint8Array.of(0x30, 0x80, ...whole.subarray(2), 0, 0)],
    ['indefinite length without an end', Uint8Array.of(0x30, 0x80, ...whole.subarray(2))],
    ['r: length in long form', element(0x30, Uint8Array.of(2, 0x81, rBytes.length, ...rBytes), S)],
    ['s: length in long form', element(0x30, R, Uint8Array.of(2, 0x81, sBytes.length, ...sBytes))],
    ['r: indefinite length', element(0x30, Uint8Array.of(2, 0x80, ...rBytes, 0, 0), S)],
    ['r without its sign byte, so negative', element(0x30, element(2, toBytes(r)), S)],
    ['r with a zero more', element(0x30, element(2, Uint8Array.of(0), rBytes), S)],
    ['s with a zero more', element(0x30, R, element(2, Uint8Array.of(0), sBytes))],
    ['s with eight zeros more', element(0x30, R, element(2, new Uint8Array(8), sBytes))],
    ['an empty r', element(0x30, element(2), S)],
    ['an empty s', element(0x30, R, element(2))],
    ['two empty integers', element(0x30, element(2), element(2))],
    ['r as zero of two bytes', element(0x30, element(2, Uint8Array.of(0, 0)), S)],
    ['s as −1 of 32 bytes', element(0x30, R, element(2, new Uint8Array(32).fill(0xff)))],
    ['inside another sequence', element(0x30, whole)],
    ['inside an OCTET STRING', element(4, whole)],
    ['r || s without DER', Uint8Array.of(...toBytes(r), ...toBytes(s))],
    ['as text in hex', Uint8Array.from(Buffer.from(Buffer.from(whole).toString('hex')))],
    ['zeros only', new Uint8Array(whole.length)],
    ['ones only', new Uint8Array(whole.length).fill(0xff)],
    ['64 kB after the sequence', Uint8Array.of(...whole, ...new Uint8Array(1 << 16))],
  ]
  for (let length = 1; length < whole.length; length++) list.push([`cut after ${length} bytes`, whole.slice(0, length)])
  for (let i = 0; i < whole.length; i++) list.push([`bit ${i % 8} of byte ${i} flipped`, set(i, whole[i]! ^ (1 << (i % 8)))])
  return list
}
