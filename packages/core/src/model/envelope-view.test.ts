import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check, hotDecoders } from '../../fuzz/checks.ts'
import { EnvelopeView } from './envelope-view.ts'
import * as model from './index.ts'
import { arbitraryValue } from './protobuf/arbitrary-message.fixture.ts'
import { DecodeError } from './protobuf/errors.ts'
import type { MessageType } from './protobuf/message.ts'

type AnyType = MessageType<Record<string, unknown>>
const types = Object.values(model as Record<string, unknown>).filter(
  (each): each is AnyType =>
    typeof each === 'object' && each !== null && 'decode' in each && hotDecoders.has((each as AnyType).name),
)

describe('hand-written decoders', () => {
  it('exist for eleven messages', () => {
    expect(types.length).toBe(hotDecoders.size)
    expect(types.length).toBe(11)
  })

  for (const type of types) {
    it(`${type.name}: equals the generic codec on encodings, on two of them merged, and on any cut`, () => {
      const encoded = arbitraryValue(type, { safeIntegers: false, asciiKeys: false }).map((value) => type.encode(value))
      fc.assert(
        fc.property(encoded, encoded, fc.nat(), (first, second, cut) => {
          const merged = Uint8Array.from([...first, ...second])
          expect(check(type, merged)).toBe(true)
          check(type, merged.subarray(0, cut % (merged.length + 1)))
        }),
      )
    })
  }
})

describe('EnvelopeView', () => {
  const channelHeader = model.ChannelHeader.encode({ type: 3, channelId: 'ch', txId: 'ab' })
  const signatureHeader = model.SignatureHeader.encode({ creator: Uint8Array.of(1), nonce: Uint8Array.of(2) })
  const payload = model.Payload.encode({ header: { channelHeader, signatureHeader }, data: Uint8Array.of(0xff) })
  const view = new EnvelopeView(model.Envelope.encode({ payload, signature: Uint8Array.of(3) }))

  it('keeps upper levels readable when a deeper one does not decode', () => {
    expect([view.type, view.channelId, view.txId, view.creator, view.nonce]).toEqual([
      3,
      'ch',
      'ab',
      Uint8Array.of(1),
      Uint8Array.of(2),
    ])
    expect(() => view.transaction.actions).toThrow(DecodeError)
    expect(view.isCanonical).toBe(true)
  })

  it('gives the same objects at each call: decoded once', () => {
    expect(view.payload).toBe(view.payload)
    expect(view.channelHeader).toBe(view.channelHeader)
    expect(view.transaction).toBe(view.transaction)
  })

  it('gives views of the original bytes', () => {
    expect(view.creator.buffer).toBe(view.bytes.buffer)
    expect(view.data.buffer).toBe(view.bytes.buffer)
  })

  it('tells a missing header from an empty one', () => {
    expect(new EnvelopeView(new Uint8Array(0)).hasHeader).toBe(false)
    expect(new EnvelopeView(model.Envelope.encode({ payload: model.Payload.encode({ header: {} }) })).hasHeader).toBe(true)
  })

  it('takes a Buffer and gives plain arrays', () => {
    const fromBuffer = new EnvelopeView(Buffer.from(view.bytes))
    expect(fromBuffer.bytes.constructor).toBe(Uint8Array)
    expect(fromBuffer.hash()).toBe(view.hash())
  })
})
