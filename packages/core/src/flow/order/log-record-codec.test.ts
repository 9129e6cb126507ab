import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogRecordMessage, RECORD_VERSION } from './log-record.ts'
import { encodeRecords, RecordReader } from './log-record-codec.ts'

const some = (least: number, most: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: least, maxLength: most })
const fields = fc.record({
  class: fc.constantFrom(0, 1, 2),
  serial: fc.oneof(fc.nat(300), fc.nat({ max: 2 ** 31 - 1 }), fc.constant(2 ** 40)),
  configSequence: fc.nat(1000),
  envelope: some(0, 400),
  blockNumber: fc.nat(1_000_000),
})

function all(reader: RecordReader) {
  const { class: kind, serial, configSequence, cutAfter, blockNumber } = reader
  const [producer, envelope, chain] = [reader.producer, reader.envelope, reader.chain].map((each) =>
    Buffer.from(each).toString('hex'),
  )
  return { class: kind, serial, configSequence, cutAfter, blockNumber, producer, envelope, chain }
}

describe('the codec of log records', () => {
  it('writes what the message writes, and reads it back', () => {
    fc.assert(
      fc.property(
        fc.array(fields, { minLength: 1, maxLength: 5 }),
        some(0, 20),
        some(0, 9),
        fc.boolean(),
        (records, producer, chain, cut) => {
          const encoded = encodeRecords(records, producer, chain, cut)
          const reader = new RecordReader()
          records.forEach((record, i) => {
            const cutAfter = cut && i === records.length - 1
            const message = LogRecordMessage.encode({ version: RECORD_VERSION, ...record, producer, chain, cutAfter })
            expect(Buffer.compare(encoded[i]!, message)).toBe(0)
            reader.read(encoded[i]!)
            const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
            expect(all(reader)).toEqual({
              ...record,
              cutAfter,
              envelope: hex(record.envelope),
              producer: hex(producer),
              chain: hex(chain),
            })
            expect([reader.isBy(producer), reader.isOf(chain)]).toEqual([true, true])
            expect([
              reader.isBy(Buffer.concat([producer, Buffer.of(1)])),
              reader.isOf(Buffer.concat([Buffer.of(2), chain])),
            ]).toEqual([false, false])
          })
        },
      ),
    )
  })

  it('reads any bytes as the message reads them, or refuses them with LOG_CORRUPT', () => {
    const mutated = fc
      .tuple(
        fields,
        some(1, 16),
        some(1, 8),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 }),
        fc.nat(80),
      )
      .map(([record, producer, chain, cut, changes, cutOff]) => {
        const bytes = Uint8Array.from(encodeRecords([record], producer, chain, cut)[0]!)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        return changes.length === 0 ? bytes.subarray(0, Math.max(0, bytes.length - cutOff)) : bytes
      })
    fc.assert(
      fc.property(mutated, (bytes) => {
        const reader = new RecordReader()
        let expected: ReturnType<typeof LogRecordMessage.decode> | undefined
        try {
          expected = LogRecordMessage.decode(bytes)
        } catch {
          // Then the reader has to refuse it as well.
        }
        if (expected === undefined || expected.version !== RECORD_VERSION) {
          expect(() => reader.read(bytes)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
          return
        }
        reader.read(bytes)
        const hex = (each: Uint8Array): string => Buffer.from(each).toString('hex')
        expect(all(reader)).toEqual({
          class: expected.class,
          serial: Number(expected.serial),
          configSequence: Number(expected.configSequence),
          cutAfter: expected.cutAfter,
          blockNumber: Number(expected.blockNumber),
          producer: hex(expected.producer),
          envelope: hex(expected.envelope),
          chain: hex(expected.chain),
        })
      }),
      { numRuns: 2000 },
    )
  })
})
