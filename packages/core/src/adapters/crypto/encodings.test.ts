import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, Tag } from './der-reader.ts'
import * as der from './der-writer.ts'
import { CryptoError } from './errors.ts'
import { encodePem, pemBlock, pemBlocks } from './pem.ts'

describe('DER', () => {
  it('reads back what was written, of any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), (content) => {
        const reader = new DerReader(der.sequence(der.octetString(content), der.smallInteger(content.length)))
        const inner = reader.enter(Tag.SEQUENCE)
        reader.finish()
        expect(Buffer.compare(inner.octets(), content)).toBe(0)
        expect(inner.smallInteger()).toBe(content.length)
        inner.finish()
      }),
      { numRuns: 30 },
    )
  })

  it('reads back object identifiers', () => {
    const arc = fc.nat(2 ** 31 - 1)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), fc.nat(39), fc.array(arc, { maxLength: 8 }), (top, second, rest) => {
        const dotted = [top, second, ...rest].join('.')
        expect(new DerReader(der.oid(dotted)).oid()).toBe(dotted)
      }),
    )
  })

  it.each([
    ['a length in long form without need', [0x04, 0x81, 0x01, 0x00]],
    ['an indefinite length', [0x04, 0x80, 0x00, 0x00]],
    ['an element longer than its parent', [0x04, 0x02, 0x00]],
    ['a length cut off', [0x04]],
  ])('refuses %s', (_, bytes) => {
    expect(() => new DerReader(Uint8Array.from(bytes)).octets()).toThrow(CryptoError)
  })

  it('never reads outside its bytes, and throws nothing but CryptoError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const reader = new DerReader(bytes)
        try {
          while (!reader.isDone) reader.element()
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
        }
      }),
    )
  })
})

describe('PEM', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
        const text = encodePem('CERTIFICATE', bytes)
        expect(pemBlock(text, 'CERTIFICATE').bytes).toEqual(bytes)
        expect(pemBlocks(Buffer.from(`${text}${text}`))).toHaveLength(2)
      }),
    )
  })

  it.each([
    ['no block', 'hello'],
    ['no end', '-----BEGIN X-----\nAAAA\n'],
    ['another end', '-----BEGIN X-----\nAAAA\n-----END Y-----\n'],
    ['an empty body', '-----BEGIN X-----\n-----END X-----\n'],
    ['what is no base64', '-----BEGIN X-----\n!!!!\n-----END X-----\n'],
    ['base64 without its padding', '-----BEGIN X-----\nAAA\n-----END X-----\n'],
    ['another kind', encodePem('Y', Uint8Array.of(1))],
  ])('refuses %s', (_, text) => {
    expect(() => pemBlock(text, 'X')).toThrow(expect.objectContaining({ code: 'CRYPTO_BAD_PEM' }))
  })
})
