import { describe, expect, it } from 'vitest'
import { sha256 } from '../../model/sha256.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { UpdateBatch } from '../validate/update-batch.ts'
import { commitHash, commitHashMetadata, commitHashOf, updateBytes } from './commit-hash.ts'

const at = (blockNumber: number, txNumber: number) => ({ blockNumber, txNumber })
const text = utf8Bytes

function batch(
  ...entries: [namespace: string, key: string, value: string | undefined, block: number, tx: number][]
): UpdateBatch {
  const updates = new UpdateBatch()
  for (const [namespace, key, value, block, tx] of entries)
    updates.set(namespace, key, value === undefined ? undefined : text(value), undefined, at(block, tx))
  return updates
}

/** A field of protobuf: tag, length, content. */
const field = (tag: number, content: Uint8Array | string): Uint8Array => {
  const bytes = typeof content === 'string' ? text(content) : content
  return Buffer.concat([Uint8Array.of(tag, bytes.length), bytes])
}
const entry = (...fields: Uint8Array[]): Uint8Array => field(0x0a, Buffer.concat(fields))
const version = (...bytes: number[]): Uint8Array => field(0x32, Uint8Array.of(...bytes))

describe('update bytes', () => {
  it('list namespace and collection in the first entry of each, in byte order', () => {
    const updates = batch(['b', 'k', 'v', 1, 0], ['a\u0000col', '6b', 'h', 1, 2], ['a', 'y', 'v', 1, 1], ['a', 'x', 'v', 1, 0])
    const expected = [
      entry(field(0x0a, 'a'), field(0x1a, 'x'), field(0x2a, 'v'), version(1, 1, 0)),
      entry(field(0x1a, 'y'), field(0x2a, 'v'), version(1, 1, 1, 1)),
      entry(field(0x12, 'col'), field(0x1a, 'k'), field(0x2a, 'h'), version(1, 1, 1, 2)),
      entry(field(0x0a, 'b'), field(0x1a, 'k'), field(0x2a, 'v'), version(1, 1, 0)),
    ]
    expect(Buffer.from(updateBytes(updates))).toEqual(Buffer.concat(expected))
  })

  it('name the namespace with the first collection when nothing public is written', () => {
    const expected = entry(field(0x0a, 'a'), field(0x12, 'col'), field(0x1a, 'k'), field(0x2a, 'h'), version(1, 1, 0))
    expect(Buffer.from(updateBytes(batch(['a\u0000col', '6b', 'h', 1, 0])))).toEqual(expected)
  })

  it('mark deletions and leave the value out', () => {
    const expected = entry(field(0x0a, 'a'), field(0x1a, 'k'), Uint8Array.of(0x20, 1), version(1, 5, 0))
    expect(Buffer.from(updateBytes(batch(['a', 'k', undefined, 5, 0])))).toEqual(expected)
  })

  it('encode versions with as many bytes as they need', () => {
    const expected = entry(field(0x0a, 'a'), field(0x1a, 'k'), field(0x2a, 'v'), version(3, 0x01, 0x00, 0x00, 2, 0x01, 0x2c))
    expect(Buffer.from(updateBytes(batch(['a', 'k', 'v', 65_536, 300])))).toEqual(expected)
  })

  it('leave the channel configuration and the metadata of keys out', () => {
    const updates = batch(['', 'CHANNEL_CONFIG_ENV_BYTES', 'config', 1, 0])
    expect(updateBytes(updates)).toEqual(new Uint8Array(0))
    const plain = batch(['a', 'k', 'v', 1, 0])
    const withMetadata = new UpdateBatch()
    withMetadata.set('a', 'k', text('v'), text('metadata'), at(1, 0))
    expect(updateBytes(withMetadata)).toEqual(updateBytes(plain))
  })
})

describe('the commit hash', () => {
  it('chains the number of flags, the flags, the updates and the hash before', () => {
    const updates = batch(['a', 'k', 'v', 2, 0])
    const flags = new Uint8Array(200).fill(11)
    const previous = sha256(text('block 1'))
    expect(commitHash(flags, updates, previous)).toEqual(sha256(Uint8Array.of(0xc8, 0x01), flags, updateBytes(updates), previous))
    expect(commitHash(Uint8Array.of(0), updates, new Uint8Array(0))).toEqual(sha256(Uint8Array.of(1, 0), updateBytes(updates)))
  })

  it('changes with a flag, with the order of nothing else', () => {
    const one = batch(['a', 'k', 'v', 1, 0], ['a', 'l', 'w', 1, 1])
    const other = batch(['a', 'l', 'w', 1, 1], ['a', 'k', 'v', 1, 0])
    const none = new Uint8Array(0)
    expect(commitHash(Uint8Array.of(0, 0), one, none)).toEqual(commitHash(Uint8Array.of(0, 0), other, none))
    expect(commitHash(Uint8Array.of(0, 11), one, none)).not.toEqual(commitHash(Uint8Array.of(0, 0), one, none))
  })

  it('stands in a metadata slot and comes back', () => {
    const hash = sha256(text('x'))
    expect(commitHashOf(commitHashMetadata(hash))).toEqual(hash)
    expect(commitHashOf(new Uint8Array(0))).toEqual(new Uint8Array(0))
  })
})
