import { describe, expect, it } from 'vitest'
import { isCanonicalEnvelope, isWellFormedBlockEntry } from './canonical-envelope.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const verdicts = (text: string) => [isCanonicalEnvelope(hex(text)), isWellFormedBlockEntry(hex(text))]
const sound = '0a 02 0102 12 01 ff'

describe('canonical envelopes', () => {
  it('are payload, then signature, with nothing else', () => {
    expect(verdicts(sound)).toEqual([true, true])
    expect(verdicts(`0a 8001 ${'07'.repeat(128)} 12 01 ff`)).toEqual([true, true])
  })

  it('have both, not empty', () => {
    for (const text of ['', '0a 02 0102', '12 01 ff', '0a 00 12 01 ff', '0a 02 0102 12 00'])
      expect(verdicts(text)).toEqual([false, false])
  })

  it('have no other order, no repetition, no longer length, no longer tag, no missing or trailing bytes', () => {
    for (const text of [
      '12 01 ff 0a 02 0102',
      `${sound} 12 01 ff`,
      `0a 02 0102 ${sound}`,
      '0a 8200 0102 12 01 ff',
      '8a00 02 0102 12 01 ff',
      '0a 02 0102 12 8100 ff',
      '0a 02 0102 12 02 ff',
      `${sound} 00`,
    ]) {
      expect(verdicts(text), text).toEqual([false, false])
    }
  })

  it('have no unknown fields; entries of a block may, after the known ones and with the shortest tag, as Go writes them', () => {
    expect(verdicts(`${sound} 18 01`)).toEqual([false, true])
    expect(verdicts(`${sound} 18 8100`)).toEqual([false, true])
    expect(verdicts(`${sound} 08 01`)).toEqual([false, true])
    expect(verdicts(`${sound} 9800 01`)).toEqual([false, false])
    expect(verdicts(`18 01 ${sound}`)).toEqual([false, false])
    expect(verdicts(`${sound} 18`)).toEqual([false, false])
  })
})
