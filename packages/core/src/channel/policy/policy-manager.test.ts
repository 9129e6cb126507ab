import { describe, expect, it } from 'vitest'
import type { ConfigGroup } from '../../model/messages/configtx.ts'
import { ImplicitMetaPolicy, PolicyType, SignaturePolicyEnvelope } from '../../model/messages/policies.ts'
import type { PolicyDefinitions } from '../genesis/definition.ts'
import { addPolicies, newGroup } from '../genesis/group-builder.ts'
import { plainIdentity, plainMembership, plainMsp, plainProvider, plainSigner } from '../plain-identity.fixture.ts'
import {
  applicationPolicyToString,
  compileApplicationPolicy,
  decodeApplicationPolicy,
  parseApplicationPolicy,
} from './application-policy.ts'
import { parseImplicitMetaPolicy } from './implicit-meta.ts'
import { policyManager } from './policy-manager.ts'
import { parseSignaturePolicy } from './policy-text.ts'
import { evaluateSigned, verifiedIdentities } from './signed-data.ts'

function group(policies: PolicyDefinitions, groups: Record<string, ConfigGroup> = {}): ConfigGroup {
  const made = newGroup()
  addPolicies('/Channel', made, policies)
  for (const [name, each] of Object.entries(groups)) made.groups.set(name, each)
  return made
}

const organization = (mspId: string, policies: PolicyDefinitions = { Writers: `OR('${mspId}.member')` }) => group(policies)
const manage = (root: ConfigGroup) => policyManager('/Channel', root, plainMembership)
const [a, b, c] = [plainIdentity('A', 'peer'), plainIdentity('B', 'peer'), plainIdentity('C', 'peer')] as const

/** Whether a rule over groups with and without the policy accepts A's and B's signatures. */
function accepts(rule: string, groups: Record<string, ConfigGroup>, signers = [a, b]): boolean {
  return manage(group({ Writers: rule }, groups))
    .policy('Writers')!
    .evaluate(signers)
}

describe('implicit meta policies', () => {
  const abc = { A: organization('A'), B: organization('B'), C: organization('C') }

  it('ANY takes one of the groups below, ALL each, MAJORITY more than half', () => {
    expect(accepts('ANY Writers', abc, [b])).toBe(true)
    expect(accepts('ANY Writers', abc, [])).toBe(false)
    expect(accepts('ALL Writers', abc, [a, b])).toBe(false)
    expect(accepts('ALL Writers', abc, [a, b, c])).toBe(true)
    expect(accepts('MAJORITY Writers', abc, [a, b])).toBe(true)
    expect(accepts('MAJORITY Writers', abc, [a])).toBe(false)
  })

  it('half is no majority', () => {
    expect(accepts('MAJORITY Writers', { A: organization('A'), B: organization('B') }, [a])).toBe(false)
  })

  it('a group without the policy counts and is never satisfied', () => {
    const groups = { A: organization('A'), B: organization('B'), C: organization('C', {}) }
    expect(accepts('ALL Writers', groups, [a, b, c])).toBe(false)
    expect(accepts('MAJORITY Writers', groups, [a, b])).toBe(true)
    expect(accepts('MAJORITY Writers', { ...groups, D: organization('D', {}) }, [a, b])).toBe(false)
  })

  it.each(['ANY', 'ALL', 'MAJORITY'])('%s of no groups accepts everybody', (rule) => {
    expect(accepts(`${rule} Writers`, {}, [])).toBe(true)
  })

  it('one signature may count in several groups', () => {
    expect(accepts('ALL Writers', { A: organization('A'), B: organization('A') }, [a])).toBe(true)
  })

  it('they nest', () => {
    const root = group(
      { Writers: 'ANY Writers' },
      { Application: group({ Writers: 'ALL Writers' }, { A: organization('A'), B: organization('B') }) },
    )
    expect(manage(root).policy('Writers')!.evaluate([a])).toBe(false)
    expect(manage(root).policy('Writers')!.evaluate([a, b])).toBe(true)
  })

  it('the sub-policy may be a path below the groups', () => {
    const groups = { Application: group({}, { A: organization('A') }) }
    expect(accepts('ANY A/Writers', groups, [a])).toBe(true)
  })

  it('the shape tells threshold and parts', () => {
    const { shape } = manage(group({ Writers: 'MAJORITY Writers' }, { A: organization('A'), B: organization('B', {}) })).policy(
      'Writers',
    )!
    expect(shape).toMatchObject({
      kind: 'implicit-meta',
      rule: 'MAJORITY',
      threshold: 2,
      parts: [{ kind: 'signature' }, { kind: 'reject' }],
    })
  })

  it.each(['MAJORITY', 'MAJORITY  Admins', 'majority Admins', 'MOST Admins', 'ANY Admins now', ''])(
    '%j is no implicit meta policy',
    (text) => {
      expect(() => parseImplicitMetaPolicy(text)).toThrow(expect.objectContaining({ code: 'POLICY_SYNTAX' }))
    },
  )
})

describe('policy paths', () => {
  const root = group(
    { Admins: 'ANY Writers' },
    { Application: group({ Writers: 'ANY Writers' }, { A: organization('A'), B: organization('B') }) },
  )
  const manager = manage(root)

  it('absolute and relative paths lead to the same policy', () => {
    const policy = manager.policy('/Channel/Application/A/Writers')
    expect(policy).toBeDefined()
    expect(manager.policy('Application/A/Writers')).toBe(policy)
    const application = manager.manager(['Application'])!
    expect(application.path).toBe('/Channel/Application')
    expect(application.policy('A/Writers')).toBe(policy)
    expect(application.policy('/Channel/Application/A/Writers')).toBe(policy)
    expect(manager.manager([])).toBe(manager)
  })

  it.each([
    '',
    '/',
    'Nobody',
    '/Channel',
    '/Channel/',
    '/Channel/Nobody',
    '/ChannelX/Admins',
    '/Application/Writers',
    'Channel/Admins',
  ])('there is no policy %j', (path) => {
    expect(manager.policy(path)).toBeUndefined()
  })

  it('a group does not reach policies above or beside it', () => {
    expect(manager.manager(['Application'])!.policy('/Channel/Admins')).toBeUndefined()
    expect(manager.manager(['Application', 'A'])!.policy('/Channel/Application/B/Writers')).toBeUndefined()
    expect(manager.manager(['Application', 'C'])).toBeUndefined()
  })

  it('a policy that is empty, of an unknown type or does not decode is refused with its path', () => {
    const signature = (version: number) => SignaturePolicyEnvelope.encode({ ...parseSignaturePolicy("OR('A.peer')"), version })
    for (const policy of [
      undefined,
      { type: PolicyType.MSP, value: new Uint8Array(0) },
      { type: PolicyType.SIGNATURE, value: Uint8Array.of(0xff) },
      { type: PolicyType.SIGNATURE, value: new Uint8Array(0) },
      { type: PolicyType.SIGNATURE, value: signature(1) },
      { type: PolicyType.IMPLICIT_META, value: Uint8Array.of(0xff) },
      { type: PolicyType.IMPLICIT_META, value: ImplicitMetaPolicy.encode({ subPolicy: 'Writers', rule: 3 }) },
    ]) {
      const bad = newGroup()
      bad.policies.set('Readers', { version: 0, policy, modPolicy: 'Admins' })
      expect(() => manage(group({}, { Application: bad }))).toThrow(
        expect.objectContaining({
          code: 'CHANNEL_BAD_POLICY',
          data: expect.objectContaining({ path: '/Channel/Application/Readers' }),
        }),
      )
    }
  })
})

describe('endorsement policies', () => {
  const policies = manage(
    group({}, { Application: group({ Endorsement: 'ALL Writers' }, { A: organization('A'), B: organization('B') }) }),
  )
  const channel = { policies, membership: plainMembership }

  it('without a text refer to the endorsement policy of the channel', () => {
    const policy = parseApplicationPolicy()
    expect(policy.channelConfigPolicyReference).toBe('/Channel/Application/Endorsement')
    expect(compileApplicationPolicy(policy, channel).evaluate([a])).toBe(false)
    expect(compileApplicationPolicy(policy, channel).evaluate([a, b])).toBe(true)
  })

  it('may be signature policies of their own', () => {
    expect(compileApplicationPolicy(parseApplicationPolicy("OR('B.peer')"), channel).evaluate([b])).toBe(true)
  })

  it('a missing reference and an empty policy are satisfied by nobody', () => {
    for (const policy of [parseApplicationPolicy('/Channel/Application/Nobody'), decodeApplicationPolicy(new Uint8Array(0))]) {
      expect(compileApplicationPolicy(policy, channel).evaluate([a, b])).toBe(false)
    }
    expect(() => decodeApplicationPolicy(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'POLICY_MALFORMED' }))
  })

  it('print as they were written', () => {
    for (const text of ["AND('A.peer', 'B.peer')", '/Channel/Application/Writers'])
      expect(applicationPolicyToString(parseApplicationPolicy(text))).toBe(text)
  })
})

describe('a set of signatures', () => {
  const membership = plainProvider.createMembership([plainMsp('A'), plainMsp('B')])
  const data = Buffer.from('what is signed')
  const signed = async (mspId: string, name = 'peer', over: Uint8Array = data) => {
    const signer = plainSigner(mspId, 'peer', name)
    return { data, identity: signer.identity, signature: await signer.sign(over) }
  }

  it('counts members with valid signatures, each once, in order', async () => {
    const set = [await signed('B'), await signed('A'), await signed('B'), await signed('C'), await signed('A', 'other')]
    const identities = await verifiedIdentities(membership, plainProvider, set)
    expect(identities.map(({ mspId, id }) => `${mspId} ${id}`)).toEqual(['B peer:peer', 'A peer:peer', 'A peer:other'])
  })

  it('a wrong signature does not spoil a right one of the same identity', async () => {
    const set = [await signed('A', 'peer', Buffer.from('else')), await signed('A')]
    const policy = manage(group({ Writers: "OR('A.peer')" })).policy('Writers')!
    expect(await evaluateSigned(policy, membership, plainProvider, set)).toBe(true)
    expect(await evaluateSigned(policy, membership, plainProvider, set.slice(0, 1))).toBe(false)
  })

  it('an error that is no verdict about an identity is passed on', async () => {
    const broken = {
      ...membership,
      identity: () => {
        throw new RangeError('broken')
      },
    }
    await expect(verifiedIdentities(broken, plainProvider, [await signed('A')])).rejects.toThrow(RangeError)
  })
})
