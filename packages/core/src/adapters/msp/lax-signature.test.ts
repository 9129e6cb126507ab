import { describe, expect, test } from 'vitest'
import { nobleCrypto } from '../crypto/noble-crypto.ts'
import { withoutTrailingBytes } from './lax-signature.ts'

const message = Uint8Array.of(1, 2, 3)
const key = nobleCrypto.generateKeyPair()
const signature = nobleCrypto.sign(key, message)
const holds = (bytes: Uint8Array) => nobleCrypto.verify(key.publicKey, message, withoutTrailingBytes(bytes))

/** The signature with `extra` inside the SEQUENCE, behind r and s. */
function stretched(...extra: number[]): Uint8Array {
  const content = [...signature.subarray(2), ...extra]
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length]
  return Uint8Array.of(0x30, ...length, ...content)
}

describe("a member's signature", () => {
  test('is not copied when it is strict', () => {
    expect(withoutTrailingBytes(signature)).toBe(signature)
  })

  test.each([
    ['bytes behind the SEQUENCE', Uint8Array.of(...signature, 0)],
    ['itself once more behind it', Uint8Array.of(...signature, ...signature)],
    ['an element behind s', stretched(5, 0)],
    ['garbage behind s', stretched(0xff)],
    ['so much behind s that the length takes two bytes', stretched(...new Array<number>(100).fill(0))],
    ['both', Uint8Array.of(...stretched(5, 0), 1, 2)],
  ])('with %s holds, as in Fabric', (_, bytes) => {
    expect(nobleCrypto.verify(key.publicKey, message, bytes)).toBe(false)
    expect(holds(bytes)).toBe(true)
  })

  test.each([
    ['no bytes', Uint8Array.of()],
    ['a SEQUENCE that is longer than the bytes', Uint8Array.of(0x30, signature[1]! + 1, ...signature.subarray(2))],
    ['a SEQUENCE that ends in s', Uint8Array.of(0x30, signature[1]! - 1, ...signature.subarray(2))],
    ['a length that is not in its shortest form', Uint8Array.of(0x30, 0x81, ...signature.subarray(1))],
    ['an indefinite length', Uint8Array.of(0x30, 0x80, ...signature.subarray(2), 0, 0)],
    ['an r with a needless zero', Uint8Array.of(0x30, signature[1]! + 1, 2, signature[3]! + 1, 0, ...signature.subarray(4))],
    ['bytes before the SEQUENCE', Uint8Array.of(0, ...signature)],
  ])('with %s does not hold', (_, bytes) => {
    expect(holds(bytes)).toBe(false)
  })
})
