import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serializeIdentity } from '../ca/msp-definition.ts'
import { DerReader, Tag } from '../crypto/der-reader.ts'
import { sequence } from '../crypto/der-writer.ts'
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

  it('trailing bytes, a second algorithm or a doubled extension are refused', () => {
    expect(() => parseCertificate(Uint8Array.of(...certificate, 0))).toThrow(CryptoError)
    const outer = new DerReader(certificate).enter(Tag.SEQUENCE)
    const [tbs, , signature] = [outer.element(), outer.element(), outer.element()]
    const ed25519 = Uint8Array.of(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70)
    expect(() => parseCertificate(sequence(tbs, ed25519, signature))).toThrow(/two different signature algorithms/)
  })
})
