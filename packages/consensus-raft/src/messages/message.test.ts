import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry, Membership, Message, MessageType } from '../core/types.ts'
import { decodeBatch, decodeConfig, encodeBatch, encodeConfig } from '../ordering/entry-payload.ts'
import { decodeSnapshotData, encodeSnapshotData } from '../ordering/snapshot-data.ts'
import { decodeMessage, encodeMessage, type WireMessage } from './message.ts'

const GENESIS = new Uint8Array(32).fill(7)
const LIMIT = 1 << 20

const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const payload = fc.uint8Array({ maxLength: 300 })
const ids = fc.array(number, { maxLength: 5 })
const membership: fc.Arbitrary<Membership> = fc.record({ voters: ids, outgoing: ids, learners: ids })
const types: MessageType[] = ['append', 'append-result', 'heartbeat', 'snapshot', 'vote', 'pre-vote-result', 'survey', 'disown']

/** Entries of a message are contiguous: only the first index is sent. */
const entries: fc.Arbitrary<Entry[]> = fc
  .tuple(
    fc.nat(1_000_000),
    fc.array(
      fc.record({
        term: number,
        kind: fc.constantFrom('normal', 'config', 'empty' as const),
        payload,
        membership: fc.option(membership, { nil: undefined }),
      }),
      { maxLength: 6 },
    ),
  )
  .map(([first, list]) => list.map((entry, i) => ({ ...entry, index: first + i })))

const raftMessage: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...types),
  from: number,
  to: number,
  term: number,
  incarnation: number,
  index: number,
  logTerm: number,
  commit: number,
  hint: number,
  context: number,
  reject: fc.boolean(),
  entries,
  snapshot: fc.option(fc.record({ index: number, term: number, membership, data: payload }), { nil: undefined }),
})

const wireMessage: fc.Arbitrary<WireMessage> = fc.oneof(
  raftMessage.map((message) => ({ kind: 'raft' as const, message })),
  fc.record({
    kind: fc.constant('forward' as const),
    term: number,
    session: number,
    first: number,
    heard: number,
    envelopes: fc.array(fc.record({ bytes: payload, isConfig: fc.boolean(), configSequence: number }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('taken' as const),
    term: number,
    session: number,
    upTo: number,
    again: fc.boolean(),
    firstRefused: number,
    refused: fc.array(fc.record({ number, code: fc.constantFrom('ORDER_FORBIDDEN', 'RECHECK'), message: fc.string() }), {
      maxLength: 3,
    }),
  }),
  fc.constant({ kind: 'height-request' as const }),
  fc.record({ kind: fc.constant('height' as const), height: number }),
)

/** Views and copies of bytes are equal here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

describe('messages between ordering nodes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(wireMessage, (message) => {
        expect(plain(decodeMessage(GENESIS, encodeMessage(GENESIS, message), LIMIT))).toEqual(plain(message))
      }),
    )
  })

  it('that are damaged are refused or read as others, never thrown for, and never read beyond their bytes', () => {
    const refusals = ['malformed', 'unknown-version', 'foreign-channel', 'oversized']
    const damage = fc.array(fc.record({ at: fc.nat(), bit: fc.nat(7), cut: fc.boolean() }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(wireMessage, damage, (message, changes) => {
        let bytes = Uint8Array.from(encodeMessage(GENESIS, message))
        for (const { at, bit, cut } of changes) {
          if (bytes.length === 0) break
          if (cut) bytes = bytes.slice(0, at % (bytes.length + 1))
          else bytes[at % bytes.length]! ^= 1 << bit
        }
        const read = decodeMessage(GENESIS, bytes, LIMIT)
        if (typeof read === 'string') expect(refusals).toContain(read)
        // One spelling of each message (but for texts, which may be no UTF-8): what was read is what these bytes say.
        else if (read.kind !== 'taken') expect(Buffer.compare(encodeMessage(GENESIS, read), bytes)).toBe(0)
      }),
      { numRuns: 2000 },
    )
  })

  it('of anything at all are refused without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof decodeMessage(GENESIS, bytes, LIMIT)).toBe('string')
        const framed = Buffer.concat([Uint8Array.of(1), GENESIS.subarray(0, 16), bytes])
        expect(() => decodeMessage(GENESIS, framed, LIMIT)).not.toThrow()
      }),
      { numRuns: 1000 },
    )
  })

  it('of another channel, another version, or too long are refused as such', () => {
    const bytes = encodeMessage(GENESIS, { kind: 'height', height: 5 })
    expect(decodeMessage(new Uint8Array(32), bytes, LIMIT)).toBe('foreign-channel')
    expect(
      decodeMessage(
        GENESIS,
        Uint8Array.from(bytes, (byte, i) => (i === 0 ? 2 : byte)),
        LIMIT,
      ),
    ).toBe('unknown-version')
    expect(decodeMessage(GENESIS, bytes, bytes.length - 1)).toBe('oversized')
    expect(decodeMessage(GENESIS, Buffer.concat([bytes, Uint8Array.of(0)]), LIMIT)).toBe('malformed')
  })
})

describe('what entries and snapshots hold', () => {
  it('is read as it was written, and anything else is none', () => {
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 5 }), ids, number, payload, (envelopes, list, next, envelope) => {
        expect(plain(decodeBatch(encodeBatch(envelopes)))).toEqual(plain(envelopes))
        const config = { envelope, consenters: { ids: list, next } }
        expect(plain(decodeConfig(encodeConfig(config)))).toEqual(plain(config))
        const data = { number: next, headerHash: envelope, consenterMetadata: envelope }
        expect(plain(decodeSnapshotData(encodeSnapshotData(data)))).toEqual(plain(data))
        expect(decodeBatch(encodeBatch(envelopes).subarray(1))).toBeUndefined()
      }),
    )
    expect(decodeBatch(new Uint8Array(0))).toBeUndefined()
    expect(decodeBatch(encodeBatch([]))).toBeUndefined()
    expect(decodeConfig(Uint8Array.of(9))).toBeUndefined()
    expect(decodeSnapshotData(Uint8Array.of(1, 0xff))).toBeUndefined()
  })
})
