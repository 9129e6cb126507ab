import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serializeIdentity } from '../ca/msp-definition.ts'
import { element, elementsOf, sequence } from '../crypto/der.fixture.ts'
import { CryptoError } from '../crypto/errors.ts'
import { encodePem, pemBlock } from '../crypto/pem.ts'
import { parseCertificate } from './certificate.ts'
import { IdentityError } from './errors.ts'
import { membershipOf, rootAuthority } from './msp.fixture.ts'
import { parseRevocationList } from './revocation-list.ts'

const ca = rootAuthority('ca.fuzz')
const member = ca.issue({ enrolmentId: 'member', role: 'peer', attributes: { a: 'b' } }, { hosts: ['peer0', '::1'] })
ca.revoke(member.serialNumber)
const certificate = pemBlock(member.certificate).bytes
const list = pemBlock(ca.revocationList()).bytes

/** One to four changed bytes, and perhaps a cut. */
const mutations = (bytes: Uint8Array) =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(bytes.length), { freq: 8 }),
    )
    .map(([changes, cut]) => {
      const out = Uint8Array.from(bytes)
      for (const [at, value] of changes) out[at] = value
      return out.subarray(0, cut ?? out.length)
    })

describe('malformed input', () => {
  it('a mutated certificate or revocation list parses or is refused with CryptoError, nothing else', () => {
    for (const [bytes, parse] of [
      [certificate, parseCertificate],
      [list, parseRevocationList],
    ] as const)
      fc.assert(
        fc.property(mutations(bytes), (mutated) => {
          try {
            parse(mutated)
          } catch (error) {
            expect(error).toBeInstanceOf(CryptoError)
          }
        }),
        { numRuns: 2000 },
      )
  })

  it('no mutation of a certificate makes another identity', () => {
    const membership = membershipOf({ mspId: 'Org1MSP', roots: [ca.certificate] })
    const genuine = membership.identity(serializeIdentity('Org1MSP', member.certificate))
    fc.assert(
      fc.property(mutations(certificate), (mutated) => {
        try {
          const identity = membership.identity(serializeIdentity('Org1MSP', encodePem('CERTIFICATE', mutated)))
          expect(identity.id).toBe(genuine.id)
        } catch (error) {
          expect(error).toBeInstanceOf(IdentityError)
        }
      }),
      { numRuns: 300 },
    )
  })

  const [tbs, algorithm, signature] = elementsOf(certificate) as [Uint8Array, Uint8Array, Uint8Array]

  it('trailing bytes or a second algorithm are refused', () => {
    expect(() => parseCertificate(Uint8Array.of(...certificate, 0))).toThrow(CryptoError)
    const ed25519 = Uint8Array.of(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70)
    expect(() => parseCertificate(sequence(tbs, ed25519, signature))).toThrow(/two different signature algorithms/)
  })

  it('what the signature does not cover has one encoding only', () => {
    expect(parseCertificate(sequence(tbs, algorithm, signature)).raw).toEqual(certificate)
    const unused = Uint8Array.from(signature)
    unused[2] = 1
    const parameters = sequence(...elementsOf(algorithm), element(0x05))
    const arc = sequence(element(0x06, Uint8Array.of(0x2a, 0x80, ...algorithm.subarray(5))))
    for (const other of [
      sequence(tbs, algorithm, unused),
      sequence(tbs, algorithm, signature, element(0x05)),
      sequence(tbs, parameters, signature),
      sequence(tbs, arc, signature),
      Uint8Array.of(0x30, 0x83, 0, ...certificate.subarray(2)),
    ])
      expect(() => parseCertificate(other)).toThrow(CryptoError)
  })

  it('an extension that stands there twice is refused', () => {
    const parts = elementsOf(tbs)
    const [list] = elementsOf(parts.at(-1)!) as [Uint8Array]
    const extensions = elementsOf(list)
    const doubled = sequence(...parts.slice(0, -1), element(0xa3, sequence(...extensions, extensions[0]!)))
    expect(() => parseCertificate(sequence(doubled, algorithm, signature))).toThrow(/stands there twice/)
  })

  it('a serial number that is negative or needlessly long is refused', () => {
    for (const content of [[0x80], [0, 1], []]) {
      const parts = elementsOf(tbs).with(1, element(0x02, Uint8Array.from(content)))
      expect(() => parseCertificate(sequence(sequence(...parts), algorithm, signature))).toThrow(CryptoError)
    }
  })

  it('a time that does not exist, has a zone, fractions or no seconds is refused', () => {
    const utc = (text: string) => element(0x17, Buffer.from(text))
    const end = utc('400101000000Z')
    const withBegin = (begin: Uint8Array) => {
      const parts = elementsOf(tbs).with(4, sequence(begin, end))
      return () => parseCertificate(sequence(sequence(...parts), algorithm, signature))
    }
    expect(withBegin(utc('300228235959Z'))().notBefore).toBe(Date.UTC(2030, 1, 28, 23, 59, 59))
    for (const bad of [
      '300230000000Z',
      '301301000000Z',
      '300101240000Z',
      '300101000060Z',
      '3001010000Z',
      '300101000000+0100',
      'x',
    ])
      expect(withBegin(utc(bad))).toThrow(CryptoError)
    expect(withBegin(element(0x18, Buffer.from('20300101000000.5Z')))).toThrow(CryptoError)
  })

  it('a revocation list that the library would read as empty, for want of nextUpdate, is refused', () => {
    const [body, ...rest] = elementsOf(list) as [Uint8Array, ...Uint8Array[]]
    expect(parseRevocationList(list).revoked).toEqual(new Set([member.serialNumber]))
    const parts = elementsOf(body).toSpliced(4, 1)
    expect(() => parseRevocationList(sequence(sequence(...parts), ...rest))).toThrow(CryptoError)
  })
})
