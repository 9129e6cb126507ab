import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Block } from './block.ts'
import { blockHeaderBytes } from './block-header.ts'
import { BlockMessage } from './messages/common.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')

describe('block header bytes', () => {
  it('are DER: integers without superfluous bytes, with a zero where the first bit is set', () => {
    const of = (number: number | bigint) => hex(blockHeaderBytes(number, bytes(), bytes()))
    expect(of(0)).toBe('30070201000400' + '0400')
    expect(of(127)).toBe('300702017f04000400')
    expect(of(128)).toBe('3008020200800400' + '0400')
    expect(of(255)).toBe('3008020200ff04000400')
    expect(of(256)).toBe('3008020201000400' + '0400')
    expect(of(2 ** 53 - 1)).toBe('300d02071fffffffffffff04000400')
    expect(of(2n ** 64n - 1n)).toBe('300f020900ffffffffffffffff04000400')
    expect(of(2n ** 63n - 1n)).toBe('300e02087fffffffffffffff04000400')
  })

  it('write lengths past 127 in the long form', () => {
    const long = blockHeaderBytes(1, new Uint8Array(200), new Uint8Array(70_000))
    expect(hex(long.subarray(0, 12))).toBe('3083011243' + '020101' + '0481c8' + '00')
    expect(long.length).toBe(5 + 3 + 3 + 200 + 5 + 70_000)
  })
})

describe('Block', () => {
  const block = Block.create(7, bytes(1), [bytes(1, 2), bytes(3)])

  it('encodes in two pieces, of which copies with other metadata share the first', () => {
    const flagged = block.withMetadata({ 2: bytes(0, 11) })
    const [front, metadata] = block.encodedParts()
    const [sameFront, otherMetadata] = flagged.encodedParts()
    expect(hex(block.encode())).toBe(hex(front) + hex(metadata))
    expect(sameFront).toBe(front)
    expect(hex(otherMetadata)).not.toBe(hex(metadata))
    const expected = BlockMessage.encode({
      header: flagged.header,
      data: { data: [...flagged.data] },
      metadata: { metadata: [...flagged.metadata] },
    })
    expect(hex(flagged.encode())).toBe(hex(expected))
  })

  it('computes the data hash over the concatenated envelopes', () => {
    expect(hex(block.header.dataHash)).toBe(
      createHash('sha256')
        .update(bytes(1, 2, 3))
        .digest('hex'),
    )
    expect(block.hasDataHash()).toBe(true)
    expect(Block.of(block.header, [bytes(1), bytes(2, 4)], []).hasDataHash()).toBe(false)
  })

  it('is named by the hash of its header alone', () => {
    expect(hex(block.hash())).toBe(createHash('sha256').update(block.headerBytes()).digest('hex'))
    expect(block.withMetadata({ 2: bytes(9) }).hash()).toBe(block.hash())
  })

  it('starts with five empty metadata slots', () => {
    expect(block.metadata).toEqual([bytes(), bytes(), bytes(), bytes(), bytes()])
  })

  it('is never changed by withMetadata, whose copy encodes anew and shares the decoded envelopes', () => {
    const before = block.encode()
    const changed = block.withMetadata({ 2: bytes(255), 4: bytes(5) })
    expect(block.metadataAt(2)).toEqual(bytes())
    expect(block.encode()).toBe(before)
    expect(changed.metadata).toEqual([bytes(), bytes(), bytes(255), bytes(), bytes(5)])
    expect(changed.encode()).not.toEqual(before)
    expect(changed.envelope(1)).toBe(block.envelope(1))
  })

  it('pads missing slots of blocks from elsewhere', () => {
    const short = Block.of(block.header, block.data, [bytes(1)])
    expect(short.metadataAt(4)).toEqual(bytes())
    expect(short.withMetadata({ 2: bytes(2) }).metadata).toEqual([bytes(1), bytes(), bytes(2), bytes(), bytes()])
  })

  it('encodes as the declared message does, and decodes to the same', () => {
    const full = block.withMetadata({ 0: new Uint8Array(300_000).fill(3) })
    const { number, previousHash, dataHash } = full.header
    const expected = BlockMessage.encode({
      header: { number, previousHash, dataHash },
      data: { data: full.data },
      metadata: { metadata: full.metadata },
    })
    expect(Buffer.from(full.encode()).equals(expected)).toBe(true)
    const again = Block.decode(full.encode())
    expect([again.header, again.data, again.metadata]).toEqual([full.header, full.data, full.metadata])
  })

  it('refuses bytes without a header and numbers that are no safe integer', () => {
    expect(() => Block.decode(bytes())).toThrow(expect.objectContaining({ code: 'DECODE_BAD_VALUE' }))
    const huge = BlockMessage.encode({ header: { number: 2n ** 53n } })
    expect(() => Block.decode(huge)).toThrow(expect.objectContaining({ code: 'DECODE_BAD_VALUE' }))
  })

  it('refuses an envelope index that it does not have', () => {
    expect(() => block.envelope(2)).toThrow(RangeError)
  })
})
