import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MSPRole } from '../../model/messages/msp-principal.ts'
import { SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import type { Role } from '../../ports/identity.ts'
import { allOf, anyOf, outOf, type PolicyExpression, type PolicyGate, signaturePolicy, signedBy } from './policy-expression.ts'
import { parsePolicyExpression, parseSignaturePolicy, signaturePolicyToString } from './policy-text.ts'

const principals = (envelope: SignaturePolicyEnvelope) =>
  envelope.identities.map(({ principal }) => MSPRole.decode(principal).mspIdentifier)

describe('the text of a signature policy', () => {
  it.each(['AND', 'And', 'and'])('%s takes all of its rules', (gate) => {
    expect(parsePolicyExpression(`${gate}('A.member', 'B.admin')`)).toEqual(allOf(signedBy('A'), signedBy('B', 'admin')))
  })

  it.each(['OR', 'Or', 'or'])('%s takes one of its rules', (gate) => {
    expect(parsePolicyExpression(`${gate}('A.client','B.peer','C.orderer')`)).toEqual(
      anyOf(signedBy('A', 'client'), signedBy('B', 'peer'), signedBy('C', 'orderer')),
    )
  })

  it.each(['OUTOF', 'OutOf', 'outof'])('%s takes so many of its rules', (gate) => {
    expect(parsePolicyExpression(`${gate}(2, 'A.member', 'B.member', 'C.member')`)).toEqual(
      outOf(2, signedBy('A'), signedBy('B'), signedBy('C')),
    )
  })

  it('other spellings of a gate are no gates', () => {
    for (const gate of ['aNd', 'outOf', 'NOT', 'Outof', ''])
      expect(() => parseSignaturePolicy(`${gate}('A.member')`)).toThrow(/AND, OR or OutOf at position 0/)
  })

  it('a threshold may stand in quotes, and principals in double quotes', () => {
    expect(parsePolicyExpression(`OutOf('1', "A.member")`)).toEqual(outOf(1, signedBy('A')))
  })

  it('MSP identifiers may hold dots and dashes', () => {
    expect(parsePolicyExpression(`OR('MSP.WITH.DOTS.member', 'MSP-DASHES.member', 'A.peer.admin')`)).toEqual(
      anyOf(signedBy('MSP.WITH.DOTS'), signedBy('MSP-DASHES'), signedBy('A.peer', 'admin')),
    )
  })

  it('blanks and line breaks between the words do not count', () => {
    expect(parsePolicyExpression(`  OR (\n 'A.member'\t,\r\n AND( 'B.member' , 'C.member' ) ) `)).toEqual(
      anyOf(signedBy('A'), allOf(signedBy('B'), signedBy('C'))),
    )
  })

  it('inner gates number their principals first, as in Fabric', () => {
    const envelope = parseSignaturePolicy("OR('A.member', AND('B.member', 'C.member'))")
    expect(principals(envelope)).toEqual(['B', 'C', 'A'])
    expect(envelope.rule?.nOutOf?.rules[0]?.signedBy).toBe(2)
  })

  it('a principal that occurs twice is listed twice', () => {
    expect(principals(parseSignaturePolicy("AND('A.member', 'A.member')"))).toEqual(['A', 'A'])
  })

  it('OutOf takes 0 (everybody) up to one more than its rules (nobody)', () => {
    expect(parsePolicyExpression("OutOf(0, 'A.member')").n).toBe(0)
    expect(parsePolicyExpression("OutOf(3, 'A.member', 'B.member')").n).toBe(3)
    for (const n of [-1, 4]) {
      expect(() => parseSignaturePolicy(`OutOf(${n}, 'A.member', 'B.member')`)).toThrow(
        expect.objectContaining({ code: 'POLICY_THRESHOLD', data: { position: 6, threshold: n, rules: 2 } }),
      )
    }
  })

  it.each([
    ['', 0],
    ["'A.member'", 0],
    ['1', 0],
    ['OR', 2],
    ['OR(', 3],
    ['OR()', 3],
    ["OR('A.member'", 13],
    ["OR('A.member',)", 14],
    ["OR('A.member' 'B.member')", 14],
    ["OR('A.member', Bmember)", 15],
    ["OR('A.member', 'Bmember')", 15],
    ["OR('A.member', 'B.king')", 15],
    ["OR('A.Member')", 3],
    ["OR('.member')", 3],
    ["OR('A_B.member')", 3],
    ["OR('A.member", 3],
    ["OR('A.member') OR('B.member')", 15],
    ['OutOf(1)', 7],
    ["OutOf('A.member', 'B.member')", 6],
    ["OutOf(true, 'A.member')", 6],
    ['OutOf(1, 2)', 9],
    ["OutOf(1.5, 'A.member')", 7],
    ["OutOf(99999999999, 'A.member')", 6],
  ])('%j stops being a policy at position %i', (text, position) => {
    expect(() => parseSignaturePolicy(text)).toThrow(
      expect.objectContaining({ code: 'POLICY_SYNTAX', data: expect.objectContaining({ position }) }),
    )
  })

  it('length and nesting are bounded', () => {
    const nested = (depth: number) => `${'OR('.repeat(depth)}'A.member'${')'.repeat(depth)}`
    expect(() => SignaturePolicyEnvelope.decode(SignaturePolicyEnvelope.encode(parseSignaturePolicy(nested(50))))).not.toThrow()
    for (const text of [nested(51), ' '.repeat(65_537)]) {
      expect(() => parseSignaturePolicy(text)).toThrow(expect.objectContaining({ code: 'POLICY_TOO_COMPLEX' }))
    }
  })
})

const role = fc.constantFrom<Role>('member', 'admin', 'client', 'peer', 'orderer')
const principal: fc.Arbitrary<PolicyExpression> = fc.record({ mspId: fc.stringMatching(/^[A-Za-z0-9.-]{1,8}$/), role })
const { gate } = fc.letrec<{ rule: PolicyExpression; gate: PolicyGate }>((tie) => ({
  rule: fc.oneof({ maxDepth: 4, depthIdentifier: 'policy' }, principal, tie('gate')),
  gate: fc
    .array(tie('rule'), { minLength: 1, maxLength: 4, depthIdentifier: 'policy' })
    .chain((rules) => fc.integer({ min: 0, max: rules.length + 1 }).map((n) => ({ n, rules }))),
}))

describe('printing a signature policy', () => {
  it('gives a text that reads as the same policy, byte for byte', () => {
    fc.assert(
      fc.property(gate, (expression) => {
        const envelope = signaturePolicy(expression)
        expect(SignaturePolicyEnvelope.encode(parseSignaturePolicy(signaturePolicyToString(envelope)))).toEqual(
          SignaturePolicyEnvelope.encode(envelope),
        )
      }),
    )
  })

  it('uses AND and OR where they say the same', () => {
    expect(signaturePolicyToString(parseSignaturePolicy("outof(2,'A.member',outof(1,'B.peer','C.peer'))"))).toBe(
      "AND('A.member', OR('B.peer', 'C.peer'))",
    )
  })

  it('a rule without a gate gets one', () => {
    const { identities } = parseSignaturePolicy("OR('A.member')")
    expect(signaturePolicyToString({ version: 0, identities, rule: { signedBy: 0, nOutOf: undefined } })).toBe("OR('A.member')")
  })

  it('what has no words is refused', () => {
    const { rule } = parseSignaturePolicy("OR('A.member')")
    const byIdentity = { principalClassification: 2, principal: Uint8Array.of(1) }
    expect(() => signaturePolicyToString({ version: 0, identities: [byIdentity], rule })).toThrow(
      expect.objectContaining({ code: 'POLICY_NOT_PRINTABLE' }),
    )
    expect(() => signaturePolicyToString(signaturePolicy(outOf(1)))).toThrow(
      expect.objectContaining({ code: 'POLICY_NOT_PRINTABLE' }),
    )
    expect(() => signaturePolicyToString(signaturePolicy(anyOf(signedBy('A_B'))))).toThrow(
      expect.objectContaining({ code: 'POLICY_NOT_PRINTABLE' }),
    )
    expect(() => signaturePolicyToString({ version: 0, identities: [], rule })).toThrow(
      expect.objectContaining({ code: 'POLICY_MALFORMED' }),
    )
  })
})
