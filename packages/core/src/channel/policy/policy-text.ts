import { type MSPPrincipal, MSPPrincipalClassification, MSPRole } from '../../model/messages/msp-principal.ts'
import type { SignaturePolicy, SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Role } from '../../ports/identity.ts'
import { PolicyError } from '../errors.ts'
import { type PolicyExpression, type PolicyGate, type PolicyRole, roleName, signaturePolicy } from './policy-expression.ts'

/** Longest policy text, characters. */
const MAX_LENGTH = 65_536
/** Deepest nesting of gates; each level costs the decoder two levels of messages. */
const MAX_DEPTH = 50

const GATES: ReadonlyMap<string, 'and' | 'or' | 'outof'> = new Map(
  (['And', 'Or', 'OutOf'] as const).flatMap((name) =>
    [name, name.toLowerCase(), name.toUpperCase()].map(
      (spelling) => [spelling, name.toLowerCase() as 'and' | 'or' | 'outof'] as const,
    ),
  ),
)
const PRINCIPAL = /^([A-Za-z0-9.-]+)\.(admin|member|client|peer|orderer)$/
const MSP_ID = /^[A-Za-z0-9.-]+$/

/**
 * Reads a signature policy in Fabric's language (common/policydsl):
 *
 *     OR('Org1MSP.member', AND('Org2MSP.peer', OutOf(2, 'A.admin', 'B.client', 'C.orderer')))
 *
 * Gates are written AND, And or and (OR and OutOf alike); principals are `'MSPID.ROLE'` in single or double quotes.
 *
 * @throws PolicyError POLICY_SYNTAX with `position` (a character index), POLICY_THRESHOLD, POLICY_TOO_COMPLEX
 */
export function parseSignaturePolicy(text: string): SignaturePolicyEnvelope {
  return signaturePolicy(parsePolicyExpression(text))
}

/** As {@link parseSignaturePolicy}, but gives the expression. */
export function parsePolicyExpression(text: string): PolicyGate {
  if (text.length > MAX_LENGTH) {
    throw new PolicyError('POLICY_TOO_COMPLEX', `the policy has ${text.length} characters, at most ${MAX_LENGTH}`)
  }
  return new Parser(text).policy()
}

class Parser {
  private readonly text: string
  private pos = 0

  constructor(text: string) {
    this.text = text
  }

  policy(): PolicyGate {
    const gate = this.gate(1)
    this.blank()
    if (this.pos < this.text.length) throw this.wrong('the end of the policy')
    return gate
  }

  private gate(depth: number): PolicyGate {
    if (depth > MAX_DEPTH)
      throw new PolicyError('POLICY_TOO_COMPLEX', `gates nested deeper than ${MAX_DEPTH}`, { position: this.pos })
    this.blank()
    const start = this.pos
    const name = this.take(/[A-Za-z0-9_]*/y)
    const kind = GATES.get(name)
    if (kind === undefined) {
      this.pos = start
      throw this.wrong('AND, OR or OutOf')
    }
    this.punctuation('(')
    const threshold = kind === 'outof' ? this.threshold() : undefined
    const rules = this.rules(depth)
    if (threshold !== undefined && (threshold.value < 0 || threshold.value > rules.length + 1)) {
      throw new PolicyError(
        'POLICY_THRESHOLD',
        `OutOf(${threshold.value}, ...) over ${rules.length} rules, at position ${threshold.position}`,
        {
          position: threshold.position,
          threshold: threshold.value,
          rules: rules.length,
        },
      )
    }
    return { n: threshold?.value ?? (kind === 'and' ? rules.length : 1), rules }
  }

  private rules(depth: number): PolicyExpression[] {
    const rules = [this.rule(depth)]
    for (;;) {
      this.blank()
      if (this.text[this.pos] === ')') break
      if (this.text[this.pos] !== ',') throw this.wrong("',' or ')'")
      this.pos++
      rules.push(this.rule(depth))
    }
    this.pos++
    return rules
  }

  private rule(depth: number): PolicyExpression {
    this.blank()
    const next = this.text[this.pos]
    return next === "'" || next === '"' ? this.principal() : this.gate(depth + 1)
  }

  private principal(): PolicyRole {
    const start = this.pos
    const text = this.quoted()
    const match = PRINCIPAL.exec(text)
    if (match === null) {
      throw new PolicyError(
        'POLICY_SYNTAX',
        `'${text}' at position ${start} is not MSPID.ROLE with a role of admin, member, client, peer, orderer`,
        {
          position: start,
          found: text,
        },
      )
    }
    return { mspId: match[1]!, role: match[2] as Role }
  }

  private threshold(): { value: number; position: number } {
    this.blank()
    const position = this.pos
    const quoted = this.text[this.pos] === "'" || this.text[this.pos] === '"'
    const digits = quoted ? this.quoted() : this.take(/-?[0-9]*/y)
    if (!/^-?[0-9]{1,9}$/.test(digits)) {
      this.pos = position
      throw this.wrong('a number')
    }
    this.punctuation(',')
    return { value: Number(digits), position }
  }

  private quoted(): string {
    const start = this.pos
    const end = this.text.indexOf(this.text[start]!, start + 1)
    if (end < 0) throw new PolicyError('POLICY_SYNTAX', `the quote at position ${start} is not closed`, { position: start })
    this.pos = end + 1
    return this.text.slice(start + 1, end)
  }

  private punctuation(mark: string): void {
    this.blank()
    if (this.text[this.pos] !== mark) throw this.wrong(`'${mark}'`)
    this.pos++
  }

  private blank(): void {
    this.take(/[ \t\r\n]*/y)
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.pos
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.pos += found.length
    return found
  }

  private wrong(expected: string): PolicyError {
    const found = this.pos < this.text.length ? `'${/\w+|./su.exec(this.text.slice(this.pos, this.pos + 40))?.[0]}'` : 'the end'
    return new PolicyError('POLICY_SYNTAX', `expected ${expected} at position ${this.pos}, found ${found}`, {
      position: this.pos,
      expected,
      found,
    })
  }
}

/**
 * Writes a signature policy in the language that {@link parseSignaturePolicy} reads.
 *
 * @throws PolicyError POLICY_NOT_PRINTABLE for principals that are no roles, and for gates without rules; POLICY_MALFORMED
 */
export function signaturePolicyToString(envelope: SignaturePolicyEnvelope): string {
  const { rule } = envelope
  const text = print(rule, envelope.identities)
  return rule?.nOutOf === undefined ? `OR(${text})` : text
}

function print(rule: SignaturePolicy | undefined, identities: readonly MSPPrincipal[]): string {
  if (rule?.nOutOf === undefined) return printPrincipal(identities[rule?.signedBy ?? -1])
  const { n, rules } = rule.nOutOf
  if (rules.length === 0 || n < 0 || n > rules.length + 1) {
    throw new PolicyError('POLICY_NOT_PRINTABLE', `${n} out of ${rules.length} rules has no text form`)
  }
  const parts = rules.map((each) => print(each, identities)).join(', ')
  if (n === 1) return `OR(${parts})`
  return n === rules.length ? `AND(${parts})` : `OutOf(${n}, ${parts})`
}

function printPrincipal(principal: MSPPrincipal | undefined): string {
  if (principal === undefined) throw new PolicyError('POLICY_MALFORMED', 'the policy refers to an identity that it does not list')
  if (principal.principalClassification === MSPPrincipalClassification.ROLE) {
    const { mspIdentifier, role } = decodeRole(principal.principal)
    const name = roleName(role)
    if (name !== undefined && MSP_ID.test(mspIdentifier)) return `'${mspIdentifier}.${name}'`
  }
  throw new PolicyError('POLICY_NOT_PRINTABLE', 'a principal of the policy is not a role of an MSP with a plain name')
}

function decodeRole(bytes: Uint8Array): MSPRole {
  try {
    return MSPRole.decode(bytes)
  } catch (cause) {
    if (cause instanceof DecodeError)
      throw new PolicyError('POLICY_MALFORMED', 'a principal of the policy is no role', {}, { cause })
    throw cause
  }
}
