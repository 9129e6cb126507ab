import { configEdits, type Network, OrderError } from '@heddle/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { computeConfigUpdate } from '../src/channel/update/compute-update.ts'
import { signConfigUpdate } from '../src/channel/update/sign-update.ts'
import { HeaderType, SignatureHeader } from '../src/model/messages/common.ts'
import {
  type Config,
  type ConfigGroup,
  type ConfigSignature,
  ConfigUpdate,
  ConfigUpdateEnvelope,
} from '../src/model/messages/configtx.ts'
import {
  type Actor,
  expectHealthy,
  expectVerified,
  failure,
  issued,
  member,
  orderingOf,
  payloadOf,
  random,
  signedEnvelope,
  startNetwork,
  stranger,
} from './bad-input.fixture.ts'

let network: Network
let mallory: Actor
let admins: readonly Actor[]
beforeAll(async () => {
  network = await startNetwork()
  mallory = await member(network)
  admins = ['Org1', 'Org2', 'Orderer'].map((name) => issued(network, name, { enrolmentId: 'boss', role: 'admin' }))
})
afterAll(() => network.stop())

const signature = (update: Uint8Array, by: Actor): Promise<ConfigSignature> =>
  signConfigUpdate(update, { mspId: by.mspId, identity: by.identity, sign: (message) => by.sign(message) }, random.bytes(24))

const envelopeOf = (data: Uint8Array): Uint8Array =>
  signedEnvelope(mallory, payloadOf(mallory.identity, data, { type: HeaderType.CONFIG_UPDATE, txId: '' }))

async function updateOf(update: Uint8Array, by: readonly Actor[]): Promise<Uint8Array> {
  const signatures = await Promise.all(by.map((each) => signature(update, each)))
  return envelopeOf(ConfigUpdateEnvelope.encode({ configUpdate: update, signatures }))
}

const changed = (edit: (config: Config) => Config): Uint8Array => {
  const { config } = network.channel('main').config
  return ConfigUpdate.encode(computeConfigUpdate('main', config, edit(config)))
}
const slower = () => changed((config) => configEdits.setBatchTimeout(config, 77))
const faster = () => changed((config) => configEdits.setBatchTimeout(config, 123))

/** The typed refusal; the configuration stays as it is. */
async function refused(envelope: Uint8Array): Promise<string> {
  const { sequence } = orderingOf(network).config
  const error = await failure(orderingOf(network).broadcast(envelope))
  expect(error).toBeInstanceOf(OrderError)
  expect(orderingOf(network).config.sequence).toBe(sequence)
  return String(error.data?.reason ?? error.code)
}

describe('a config update is refused', () => {
  const GARBAGE = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)

  it('that holds nothing, garbage, or a transaction', async () => {
    for (const data of [new Uint8Array(0), GARBAGE, ConfigUpdateEnvelope.encode({ configUpdate: GARBAGE, signatures: [] })])
      expect(await refused(envelopeOf(data))).toMatch(/^CONFIG_UPDATE_(MALFORMED|WRONG_CHANNEL)$/)
  })

  it('that nobody signed, a client, a stranger’s admin, one organisation alone, or somebody for somebody else', async () => {
    const update = faster()
    const notAuthorized = 'CONFIG_UPDATE_NOT_AUTHORIZED'
    expect(await refused(await updateOf(update, []))).toBe(notAuthorized)
    expect(await refused(await updateOf(update, [mallory]))).toBe(notAuthorized)
    expect(await refused(await updateOf(update, [stranger('OrdererMSP', 'ca.orderer', 'admin')]))).toBe(notAuthorized)
    expect(await refused(await updateOf(update, [admins[0]!, admins[1]!]))).toBe(notAuthorized)
    expect(await refused(await updateOf(update, [{ ...admins[2]!, sign: mallory.sign }]))).toBe(notAuthorized)
  })

  it('whose admin’s certificate has expired is judged by its signatures, as in Fabric; one that was revoked is not counted', async () => {
    const organization = network.organization('Orderer')
    const user = await organization.enrol('fired', { role: 'admin' })
    await network.channel('main').revoke('Orderer', 'fired')
    const fired: Actor = {
      mspId: user.mspId,
      identity: user.identity,
      sign: (message) => user.signer!.sign(message) as Uint8Array,
    }
    expect(await refused(await updateOf(faster(), [fired]))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
  })

  it('that is sent again after it was applied, or was computed for an older configuration', async () => {
    const old = await updateOf(faster(), admins)
    await orderingOf(network).broadcast(old)
    await network.channel('main').synchronize()
    expect(await refused(old)).toBe('CONFIG_UPDATE_STALE')
  })

  it('that breaks the channel, though everybody signed it', async () => {
    const broken: Record<string, (config: Config) => Config> = {
      'no batch': (config) => configEdits.setBatchSize(config, { maxMessageCount: 0 }),
      'no room': (config) => configEdits.setBatchSize(config, { absoluteMaxBytes: 0 }),
      'no time': (config) => configEdits.setBatchTimeout(config, -1),
    }
    for (const [name, edit] of Object.entries(broken)) {
      let update: Uint8Array
      try {
        update = changed(edit)
      } catch (error) {
        expect(error, name).toMatchObject({ code: expect.any(String) })
        continue
      }
      expect(await refused(await updateOf(update, admins)), name).toMatch(/^(CHANNEL|CONFIG|ORDER)_/)
    }
  })

  it('with ten thousand policies, or a policy nested deeper than any parser should follow', async () => {
    const root = () => structuredGroup(network.channel('main').config.config)
    const flood = root()
    const policy = flood.policies.get('Readers')!
    for (let i = 0; i < 10_000; i++) flood.policies.set(`P${i}`, { ...policy, version: 0 })
    expect(await refused(await updateOf(writeSet(flood), [mallory]))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')

    for (const depth of [60, 150, 5_000]) {
      const deep = root()
      deep.policies.set('Deep', { version: 0, modPolicy: 'Admins', policy: { type: 1, value: nestedPolicy(depth) } })
      expect(await refused(await updateOf(writeSet(deep), admins)), `${depth}`).toMatch(/^(CHANNEL|CONFIG|POLICY|DECODE)_/)
    }
    const groups = root()
    let inner = groups
    for (let i = 0; i < 90; i++) {
      const next: ConfigGroup = { version: 0, groups: new Map(), values: new Map(), policies: new Map(), modPolicy: 'Admins' }
      inner.groups.set(`G${i}`, next)
      inner = next
    }
    expect(await refused(await updateOf(writeSet(groups), [mallory]))).toMatch(/^(CHANNEL|CONFIG)_/)
    await expectHealthy(network)
  })

  it('with thousands of signatures, at the price of one for each signer', async () => {
    const update = slower()
    const one = await signature(update, mallory)
    const header = SignatureHeader.encode({ creator: mallory.identity, nonce: random.bytes(24) })
    // One that is good and thousands of its copies; and thousands that are wrong, of somebody else.
    const eve = await member(network, 'Org2', 'eve')
    const other = SignatureHeader.encode({ creator: eve.identity, nonce: random.bytes(24) })
    const signatures = Array.from({ length: 5_000 }, (_, i) =>
      i % 2 === 0 ? one : { signatureHeader: i % 3 === 0 ? header : other, signature: one.signature },
    )
    const before = network.signatureWork.verifications
    const envelope = envelopeOf(ConfigUpdateEnvelope.encode({ configUpdate: update, signatures }))
    expect(await refused(envelope)).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
    expect(network.signatureWork.verifications - before).toBeLessThan(20)
  })

  it('of 5 MB under a hundred thousand signatures of nobody, without that each one costs 5 MB', async () => {
    const update = ConfigUpdate.decode(slower())
    update.isolatedData.set('ballast', new Uint8Array(5_000_000))
    const signatures = Array.from({ length: 100_000 }, () => ({
      signatureHeader: Uint8Array.of(10, 1, 9),
      signature: Uint8Array.of(1),
    }))
    const data = ConfigUpdateEnvelope.encode({ configUpdate: ConfigUpdate.encode(update), signatures })
    expect(await refused(envelopeOf(data))).toBe('CONFIG_UPDATE_NOT_AUTHORIZED')
  })

  it('that floods the queue: refused as too much, the honest one is served after it', async () => {
    const data = ConfigUpdateEnvelope.encode({ configUpdate: slower(), signatures: [] })
    const flood = Array.from({ length: 500 }, () => failure(orderingOf(network).broadcast(envelopeOf(data))))
    const codes = new Set((await Promise.all(flood)).map(({ code }) => code))
    expect([...codes].sort()).toEqual(['ORDERER_OVERLOADED', 'ORDER_CONFIG_REFUSED'])
    await network.channel('main').setBatchTimeout(250)
    expect(network.channel('main').config.ordering.batchTimeout).toBe(250)
  })

  it('and the ledger is whole', async () => {
    await expectHealthy(network)
    await expectVerified(network)
  })
})

/** The channel group, deeply copied. */
function structuredGroup({ channelGroup }: Config): ConfigGroup {
  return structuredClone(channelGroup!)
}

/** An update that writes this group in place of the channel's. */
function writeSet(group: ConfigGroup): Uint8Array {
  const current = network.channel('main').config.config
  return ConfigUpdate.encode(computeConfigUpdate('main', current, { ...current, channelGroup: group }))
}

/** A signature policy whose gates stand one in another. */
function nestedPolicy(depth: number): Uint8Array {
  let bytes: Uint8Array = Buffer.from('0800', 'hex')
  const field = (tag: number, content: Uint8Array): Uint8Array => {
    const length: number[] = []
    let rest = content.length
    for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
    return Buffer.concat([Uint8Array.of(tag, ...length, rest), content])
  }
  // SignaturePolicy { n_out_of = 2 { n = 1, rules = 2 } }
  for (let i = 0; i < depth; i++) bytes = field(0x12, Buffer.concat([Uint8Array.of(0x08, 1), field(0x12, bytes)]))
  return Buffer.concat([field(0x12, bytes)])
}
