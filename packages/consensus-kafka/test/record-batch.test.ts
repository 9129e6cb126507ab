import { compareBytes } from '@heddle/core/plugin'
import { createRecordsBatch, Reader, readRecordsBatches, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBatches, encodeBatch, offsetOf, positionOf } from '../src/cluster/record-batch.ts'
import { decodeFetch, decodeProduce, encodeProduce } from '../src/cluster/requests.ts'

const record = fc.uint8Array({ minLength: 1, maxLength: 300 })
const records = fc.array(record, { minLength: 1, maxLength: 200 })
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A batch as a broker stores it: from an offset on. */
function at(offset: number, batch: Buffer): Buffer {
  const stored = Buffer.from(batch)
  stored.writeBigInt64BE(BigInt(offset), 0)
  return stored
}

describe('a record batch', () => {
  it('is read by the client as it was written here', () => {
    fc.assert(
      fc.property(records, fc.constantFrom('none', 'gzip', 'lz4', 'snappy', 'zstd'), (given, compression) => {
        const [batch, ...others] = readRecordsBatches(Reader.from(encodeBatch(given, 1_700_000_000_000, compression)))
        expect(others).toEqual([])
        expect(batch!.records.map(({ value }) => hex(value!))).toEqual(given.map(hex))
        expect(batch!.records.map(({ offsetDelta }) => offsetDelta)).toEqual(given.map((_, i) => i))
      }),
      { numRuns: 60 },
    )
  })

  it('is read here as the client wrote it', () => {
    fc.assert(
      fc.property(records, fc.nat(2 ** 40), fc.constantFrom('none', 'gzip', 'lz4'), (given, offset, compression) => {
        const messages = given.map((value) => ({
          topic: 't',
          partition: 0,
          key: Buffer.from('key'),
          value: Buffer.from(value),
          headers: new Map(),
        }))
        const batch = createRecordsBatch(messages as never, { compression } as never)
        const { records: read, next } = decodeBatches(at(offset, Buffer.from((batch as unknown as Writer).buffer)), offset)
        expect(read.map(({ data }) => hex(data))).toEqual(given.map(hex))
        expect(read.map(({ position }) => offsetOf(position))).toEqual(given.map((_, i) => offset + i))
        expect(next).toBe(offset + given.length)
      }),
      { numRuns: 60 },
    )
  })

  it('gives only what is at or after the offset asked for, and leaves a batch that is cut off for later', () => {
    const batches = [0, 3, 6].map((offset) =>
      at(
        offset,
        encodeBatch(
          [1, 2, 3].map((i) => Buffer.from(`${offset + i}`)),
          0,
          'none',
        ),
      ),
    )
    const bytes = Buffer.concat(batches)
    for (let from = 0; from <= 9; from++) {
      const { records: read, next } = decodeBatches(bytes, from)
      expect(read.map(({ data }) => Number(data))).toEqual(Array.from({ length: 9 - from }, (_, i) => from + i + 1))
      expect(next).toBe(9)
    }
    for (let cut = 1; cut < batches[2]!.length; cut++) {
      const { records: read, next } = decodeBatches(bytes.subarray(0, bytes.length - cut), 2)
      expect([read.length, next]).toEqual([4, 6])
    }
  })

  it('of Kafka transactions holds no records, and is stepped over', () => {
    const control = at(5, encodeBatch([Buffer.from('marker')], 0, 'none'))
    const plain = at(6, encodeBatch([Buffer.from('record')], 0, 'none'))
    const marked = markedControl(control)
    const { records: read, next } = decodeBatches(Buffer.concat([marked, plain]), 5)
    expect([read.map(({ data }) => String(data)), next]).toEqual([['record'], 7])
  })

  it('of which a byte was changed is refused', () => {
    const batch = encodeBatch([Buffer.from('record one'), Buffer.from('record two')], 5, 'none')
    for (let i = 16; i < batch.length; i++) {
      const changed = Buffer.from(batch)
      changed[i]! ^= 1 << (i % 8)
      expect(() => decodeBatches(changed, 0), `byte ${i}`).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
    }
  })
})

describe('positions', () => {
  it('sort as their offsets, whatever the records are', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), fc.nat(2 ** 45), record, record, (a, b, one, two) => {
        expect(Math.sign(compareBytes(positionOf(a, one), positionOf(b, two)))).toBe(
          a === b ? Math.sign(compareBytes(positionOf(a, one), positionOf(a, two))) : Math.sign(a - b),
        )
        expect(offsetOf(positionOf(a, one))).toBe(a)
      }),
    )
  })

  it('of another kind of log are refused', () => {
    expect(() => offsetOf(new Uint8Array(8))).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
  })
})

describe('requests', () => {
  it('a produce request holds its batch where the broker looks for it, for topics of any name', () => {
    for (const topic of ['t', 'a-topic.with_a.longer-name', 'x'.repeat(249)]) {
      const request = encodeProduce(topic, [Buffer.from('record')], { timeout: 1000, now: 7, compression: 'none' })
      const reader = Reader.from(request)
      expect(reader.readNullableString()).toBeNull()
      expect([reader.readInt16(), reader.readInt32()]).toEqual([-1, 1000])
      const topics = reader.readArray((each) => ({
        name: each.readString(),
        partitions: each.readArray((partition) => ({ index: partition.readInt32(), records: partition.readBytes() })),
      }))
      reader.readTaggedFields()
      expect(reader.remaining).toBe(0)
      expect(topics).toEqual([
        { name: topic, partitions: [{ index: 0, records: encodeBatch([Buffer.from('record')], 7, 'none') }] },
      ])
    }
  })

  it('answers that are cut off are errors, never records', () => {
    const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0)
    const batch = encodeBatch([Buffer.from('record')], 0, 'none')
    writer.appendArray([1], (w) => {
      w.appendUUID('123e4567-e89b-12d3-a456-426614174000').appendArray([1], (p) => {
        p.appendInt32(0)
          .appendInt16(0)
          .appendInt64(1n)
          .appendInt64(1n)
          .appendInt64(0n)
          .appendArray([], () => {})
          .appendInt32(-1)
          .appendBytes(batch)
      })
    })
    const whole = writer.appendTaggedFields().buffer
    expect(decodeFetch(whole)).toEqual({ error: 0, logStart: 0, records: batch })
    for (let length = 0; length < whole.length - 3; length++)
      expect(() => decodeFetch(whole.subarray(0, length))).toThrow(RangeError)
  })

  it('an error code in a produce answer is an error with its name', () => {
    const answer = Writer.create()
      .appendArray([1], (w) => {
        w.appendString('topic').appendArray([1], (p) => {
          p.appendInt32(0)
            .appendInt16(19)
            .appendInt64(-1n)
            .appendInt64(-1n)
            .appendInt64(-1n)
            .appendArray([], () => {})
            .appendString(null)
        })
      })
      .appendInt32(0)
      .appendTaggedFields().buffer
    expect(() => decodeProduce(answer)).toThrow(/NOT_ENOUGH_REPLICAS/)
  })
})

/** A batch marked as one of control records, with the checksum that belongs to it. */
function markedControl(batch: Buffer): Buffer {
  const marked = Buffer.from(batch)
  marked.writeInt16BE(1 << 5, 21)
  marked.writeUInt32BE(checksum(marked.subarray(21)), 17)
  return marked
}

/** CRC-32C, bit by bit. */
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  }
  return (sum ^ 0xffffffff) >>> 0
}
