import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareUtf8, sortUtf8 } from './utf8.ts'

it('orders strings as their UTF-8 bytes', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('a', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), maxLength: 4 }),
  )
  fc.assert(fc.property(text, text, (a, b) => Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b))))
})

it('puts characters outside the basic plane after U+FFFF, unlike JavaScript', () => {
  expect(compareUtf8('\u{10000}', '\uffff')).toBe(1)
  expect('\u{10000}' < '\uffff').toBe(true)
})

it('sorts few strings and many alike', () => {
  const text = fc.string({ unit: 'binary', maxLength: 3 })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (texts) => {
      expect(sortUtf8([...texts])).toEqual(texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    }),
  )
})
