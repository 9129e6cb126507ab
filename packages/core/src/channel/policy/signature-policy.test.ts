import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Identity, Role } from '../../ports/identity.ts'
import { plainIdentity, plainMembership } from '../plain-identity.fixture.ts'
import { chooseSigners } from './choose-signers.ts'
import { type PolicyExpression, type PolicyGate, signaturePolicy } from './policy-expression.ts'
import { parseSignaturePolicy } from './policy-text.ts'
import { compileSignaturePolicy, decodeSignaturePolicy } from './signature-policy.ts'

const compile = (text: string) => compileSignaturePolicy(parseSignaturePolicy(text), plainMembership)
const [a1, a2, admin, b1] = [
  plainIdentity('A', 'peer', '1'),
  plainIdentity('A', 'peer', '2'),
  plainIdentity('A', 'admin', 'root'),
  plainIdentity('B', 'peer', '1'),
] as const

describe('evaluation of a signature policy', () => {
  it('AND needs all, OR one, OutOf so many', () => {
    expect(compile("AND('A.peer', 'B.peer')").evaluate([a1, b1])).toBe(true)
    expect(compile("AND('A.peer', 'B.peer')").evaluate([a1])).toBe(false)
    expect(compile("OR('A.peer', 'B.peer')").evaluate([b1])).toBe(true)
    expect(compile("OR('A.peer', 'B.peer')").evaluate([])).toBe(false)
    expect(compile("OutOf(2, 'A.peer', 'A.peer', 'B.peer')").evaluate([a1, a2])).toBe(true)
  })

  it('a threshold of 0 accepts everybody, one above the rules nobody', () => {
    expect(compile("OutOf(0, 'A.peer')").evaluate([])).toBe(true)
    expect(compile("OutOf(2, 'A.peer')").evaluate([a1, a2, admin, b1])).toBe(false)
  })

  it('one signature satisfies one principal', () => {
    expect(compile("AND('A.peer', 'A.peer')").evaluate([a1])).toBe(false)
    expect(compile("AND('A.peer', 'A.peer')").evaluate([a1, a2])).toBe(true)
  })

  it('an identity that signed twice counts once', () => {
    const again = { ...a1, bytes: Uint8Array.of(1) }
    expect(compile("AND('A.peer', 'A.peer')").evaluate([a1, again])).toBe(false)
    expect(compile("AND('A.peer', 'A.peer')").evaluate([a1, again, a1, a2])).toBe(true)
  })

  it('the same name in two organisations is two identities', () => {
    expect(compile("AND('A.peer', 'B.peer')").evaluate([a1, { ...b1, id: a1.id }])).toBe(true)
  })

  it('it is greedy: a principal takes the first identity that fits, even if a later principal needs it', () => {
    const policy = compile("AND('A.member', 'A.admin')")
    expect(policy.evaluate([a1, admin])).toBe(true)
    expect(policy.evaluate([admin, a1])).toBe(false)
  })

  it('what a failed gate took is given back', () => {
    expect(compile("AND(OR(AND('A.peer', 'B.admin'), 'B.peer'), 'A.peer')").evaluate([a1, b1])).toBe(true)
  })

  it('a satisfied gate keeps all that its rules took, beyond its threshold too', () => {
    expect(compile("AND(OR('A.peer', 'B.peer'), 'B.peer')").evaluate([a1, b1])).toBe(false)
  })

  it('a verdict about an identity is asked once for each principal', () => {
    const asked: string[] = []
    const membership = {
      ...plainMembership,
      satisfies(identity: Identity, principal: Parameters<typeof plainMembership.satisfies>[1]) {
        asked.push(identity.id)
        return plainMembership.satisfies(identity, principal)
      },
    }
    const policy = compileSignaturePolicy(parseSignaturePolicy("OR('A.peer')"), membership)
    for (let i = 0; i < 3; i++) policy.evaluate([b1, a1])
    expect(asked).toEqual([b1.id, a1.id])
  })

  it('a policy that refers to an identity it does not list, or has an empty rule, does not compile', () => {
    const { identities, rule } = parseSignaturePolicy("OR('A.peer', 'B.peer')")
    const empty = { signedBy: undefined, nOutOf: undefined }
    for (const envelope of [
      { version: 0, rule, identities: identities.slice(1) },
      { version: 0, rule: { signedBy: -1, nOutOf: undefined }, identities },
      { version: 0, rule: empty, identities },
      { version: 0, rule: undefined, identities },
      { version: 0, rule: { signedBy: undefined, nOutOf: { n: 0, rules: [empty] } }, identities },
    ]) {
      expect(() => compileSignaturePolicy(envelope, plainMembership)).toThrow(
        expect.objectContaining({ code: 'POLICY_MALFORMED' }),
      )
    }
    expect(() => decodeSignaturePolicy(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'POLICY_MALFORMED' }))
  })
})

/** Fabric's rules said once more, in the plainest way: copies of the used set, no sharing, no undo. */
function model(
  expression: PolicyExpression,
  identities: readonly Identity[],
  used: ReadonlySet<number>,
): ReadonlySet<number> | undefined {
  if (!('rules' in expression)) {
    const { mspId, role } = expression
    const index = identities.findIndex(
      (each, i) => !used.has(i) && each.mspId === mspId && (role === 'member' || each.id.startsWith(`${role}:`)),
    )
    return index < 0 ? undefined : new Set([...used, index])
  }
  let satisfied = 0
  let now = used
  for (const rule of expression.rules) {
    const after = model(rule, identities, now)
    if (after === undefined) continue
    satisfied++
    now = after
  }
  return satisfied >= expression.n ? now : undefined
}

const role = fc.constantFrom<Role>('member', 'admin', 'peer')
const { gate } = fc.letrec<{ rule: PolicyExpression; gate: PolicyGate }>((tie) => ({
  rule: fc.oneof({ maxDepth: 3, depthIdentifier: 'gate' }, fc.record({ mspId: fc.constantFrom('A', 'B'), role }), tie('gate')),
  gate: fc
    .array(tie('rule'), { minLength: 1, maxLength: 4, depthIdentifier: 'gate' })
    .chain((rules) => fc.integer({ min: 0, max: rules.length + 1 }).map((n) => ({ n, rules }))),
}))
const everybody = ['A', 'B'].flatMap((msp) =>
  (['peer', 'admin'] as const).flatMap((each) => ['1', '2'].map((name) => plainIdentity(msp, each, name))),
)
const signers = fc.array(fc.constantFrom(...everybody), { maxLength: 7 })

describe('evaluation compared with a model', () => {
  it('agrees on every small policy and set of signers', () => {
    fc.assert(
      fc.property(gate, signers, (expression, identities) => {
        const expected = model(expression, [...new Set(identities)], new Set()) !== undefined
        expect(compileSignaturePolicy(signaturePolicy(expression), plainMembership).evaluate(identities)).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('chosen signers satisfy the policy, or nobody is chosen and all together do not', () => {
    fc.assert(
      fc.property(gate, (expression) => {
        const policy = compileSignaturePolicy(signaturePolicy(expression), plainMembership)
        const chosen = chooseSigners(policy, everybody)
        expect(policy.evaluate(chosen ?? everybody)).toBe(chosen !== undefined)
      }),
    )
  })

  it('chosen signers are the first ones that suffice', () => {
    const candidates = [a1, a2, b1, admin]
    expect(chooseSigners(compile("AND('A.peer', 'B.peer')"), candidates)).toEqual([a1, b1])
    expect(chooseSigners(compile("OutOf(2, 'A.peer', 'A.peer', 'B.peer')"), candidates)).toEqual([a1, a2])
    expect(chooseSigners(compile("OutOf(0, 'A.peer')"), candidates)).toEqual([])
    expect(chooseSigners(compile("AND('A.peer', 'C.peer')"), candidates)).toBeUndefined()
  })
})
