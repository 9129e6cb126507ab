import { Name } from '@peculiar/asn1-x509'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDer, toDer } from './asn1.ts'
import { element, sequence } from './der.fixture.ts'
import { CryptoError } from './errors.ts'
import { encodePem, pemBlock, pemBlocks } from './pem.ts'

describe('DER', () => {
  const name = (text: string) =>
    sequence(element(0x31, sequence(element(0x06, Uint8Array.of(0x55, 4, 3)), element(0x0c, Buffer.from(text)))))

  it('is read and written back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const parsed = parseDer(name(text), Name, 'name')
        expect(parsed[0]?.[0]?.value.toString()).toBe(text)
        expect(toDer(parsed)).toEqual(name(text))
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    ['a byte after the end', Uint8Array.of(...name('x'), 0)],
    ['a second structure', Uint8Array.of(...name('x'), ...name('x'))],
    ['a length in long form without need', Uint8Array.of(0x30, 0x81, name('x').length - 2, ...name('x').subarray(2))],
    ['an indefinite length', Uint8Array.of(0x30, 0x80, ...name('x').subarray(2), 0, 0)],
    ['an element longer than its parent', Uint8Array.of(...name('x').subarray(0, -2), 2, 0x41)],
    ['what is cut off', name('x').subarray(0, -1)],
    ['an element that the structure does not have', sequence(element(0x31, sequence(element(0x05))))],
    [
      'text that is not UTF-8',
      sequence(element(0x31, sequence(element(0x06, Uint8Array.of(0x55, 4, 3)), element(0x0c, Uint8Array.of(0xff))))),
    ],
    [
      'an identifier in a needlessly long form',
      sequence(element(0x31, sequence(element(0x06, Uint8Array.of(0x55, 0x80, 4, 3)), element(0x0c)))),
    ],
    ['thousands of levels', new Uint8Array(10_000).fill(0x30)],
    ['more elements than the limit', sequence(...Array.from({ length: 5000 }, () => element(0x31)))],
    ['more bytes than the limit', new Uint8Array((1 << 20) + 1)],
    ['nothing', new Uint8Array(0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseDer(bytes, Name, 'name')).toThrow(CryptoError)
  })

  it('throws nothing but CryptoError, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          expect(toDer(parseDer(bytes, Name, 'name'))).toEqual(bytes)
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
