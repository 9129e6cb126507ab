import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { ChannelHeader, Envelope, HeaderType, Payload } from '../../model/messages/common.ts'
import { Config, ConfigEnvelope, type ConfigGroup, ConfigUpdate, ConfigUpdateEnvelope } from '../../model/messages/configtx.ts'
import type { Signer } from '../../ports/identity.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { admin1, admin2, ordererAdmin, plainChannel, plainDefinition, signedUpdate, updateTo } from '../plain-channel.fixture.ts'
import { plainMsp, plainProvider, plainSigner } from '../plain-identity.fixture.ts'
import { computeConfigUpdate } from './compute-update.ts'
import { applyConfigUpdate, updateInside, validateConfigTransaction } from './config-transaction.ts'
import { addOrganization, editConfig, removeOrganization, setAnchorPeers, setBatchSize, setPolicy } from './edit-config.ts'
import { configEnvelope } from './sign-update.ts'

const current = plainChannel()
const apply = (envelope: Uint8Array, channel: ChannelConfig = current) => applyConfigUpdate(channel, envelope, plainProvider)
const seed = { timestamp: 0, nonce: new Uint8Array(24) }
const org3 = { name: 'Org3', mspConfig: plainMsp('Org3MSP') }

/** The code that applying an update ends with. */
async function refusal(envelope: Promise<Uint8Array> | Uint8Array, channel: ChannelConfig = current): Promise<unknown> {
  return apply(await envelope, channel).then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? error,
  )
}

/** An update whose read and write sets are edited by hand. */
function edited(next: Config, edit: (update: ConfigUpdate) => void, ...signers: Signer[]): Promise<Uint8Array> {
  const update = computeConfigUpdate(current.channel, current.config, next)
  edit(update)
  return signedUpdate(update, ...signers)
}

const ordererOf = (set: ConfigGroup | undefined) => set!.groups.get('Orderer')!

describe('a config update', () => {
  it('takes effect as the next sequence, and raises the version of what it changes, and of nothing else', async () => {
    const { next } = await apply(await updateTo(current, setBatchSize(current.config, { maxMessageCount: 7 }), ordererAdmin))
    expect(next.sequence).toBe(1)
    expect(next.ordering).toMatchObject({ sequence: 1, batchSize: { maxMessageCount: 7, absoluteMaxBytes: 10_485_760 } })
    const tree = next.config.channelGroup!
    expect([tree.version, ordererOf(tree).version]).toEqual([0, 0])
    expect(
      [...ordererOf(tree).values].map(([name, { version }]) => [name, version]).filter(([, version]) => version !== 0),
    ).toEqual([['BatchSize', 1]])
  })

  it('that adds an organisation raises the version of the group that takes it up', async () => {
    const { next } = await apply(await updateTo(current, addOrganization(current.config, org3), admin1, admin2))
    expect(next.organizations.application.map(({ mspId }) => mspId)).toEqual(['Org1MSP', 'Org2MSP', 'Org3MSP'])
    expect(next.config.channelGroup!.groups.get('Application')!.version).toBe(1)
    expect(next.membership.mspIds).toContain('Org3MSP')
  })

  it('that removes an organisation leaves the others as they are', async () => {
    const { next } = await apply(
      await updateTo(current, removeOrganization(current.config, 'application', 'Org2'), admin1, admin2),
    )
    expect(next.organizations.application).toEqual(current.organizations.application.slice(0, 1))
    expect(() => next.membership.identity(admin2.identity)).toThrow()
  })

  it('needs the mod_policy of each element that it changes, under the current policies', async () => {
    const batch = setBatchSize(current.config, { maxMessageCount: 7 })
    expect(await refusal(updateTo(current, batch, admin1, admin2))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(await refusal(updateTo(current, batch))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    const anchors = setAnchorPeers(current.config, 'Org1', [{ host: 'a', port: 1 }])
    expect(await refusal(updateTo(current, anchors, admin2))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(await refusal(updateTo(current, anchors, plainSigner('Org1MSP', 'client')))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(await refusal(updateTo(current, anchors, admin1))).toBe('accepted')
    const both = setBatchSize(anchors, { maxMessageCount: 7 })
    expect(await refusal(updateTo(current, both, admin1))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(await refusal(updateTo(current, both, admin1, ordererAdmin))).toBe('accepted')
  })

  it('does not authorise itself: a policy that it loosens counts from the next update', async () => {
    const loose = setPolicy(current.config, '/Channel/Orderer/Admins', 'ANY Readers')
    expect(
      await refusal(updateTo(current, setBatchSize(loose, { maxMessageCount: 7 }), plainSigner('OrdererMSP', 'client'))),
    ).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    const { next } = await apply(await updateTo(current, loose, ordererAdmin))
    const second = updateTo(next, setBatchSize(next.config, { maxMessageCount: 7 }), plainSigner('OrdererMSP', 'client'))
    expect(await refusal(second, next)).toBe('accepted')
  })

  it('names the element and the policy that is not satisfied', async () => {
    const envelope = await updateTo(current, setBatchSize(current.config, { maxMessageCount: 7 }), admin1)
    await expect(apply(envelope)).rejects.toMatchObject({
      data: { element: 'value /Channel/Orderer/BatchSize', policy: 'Admins', signers: ['Org1MSP'] },
    })
  })

  it('an absolute mod_policy is looked up from the root', async () => {
    const channel = plainChannel({ ordererAddresses: ['a:1'] })
    const next = editConfig(channel.config, (root) => {
      const value = root.values.get('OrdererAddresses')!
      root.values.set('OrdererAddresses', { ...value, value: Uint8Array.of(10, 3, 98, 58, 49) })
    })
    expect(await refusal(updateTo(channel, next, admin1, admin2), channel)).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(await refusal(updateTo(channel, next, ordererAdmin), channel)).toBe('accepted')
  })

  it('an element whose mod_policy does not exist cannot be changed', async () => {
    for (const modPolicy of ['Nobody', '/Channel/Nobody', '/Elsewhere/Admins']) {
      const locked = editConfig(current.config, (root) => {
        const size = ordererOf(root).values.get('BatchSize')!
        ordererOf(root).values.set('BatchSize', { ...size, modPolicy })
      })
      const { next } = await apply(await updateTo(current, locked, ordererAdmin))
      expect(await refusal(updateTo(next, setBatchSize(next.config, { maxMessageCount: 7 }), ordererAdmin), next)).toBe(
        'CONFIG_UPDATE_NO_POLICY',
      )
    }
  })

  it.each(['', '/', 'a//b', 'Admins/', 'not a name', '..'])('may not set the mod_policy %j', async (modPolicy) => {
    const next = setBatchSize(current.config, { maxMessageCount: 7 })
    const envelope = edited(
      next,
      (update) => {
        const values = ordererOf(update.writeSet).values
        values.set('BatchSize', { ...values.get('BatchSize')!, modPolicy })
      },
      ordererAdmin,
    )
    expect(await refusal(envelope)).toBe('CONFIG_UPDATE_BAD_MOD_POLICY')
  })

  it('read at another version than the current one is stale', async () => {
    const envelope = await updateTo(current, addOrganization(current.config, org3), admin1, admin2)
    const { next } = await apply(envelope)
    expect(await refusal(envelope, next)).toBe('CONFIG_UPDATE_STALE')
    const absent = edited(
      setBatchSize(current.config, { maxMessageCount: 7 }),
      (update) => update.readSet!.groups.set('Elsewhere', { ...update.readSet!, groups: new Map() }),
      ordererAdmin,
    )
    expect(await refusal(absent)).toBe('CONFIG_UPDATE_STALE')
  })

  it('may raise a version by one only, and creates at version 0', async () => {
    for (const version of [2, 3, 2n ** 60n]) {
      const jump = edited(
        setBatchSize(current.config, { maxMessageCount: 7 }),
        (update) => {
          const values = ordererOf(update.writeSet).values
          values.set('BatchSize', { ...values.get('BatchSize')!, version })
        },
        ordererAdmin,
      )
      expect(await refusal(jump)).toBe('CONFIG_UPDATE_STALE')
    }
    const born = edited(
      addOrganization(current.config, org3),
      (update) => {
        update.writeSet!.groups.get('Application')!.groups.get('Org3')!.version = 1
      },
      admin1,
      admin2,
    )
    expect(await refusal(born)).toBe('CONFIG_UPDATE_STALE')
  })

  it('a new element in a group that stays at its version is left out of the result', async () => {
    const next = setBatchSize(current.config, { maxMessageCount: 7 })
    const envelope = await edited(
      next,
      (update) => {
        ordererOf(update.writeSet).policies.set('Sneaky', {
          version: 0,
          policy: { type: 3, value: new Uint8Array(0) },
          modPolicy: 'Admins',
        })
      },
      ordererAdmin,
    )
    const applied = await apply(envelope)
    expect(ordererOf(applied.next.config.channelGroup).policies.has('Sneaky')).toBe(false)
  })

  it('that refers to a member which does not exist is stale', async () => {
    const envelope = edited(
      addOrganization(current.config, org3),
      (update) => {
        const application = update.writeSet!.groups.get('Application')!
        application.values.set('ACLs', { version: 3, value: new Uint8Array(0), modPolicy: 'Admins' })
        update.readSet!.groups.get('Application')!.values.set('ACLs', { version: 3, value: new Uint8Array(0), modPolicy: '' })
      },
      admin1,
      admin2,
    )
    expect(await refusal(envelope)).toBe('CONFIG_UPDATE_STALE')
  })

  it('that changes nothing is refused', async () => {
    expect(() => computeConfigUpdate('trade', current.config, current.config)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UPDATE_NO_CHANGE' }),
    )
    expect(
      await refusal(
        edited(
          setBatchSize(current.config, { maxMessageCount: 7 }),
          (update) => {
            update.writeSet = update.readSet
          },
          ordererAdmin,
        ),
      ),
    ).toBe('CONFIG_UPDATE_NO_CHANGE')
  })

  it('for another channel is refused', async () => {
    expect(
      await refusal(
        edited(
          setBatchSize(current.config, { maxMessageCount: 7 }),
          (update) => {
            update.channelId = 'other'
          },
          ordererAdmin,
        ),
      ),
    ).toBe('CONFIG_UPDATE_WRONG_CHANNEL')
  })

  it('whose result is no good configuration is refused, whoever signs', async () => {
    expect(await refusal(updateTo(current, setBatchSize(current.config, { maxMessageCount: 0 }), ordererAdmin))).toBe(
      'CHANNEL_BAD_VALUE',
    )
    const renamed = editConfig(current.config, (root) =>
      root.groups.get('Application')!.groups.set('Org_3', root.groups.get('Application')!.groups.get('Org2')!),
    )
    expect(await refusal(updateTo(current, renamed, admin1, admin2))).toBe('CHANNEL_BAD_NAME')
  })

  it('may not change the MSP identifier of an organisation that stays', async () => {
    const next = editConfig(current.config, (root) => {
      const org2 = root.groups.get('Application')!.groups.get('Org2')!
      org2.values.set('MSP', { ...org2.values.get('MSP')!, value: plainMsp('Org9MSP') })
    })
    expect(await refusal(updateTo(current, next, admin2))).toBe('CONFIG_UPDATE_FORBIDDEN')
  })

  it('gives an unset mod_policy Admins, as Fabric repairs its oldest channels', async () => {
    const unset = editConfig(current.config, (root) => {
      root.modPolicy = ''
      root.values.get('Consortium')!.modPolicy = ''
      ordererOf(root).policies.get('Readers')!.modPolicy = ''
    })
    const channel = { ...current, config: unset }
    const { next } = await apply(await updateTo(channel, setBatchSize(unset, { maxMessageCount: 7 }), ordererAdmin), channel)
    const tree = next.config.channelGroup!
    expect([
      tree.modPolicy,
      tree.values.get('Consortium')!.modPolicy,
      ordererOf(tree).policies.get('Readers')!.modPolicy,
    ]).toEqual(['Admins', 'Admins', 'Admins'])
  })

  it('that does not decode, or is no config update, is refused', async () => {
    const good = await updateTo(current, setBatchSize(current.config, { maxMessageCount: 7 }), ordererAdmin)
    const config = await configEnvelope('trade', new Uint8Array(0), ordererAdmin, seed)
    for (const bad of [new Uint8Array(0), Uint8Array.of(0xff), good.subarray(0, 40), config])
      expect(await refusal(bad)).toBe('CONFIG_UPDATE_MALFORMED')
    const update = computeConfigUpdate('trade', current.config, setBatchSize(current.config, { maxMessageCount: 7 }))
    const signer = { ...ordererAdmin, identity: new Uint8Array(0) }
    expect(await refusal(signedUpdate(update, signer))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
  })

  it('nested deeper than any configuration is refused, not followed', async () => {
    const group = (): ConfigGroup => ({
      version: 0,
      groups: new Map(),
      values: new Map(),
      policies: new Map(),
      modPolicy: 'Admins',
    })
    const writeSet = group()
    for (let depth = 0, at = writeSet; depth < 300; depth++) {
      const inner = group()
      at.groups.set('Deeper', inner)
      at = inner
    }
    const data = ConfigUpdateEnvelope.encode({ configUpdate: ConfigUpdate.encode({ channelId: 'trade', writeSet }) })
    const header = { channelHeader: ChannelHeader.encode({ type: HeaderType.CONFIG_UPDATE, channelId: 'trade' }) }
    expect(await refusal(Envelope.encode({ payload: Payload.encode({ header, data }) }))).toBe('CONFIG_UPDATE_MALFORMED')
  })

  it('mutated at any byte is applied as it stands or ends in a typed error', async () => {
    const good = await updateTo(current, addOrganization(current.config, org3), admin1, admin2)
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Uint8Array.from(good)
        bytes[at]! ^= flip
        expect(await refusal(bytes)).toMatch(/^(accepted|CONFIG_|CHANNEL_)/)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a config transaction', () => {
  const transaction = async (edit: (envelope: ConfigEnvelope) => void = () => {}) => {
    const applied = await apply(await updateTo(current, setBatchSize(current.config, { maxMessageCount: 7 }), ordererAdmin))
    const envelope = ConfigEnvelope.decode(applied.configEnvelope)
    edit(envelope)
    return configEnvelope('trade', ConfigEnvelope.encode(envelope), ordererAdmin, seed)
  }
  const validate = async (edit?: (envelope: ConfigEnvelope) => void) =>
    validateConfigTransaction(current, await transaction(edit), plainProvider)

  it('is computed again by everyone who sees it', async () => {
    expect((await validate()).ordering.batchSize.maxMessageCount).toBe(7)
  })

  it('that carries another result than its update gives is refused', async () => {
    await expect(
      validate(({ config }) => ordererOf(config!.channelGroup).values.delete('ChannelRestrictions')),
    ).rejects.toMatchObject({ code: 'CONFIG_TRANSACTION_DIFFERS' })
  })

  it('that is not the next in sequence is refused', async () => {
    for (const sequence of [0, 2]) {
      await expect(
        validate(({ config }) => {
          config!.sequence = sequence
        }),
      ).rejects.toMatchObject({ code: 'CONFIG_TRANSACTION_SEQUENCE' })
    }
  })

  it('without its configuration or its update is refused', async () => {
    await expect(
      validate((envelope) => {
        envelope.config = undefined
      }),
    ).rejects.toMatchObject({ code: 'CONFIG_UPDATE_MALFORMED' })
    await expect(
      validate((envelope) => {
        envelope.lastUpdate = undefined
      }),
    ).rejects.toMatchObject({ code: 'CONFIG_UPDATE_MALFORMED' })
    await expect(validateConfigTransaction(current, Uint8Array.of(0xff), plainProvider)).rejects.toMatchObject({
      code: 'CONFIG_UPDATE_MALFORMED',
    })
  })

  it('gives its update back, to be applied again on a newer configuration', async () => {
    const view = new EnvelopeView(await transaction())
    expect(view.type).toBe(HeaderType.CONFIG)
    const inside = new EnvelopeView(updateInside(view))
    expect(inside.type).toBe(HeaderType.CONFIG_UPDATE)
    expect(Envelope.decode(inside.bytes).payload).toEqual(inside.payload)
  })
})

describe('computing an update', () => {
  const definition = plainDefinition()
  const number = fc.integer({ min: 1, max: 1000 })
  /** Edits that can be made in any order, each at most once. */
  const edits = fc.record(
    {
      size: number.map((maxMessageCount) => (config: Config) => setBatchSize(config, { maxMessageCount })),
      anchors: number.map((port) => (config: Config) => setAnchorPeers(config, 'Org1', [{ host: 'h', port }])),
      policy: number.map((n) => (config: Config) => setPolicy(config, '/Channel/Application/Extra', `OR('Org${n}MSP.member')`)),
      add: fc.constant((config: Config) => addOrganization(config, org3)),
      remove: fc.constant((config: Config) => removeOrganization(config, 'application', 'Org2')),
      replace: fc.constant((config: Config) => setPolicy(config, '/Channel/Readers', 'ALL Readers')),
    },
    { requiredKeys: [] },
  )

  it('and applying it gives the wanted configuration', async () => {
    await fc.assert(
      fc.asyncProperty(edits, async (chosen) => {
        const wanted = Object.values(chosen).reduce((config, edit) => edit(config), current.config)
        fc.pre(Buffer.compare(Config.encode(wanted), current.configBytes) !== 0)
        const { next } = await apply(await updateTo(current, wanted, admin1, admin2, ordererAdmin))
        expect(withoutVersions(next.config)).toEqual(withoutVersions(wanted))
      }),
      { numRuns: 60 },
    )
    expect(definition.channel).toBe(current.channel)
  })
})

function withoutVersions(config: Config): unknown {
  const strip = (group: ConfigGroup): unknown => ({
    modPolicy: group.modPolicy,
    groups: Object.fromEntries([...group.groups].map(([name, each]) => [name, strip(each)])),
    values: Object.fromEntries([...group.values].map(([name, { value, modPolicy }]) => [name, { value, modPolicy }])),
    policies: Object.fromEntries([...group.policies].map(([name, { policy, modPolicy }]) => [name, { policy, modPolicy }])),
  })
  return strip(config.channelGroup!)
}
