import { describe, expect, it } from 'vitest'
import { DecodeError, EncodeError } from './errors.ts'
import {
  bool,
  bytes,
  embed,
  embedLazy,
  enumeration,
  int32,
  int64,
  mapOf,
  oneof,
  repeated,
  string,
  uint32,
  uint64,
} from './field.ts'
import { type MessageType, message } from './message.ts'

const Inner = message('test.Inner', { a: int32(1), b: string(2) })
const Sample = message('test.Sample', {
  data: bytes(1),
  text: string(2),
  flag: bool(3),
  i32: int32(4),
  u32: uint32(5),
  i64: int64(6),
  u64: uint64(7),
  inner: embed(8, Inner),
  list: repeated(embed(9, Inner)),
  numbers: repeated(uint64(10)),
  kind: enumeration(11),
  map: mapOf(12, bytes(2)),
  messages: mapOf(13, embed(2, Inner)),
  left: oneof('choice', int32(14)),
  right: oneof('choice', embed(15, Inner)),
})
interface Tree {
  child: Tree | undefined
}
const Tree: MessageType<Tree> = message('test.Tree', { child: embedLazy(1, () => Tree) })

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const decode = (text: string) => Sample.decode(hex(text))
const codeOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError || error instanceof EncodeError) return error.code
    throw error
  }
  return 'no error'
}

describe('decoding as Go does', () => {
  it('takes the last value of a scalar', () => {
    expect(decode('20 01 20 02').i32).toBe(2)
  })
  it('merges repeated occurrences of an embedded message', () => {
    expect(decode('42 02 08 05  42 03 12 01 78').inner).toEqual({ a: 5, b: 'x' })
  })
  it('reads repeated scalars packed, unpacked and mixed', () => {
    expect(decode('50 01  52 02 02 03  50 04').numbers).toEqual([1, 2, 3, 4])
  })
  it('writes repeated scalars packed', () => {
    expect(Sample.encode({ numbers: [1, 300] })).toEqual(hex('52 03 01 ac 02'))
  })
  it('passes over a known field with another wire type', () => {
    expect(decode('21 0102030405060708  0d 01020304').i32).toBe(0)
    expect(decode('40 01').inner).toBeUndefined()
  })
  it('passes over unknown fields of every wire type, groups in groups included', () => {
    expect(
      decode('a0 06 01  a1 06 0102030405060708  a2 06 01 ff  a3 06 a3 06 08 01 a4 06 12 01 00 a4 06  a5 06 01020304  20 07').i32,
    ).toBe(7)
  })
  it('refuses a group that ends with another number, or never', () => {
    expect(codeOf(() => decode('a3 06 ac 06'))).toBe('DECODE_BAD_TAG')
    expect(codeOf(() => decode('a3 06 08 01'))).toBe('DECODE_TRUNCATED')
    expect(codeOf(() => decode('a4 06'))).toBe('DECODE_BAD_TAG')
  })
  it('refuses groups nested past the limit in bounded memory', () => {
    expect(codeOf(() => Sample.decode(Uint8Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? 0xa3 : 0x06))))).toBe(
      'DECODE_TOO_DEEP',
    )
  })
  it('refuses field number 0 and numbers past 2^29 - 1', () => {
    expect(codeOf(() => decode('00 00'))).toBe('DECODE_BAD_TAG')
    expect(codeOf(() => decode('80 80 80 80 10 00'))).toBe('DECODE_BAD_TAG')
    expect(codeOf(() => decode('f8 ff ff ff 0f 00'))).toBe('no error')
  })
  it('refuses wire types 6 and 7', () => {
    expect(codeOf(() => decode('26'))).toBe('DECODE_BAD_TAG')
    expect(codeOf(() => decode('27'))).toBe('DECODE_BAD_TAG')
  })
  it('takes varints of ten bytes, refuses longer ones and those past 64 bits', () => {
    expect(decode('38 ff ff ff ff ff ff ff ff ff 01').u64).toBe(2n ** 64n - 1n)
    expect(decode('38 81 80 80 80 80 80 80 80 80 00').u64).toBe(1)
    expect(codeOf(() => decode('38 ff ff ff ff ff ff ff ff ff 02'))).toBe('DECODE_BAD_VARINT')
    expect(codeOf(() => decode('38 80 80 80 80 80 80 80 80 80 80 00'))).toBe('DECODE_BAD_VARINT')
    expect(codeOf(() => decode('38 80'))).toBe('DECODE_TRUNCATED')
  })
  it('truncates a 64-bit varint to an int32 or uint32 field', () => {
    expect(decode('20 ff ff ff ff ff ff ff ff ff 01').i32).toBe(-1)
    expect(decode('20 81 80 80 80 10').i32).toBe(1)
    expect(decode('28 ff ff ff ff 1f').u32).toBe(0xffffffff)
  })
  it('takes any varint but zero for true', () => {
    expect(decode('18 80 80 80 80 80 80 80 80 80 01').flag).toBe(true)
    expect(decode('18 80 00').flag).toBe(false)
  })
  it('reads 64-bit integers as numbers while safe, as bigint beyond', () => {
    for (const value of [
      0,
      1,
      -1,
      2 ** 31,
      -(2 ** 31),
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]) {
      expect(Sample.decode(Sample.encode({ i64: value })).i64).toBe(value)
    }
  })
  it('keeps unknown enum numbers', () => {
    expect(decode('58 e7 07').kind).toBe(999)
  })
  it('refuses text that is not UTF-8: bare continuation, overlong form, surrogate, past U+10FFFF', () => {
    for (const text of ['80', 'c080', 'eda080', 'f4908080', 'ff', 'c3']) {
      expect(codeOf(() => decode(`12 ${(text.length / 2).toString(16).padStart(2, '0')} ${text}`))).toBe('DECODE_BAD_UTF8')
    }
    expect(decode('12 04 f48fbfbf').text).toBe('\u{10ffff}')
    expect(decode('12 03 efbbbf').text).toBe('\ufeff')
  })
  it('refuses a length past the end of its message, even when bytes follow in the outer one', () => {
    expect(codeOf(() => decode('42 02 12 05  0a 05 0102030405'))).toBe('DECODE_TRUNCATED')
    expect(codeOf(() => decode('0a ff ff ff ff ff ff ff ff 7f'))).toBe('DECODE_TRUNCATED')
  })
  it('takes the last entry of a map key, and defaults for what an entry leaves out', () => {
    expect(decode('62 05 0a 01 61 12 00  62 06 0a 01 61 12 01 ff').map).toEqual(new Map([['a', hex('ff')]]))
    expect(decode('62 00').map).toEqual(new Map([['', hex('')]]))
    expect(decode('6a 00').messages).toEqual(new Map([['', { a: 0, b: '' }]]))
    expect(decode('6a 0b 12 02 08 01 12 03 12 01 78 18 01').messages).toEqual(new Map([['', { a: 1, b: 'x' }]]))
  })
  it('lets the last member of a oneof win, and keeps its presence when it has the default value', () => {
    expect(decode('70 00').left).toBe(0)
    expect(decode('70 05  7a 00')).toMatchObject({ left: undefined, right: { a: 0, b: '' } })
    expect(decode('7a 02 08 05  70 00')).toMatchObject({ left: 0, right: undefined })
    expect(decode('7a 02 08 05  7a 03 12 01 78').right).toEqual({ a: 5, b: 'x' })
    expect(decode('7a 02 08 05  70 00  7a 00').right).toEqual({ a: 0, b: '' })
  })
  it('gives views of the input, not copies', () => {
    const input = hex('0a 02 0102')
    expect(Sample.decode(input).data.buffer).toBe(input.buffer)
  })
  it('gives plain Uint8Arrays for a Buffer', () => {
    expect(Sample.decode(Buffer.from('0a020102', 'hex')).data.constructor).toBe(Uint8Array)
  })
})

describe('limits', () => {
  const limits = { maxBytes: 100, maxDepth: 3, maxElements: 5 }
  it('refuses more bytes than the limit', () => {
    expect(codeOf(() => Sample.decode(new Uint8Array(101), limits))).toBe('DECODE_TOO_LARGE')
  })
  it('counts levels below the outermost message', () => {
    expect(codeOf(() => Tree.decode(hex('0a 04 0a 02 0a 00'), limits))).toBe('no error')
    expect(codeOf(() => Tree.decode(hex('0a 06 0a 04 0a 02 0a 00'), limits))).toBe('DECODE_TOO_DEEP')
  })
  it('counts elements of all repeated and map fields together', () => {
    expect(codeOf(() => Sample.decode(hex('4a 00 4a 00 52 02 01 02 62 00'), limits))).toBe('no error')
    expect(codeOf(() => Sample.decode(hex('4a 00 4a 00 52 02 01 02 62 00 50 00'), limits))).toBe('DECODE_TOO_MANY')
  })
  it('keeps the stack safe at the default depth', () => {
    let tree: Tree = { child: undefined }
    for (let i = 0; i < 2000; i++) tree = { child: tree }
    expect(codeOf(() => Tree.decode(Tree.encode(tree)))).toBe('DECODE_TOO_DEEP')
  })
})

describe('encoding', () => {
  it('leaves default scalars out and keeps empty embedded messages', () => {
    expect(Sample.encode({ i32: 0, text: '', data: hex(''), flag: false, u64: 0n, inner: {} })).toEqual(hex('42 00'))
  })
  it('writes negative numbers in ten bytes', () => {
    expect(Sample.encode({ i32: -1 })).toEqual(hex('20 ff ff ff ff ff ff ff ff ff 01'))
  })
  it('sorts map keys by their UTF-8 bytes', () => {
    const map = new Map(['\u{1f600}', '\uffff', 'b', 'a'].map((key) => [key, hex('')]))
    expect([...Sample.decode(Sample.encode({ map })).map.keys()]).toEqual(['a', 'b', '\uffff', '\u{1f600}'])
  })
  it('refuses values that a field cannot carry, and goes on working', () => {
    for (const value of [
      { i32: 1.5 },
      { i32: 2 ** 31 },
      { u32: -1 },
      { u64: -1 },
      { u64: 2n ** 64n },
      { i64: 2 ** 53 },
      { i32: Number.NaN },
      { text: '\ud800' },
    ]) {
      expect(codeOf(() => Sample.encode(value))).toBe('ENCODE_BAD_VALUE')
    }
    expect(codeOf(() => Sample.encode({ data: 'text' as never }))).toBe('ENCODE_BAD_VALUE')
    expect(Sample.encode({ i32: 7 })).toEqual(hex('20 07'))
  })
  it('grows its buffer for large messages', () => {
    const data = new Uint8Array(3_000_000).fill(7)
    expect(Buffer.from(Sample.decode(Sample.encode({ data, text: 'after' })).data).equals(data)).toBe(true)
  })
})
