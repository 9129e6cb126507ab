import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { ChaincodeProposalPayload } from './messages/proposal.ts'
import { proposalHash, withoutTransient } from './proposal-hash.ts'
import { sha256, sha256Hex } from './sha256.ts'
import { transactionId } from './transaction-id.ts'

it('hashes parts as if they were one piece, short or long', () => {
  for (const length of [0, 1, 5_000, 16_384, 16_385, 100_000]) {
    const whole = Uint8Array.from({ length }, (_, i) => i % 251)
    const expected = createHash('sha256').update(whole).digest('hex')
    for (const parts of [
      [whole],
      [whole.subarray(0, length >> 1), whole.subarray(length >> 1)],
      [new Uint8Array(0), whole, new Uint8Array(0)],
    ]) {
      expect(sha256Hex(...parts)).toBe(expected)
      expect(Buffer.from(sha256(...parts)).toString('hex')).toBe(expected)
    }
  }
})

it('gives each digest its own memory', () => {
  const first = sha256(Uint8Array.of(1))
  const copy = first.slice()
  sha256(Uint8Array.of(2))
  expect(first).toEqual(copy)
  expect(first.buffer.byteLength).toBe(32)
})

it('names a transaction by the SHA-256 of nonce, then creator, in lower-case hex', () => {
  expect(transactionId(Uint8Array.of(1, 2), Uint8Array.of(3))).toBe(
    createHash('sha256')
      .update(Uint8Array.of(1, 2, 3))
      .digest('hex'),
  )
})

it('leaves transient data out of the proposal hash', () => {
  const input = Uint8Array.of(1, 2, 3)
  const secret = ChaincodeProposalPayload.encode({ input, transientMap: new Map([['key', Uint8Array.of(9)]]) })
  const open = ChaincodeProposalPayload.encode({ input })
  expect(withoutTransient(secret)).toEqual(open)
  expect(proposalHash(Uint8Array.of(1), Uint8Array.of(2), open)).toEqual(sha256(Uint8Array.of(1), Uint8Array.of(2), open))
})
