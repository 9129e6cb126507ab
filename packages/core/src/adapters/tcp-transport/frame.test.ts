import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorFamily, HeddleError } from '../../model/errors.ts'
import {
  CHUNK,
  decodeRoute,
  encodeFrame,
  encodeRoute,
  Flag,
  type Frame,
  FrameError,
  FrameReader,
  FrameType,
  MAX_FRAME,
} from './frame.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { StreamReader } from './stream-reader.ts'
import { decodeError, encodeError } from './wire-error.ts'

const where = { to: 'b', service: 's', channel: 'c' }

/** A socket that keeps what is written, as if the other side took nothing until `drain`. */
class Sink {
  readonly written: Buffer[] = []
  writableLength = 0

  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes))
    this.writableLength += bytes.length
    return this.writableLength < 256 * 1024
  }

  take(): Buffer {
    this.writableLength = 0
    return Buffer.concat(this.written.splice(0))
  }
}

/** Cuts bytes into pieces of the given lengths, the last one with all that is left. */
function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const all: Buffer[] = []
  let at = 0
  for (const length of lengths) {
    if (at >= bytes.length) break
    all.push(bytes.subarray(at, at + length))
    at += length
  }
  all.push(bytes.subarray(at))
  return all
}

describe('frames', () => {
  const frame = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffffffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  })

  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 200 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(({ type, flags, id, body }) => encodeFrame(type, flags, id, body)))
          const reader = new FrameReader()
          const read: object[] = []
          for (const piece of pieces(bytes, cuts))
            reader.push(piece, ({ type, flags, id, body }) => {
              read.push({ type, flags, id, body: [...body] })
              return true
            })
          expect(read).toEqual(frames.map((each) => ({ ...each, body: [...each.body] })))
          expect(reader.pending).toBe(0)
        },
      ),
    )
  })

  it('that were not asked for yet wait, and come with the next bytes or none', () => {
    const reader = new FrameReader()
    const ids: number[] = []
    const both = Buffer.concat([encodeFrame(1, 0, 1), encodeFrame(1, 0, 2), encodeFrame(1, 0, 3)])
    reader.push(both, ({ id }) => {
      ids.push(id)
      return false
    })
    expect(ids).toEqual([1])
    reader.push(Buffer.alloc(0), ({ id }) => {
      ids.push(id)
      return true
    })
    expect(ids).toEqual([1, 2, 3])
  })

  it('of any bytes are frames or a FrameError, and hold no more than one frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 20 }), (chunks) => {
        const reader = new FrameReader()
        try {
          for (const chunk of chunks) {
            reader.push(Buffer.from(chunk), () => true)
            expect(reader.pending).toBeLessThanOrEqual(reader.limit + 4)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
    )
  })

  it('name routes of any text that fits', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 16 }), fc.string({ maxLength: 60 }), (service, channel) => {
        fc.pre(service.isWellFormed() && channel.isWellFormed())
        expect(decodeRoute(encodeRoute(service, channel))).toEqual({ service, channel })
      }),
    )
    expect(() => encodeRoute('', 'c')).toThrow(FrameError)
    expect(() => encodeRoute('s', 'c'.repeat(257))).toThrow(FrameError)
  })
})

describe('transfers', () => {
  const route = { key: 's\0c', service: 's', channel: 'c' }
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: CHUNK - 3, max: CHUNK + 3 }),
    fc.integer({ min: 0, max: 200_000 }),
  )

  it('arrive whole, messages of one route in order, within what the receiver reserves', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ kind: fc.constantFrom('message', 'request', 'item'), size: sizes }), { maxLength: 25 }),
        fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 50 }),
        (plan, cuts) => {
          const limit = 250_000
          const sink = new Sink()
          const outbox = new Outbox(sink, { maxQueue: 1000, maxQueueBytes: 1 << 30, maxPartialBytes: limit, dropped: () => {} })
          const sent = plan.map(({ kind, size }, i) => ({
            kind,
            data: Uint8Array.from({ length: size }, (_, j) => (i * 7 + j) & 0xff),
          }))
          sent.forEach(({ kind, data }, i) => {
            if (kind === 'message') outbox.message(route, data)
            else if (kind === 'request') outbox.put(outbox.flow(), FrameType.REQUEST, i, data, { route })
            else outbox.put(outbox.flow(1 << 30), FrameType.ITEM, i, data)
          })
          const reader = new FrameReader()
          reader.limit = MAX_FRAME
          const inbox = new Inbox(limit)
          const messages: Uint8Array[] = []
          const others = new Map<number, Uint8Array>()
          const take = (frame: Frame): boolean => {
            if (frame.type === FrameType.ROUTE) inbox.route(frame)
            else {
              const arrived = inbox.take(frame)
              if (arrived?.type === FrameType.MESSAGE) messages.push(arrived.data)
              else if (arrived !== undefined) others.set(arrived.id, arrived.data)
            }
            return true
          }
          for (outbox.flush(); sink.written.length > 0; outbox.drained())
            for (const piece of pieces(sink.take(), cuts)) reader.push(piece, take)
          expect(inbox.partials).toBe(0)
          const bytes = (data: Uint8Array | undefined): Buffer => Buffer.from(data ?? [])
          expect(messages.map(bytes)).toEqual(sent.filter(({ kind }) => kind === 'message').map(({ data }) => bytes(data)))
          sent.forEach(({ kind, data }, i) => {
            if (kind !== 'message') expect(bytes(others.get(i)).equals(data)).toBe(true)
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of small size are not held up by a large one that was there first', () => {
    const sink = new Sink()
    const outbox = new Outbox(sink, { maxQueue: 10, maxQueueBytes: 1 << 30, maxPartialBytes: 1 << 30, dropped: () => {} })
    outbox.put(outbox.flow(), FrameType.REQUEST, 1, new Uint8Array(10 << 20), { route })
    outbox.flush()
    outbox.message(route, Uint8Array.of(1))
    sink.take()
    outbox.drained()
    const types: number[] = []
    const reader = new FrameReader()
    reader.limit = MAX_FRAME
    reader.push(sink.take(), ({ type }) => types.push(type) > 0)
    expect(types.indexOf(FrameType.MESSAGE)).toBeGreaterThanOrEqual(0)
    expect(types.indexOf(FrameType.MESSAGE)).toBeLessThan(3)
  })

  it('beyond the bounds of the queue push out the oldest messages, by count and by bytes', () => {
    let dropped = 0
    const sink = new Sink()
    const outbox = new Outbox(sink, { maxQueue: 10, maxQueueBytes: 1000, maxPartialBytes: 1 << 20, dropped: () => dropped++ })
    for (let i = 0; i < 25; i++) outbox.message(route, Uint8Array.of(i))
    expect([dropped, outbox.queued]).toEqual([15, 10])
    for (let i = 0; i < 3; i++) outbox.message(route, new Uint8Array(400).fill(i))
    outbox.flush()
    const got: number[] = []
    const inbox = new Inbox(1 << 20)
    new FrameReader().push(sink.take(), (frame) => {
      if (frame.type === FrameType.ROUTE) inbox.route(frame)
      else got.push(inbox.take(frame)!.data[0]!)
      return true
    })
    expect(got.slice(-2)).toEqual([1, 2])
  })

  it('that are dropped after they began free what they reserved', () => {
    const sink = new Sink()
    const limit = 1 << 20
    const outbox = new Outbox(sink, { maxQueue: 10, maxQueueBytes: 1 << 30, maxPartialBytes: limit, dropped: () => {} })
    const first = outbox.flow()
    const second = outbox.flow()
    outbox.put(first, FrameType.REQUEST, 1, new Uint8Array(limit), { route })
    outbox.put(second, FrameType.REQUEST, 2, new Uint8Array(limit), { route })
    outbox.flush()
    sink.take()
    expect(outbox.drop(first)).toBe(false)
    const ids = new Set<number>()
    const reader = new FrameReader()
    reader.limit = MAX_FRAME
    for (outbox.flush(); sink.written.length > 0; outbox.drained()) reader.push(sink.take(), ({ id }) => ids.add(id).size > 0)
    expect(ids).toEqual(new Set([2]))
    expect(second.length).toBe(0)
  })

  it('of any frames are transfers or a FrameError', () => {
    const any = fc.record({
      type: fc.constantFrom(...Object.values(FrameType)),
      flags: fc.constantFrom(0, Flag.FIRST, Flag.LAST, Flag.FIRST | Flag.LAST),
      id: fc.integer({ min: 0, max: 3 }),
      body: fc.uint8Array({ maxLength: 100 }),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 50 }), (frames) => {
        const inbox = new Inbox(100_000)
        try {
          for (const each of frames) {
            const frame = { ...each, body: Buffer.from(each.body) }
            if (frame.type === FrameType.ROUTE) inbox.route(frame)
            else inbox.take(frame)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
    )
  })
})

describe('readers of streams', () => {
  it('give credit for what was read, and no more than the window is ever under way', async () => {
    const plan = fc.array(fc.record({ size: fc.integer({ min: 1, max: 3000 }), pause: fc.integer({ min: 0, max: 5 }) }), {
      minLength: 1,
      maxLength: 40,
    })
    await fc.assert(
      fc.asyncProperty(plan, async (items) => {
        const window = 1000
        let credit = window
        let arrived = 0
        let taken = 0
        const reader = new StreamReader(window, (bytes) => {
          credit += bytes
        })
        const read: number[] = []
        const reading = (async () => {
          for (const { pause } of items) {
            for (let i = 0; i < pause; i++) await undefined
            const item = await reader.next()
            read.push(item!.length)
            taken += item!.length
          }
        })()
        for (const { size } of items) {
          for (let left = size; left > 0; ) {
            // Whoever reads gives credit sooner or later: a source that waits for ever would end here.
            for (let turns = 0; credit === 0; turns++) {
              expect(turns).toBeLessThan(1000)
              await undefined
            }
            const part = Math.min(left, credit, 700)
            credit -= part
            left -= part
            arrived += part
            expect(reader.arrived(part)).toBe(true)
            // What waits is the window and, while somebody waits for it, one item.
            expect(arrived - taken).toBeLessThanOrEqual(window + 3000)
          }
          reader.item(new Uint8Array(size))
        }
        reader.end(undefined)
        await reading
        expect(read).toEqual(items.map(({ size }) => size))
        expect(await reader.next()).toBeUndefined()
      }),
    )
  })

  it('refuse more than they asked for', () => {
    const reader = new StreamReader(1000, () => {})
    expect(reader.arrived(1000)).toBe(true)
    expect(reader.arrived(1)).toBe(false)
  })
})

describe('errors on the wire', () => {
  class SampleError extends errorFamily('TransportTestError', {
    TRANSPORT_TEST_SAMPLE: { duty: 'retry', meaning: 'Made by this test.' },
  }) {}

  it('keep code, duty, message and data, and are of their family', () => {
    const error = decodeError(encodeError(new SampleError('TRANSPORT_TEST_SAMPLE', 'text', { a: [1, { b: 'c' }] })), where)
    expect(error).toBeInstanceOf(SampleError)
    expect((error as HeddleError).toJSON()).toEqual({
      code: 'TRANSPORT_TEST_SAMPLE',
      duty: 'retry',
      message: 'text',
      data: { a: [1, { b: 'c' }] },
    })
  })

  it('lose data that does not fit or is no JSON, and the end of a long message', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    for (const data of [circle, { long: 'x'.repeat(100_000) }]) {
      const bytes = encodeError(new SampleError('TRANSPORT_TEST_SAMPLE', 'y'.repeat(10_000), data))
      expect(bytes.length).toBeLessThan(CHUNK)
      const error = decodeError(bytes, where) as HeddleError
      expect([error.code, error.message.length, error.data]).toEqual(['TRANSPORT_TEST_SAMPLE', 1024, {}])
    }
  })

  it('that are none are TRANSPORT_HANDLER_FAILED, whatever the bytes', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{"code":1}',
      '{"code":"x","duty":"retry"}',
      '{"code":"GOOD","duty":"run"}',
      '"text"',
      '{',
    ])
      expect((decodeError(Buffer.from(text), where) as HeddleError).code).toBe('TRANSPORT_HANDLER_FAILED')
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeError(bytes, where) instanceof HeddleError))
  })
})
