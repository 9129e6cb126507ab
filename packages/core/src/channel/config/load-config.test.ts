import { describe, expect, it } from 'vitest'
import { Block } from '../../model/block.ts'
import type { Config, ConfigGroup } from '../../model/messages/configtx.ts'
import { Capabilities, HashingAlgorithm, OrdererAddresses } from '../../model/messages/configuration.ts'
import { FabricMSPConfig, MSPConfig } from '../../model/messages/msp-config.ts'
import { BatchSize, BatchTimeout, ConsensusType } from '../../model/messages/orderer-configuration.ts'
import type { Input, MessageType } from '../../model/protobuf/message.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import { genesisBlock, genesisConfig } from '../genesis/genesis-block.ts'
import { addValue, newGroup } from '../genesis/group-builder.ts'
import { plainChannel, plainDefinition } from '../plain-channel.fixture.ts'
import { plainMsp, plainProvider } from '../plain-identity.fixture.ts'
import { editConfig, setAcls } from '../update/edit-config.ts'
import { policyForResource } from './acls.ts'
import { channelConfigFrom, channelConfigFromBlock } from './load-config.ts'

const good = genesisConfig(plainDefinition())
const load = (config: Config, provider: IdentityProvider = plainProvider) => channelConfigFrom('trade', config, provider)

function broken(change: (root: ConfigGroup, orderer: ConfigGroup, application: ConfigGroup) => void): Config {
  return editConfig(good, (root) => change(root, root.groups.get('Orderer')!, root.groups.get('Application')!))
}

function refused(config: Config, code: string, data: Record<string, unknown> = {}): void {
  expect(() => load(config)).toThrow(expect.objectContaining({ code, data: expect.objectContaining(data) }))
}

/** The good configuration with another value in a place. */
function withValue<T>(group: 'Channel' | 'Orderer' | 'Application', name: string, type: MessageType<T>, value: Input<T>): Config {
  return broken((root) => addValue(group === 'Channel' ? root : root.groups.get(group)!, name, type, value))
}

describe('a channel configuration', () => {
  it('is read into one immutable object', () => {
    const channel = load(good)
    expect(channel).toMatchObject({
      channel: 'trade',
      sequence: 0,
      consortium: 'banks',
      ordering: {
        consensusType: 'solo',
        maintenance: false,
        batchTimeout: 2000,
        batchSize: { maxMessageCount: 500, absoluteMaxBytes: 10_485_760, preferredMaxBytes: 2_097_152 },
      },
      ordererAddresses: ['localhost:7050'],
      organizations: {
        application: [
          { name: 'Org1', mspId: 'Org1MSP', anchorPeers: [{ host: 'localhost', port: 7051 }] },
          { name: 'Org2', mspId: 'Org2MSP', anchorPeers: [] },
        ],
        orderer: [{ name: 'Orderers', mspId: 'OrdererMSP', endpoints: ['localhost:7050'] }],
      },
      capabilities: { channel: new Set(['V2_0']), orderer: new Set(['V2_0']), application: new Set(['V2_5']) },
    })
    expect([...channel.membership.mspIds].sort()).toEqual(['OrdererMSP', 'Org1MSP', 'Org2MSP'])
    expect(Object.isFrozen(channel)).toBe(true)
  })

  it('names each address of the ordering service once', () => {
    const channel = plainChannel({ ordererAddresses: ['a:1', 'localhost:7050'] })
    expect(channel.ordererAddresses).toEqual(['a:1', 'localhost:7050'])
  })

  it('an organisation in both sections has one MSP', () => {
    const both = { name: 'Org1', mspConfig: plainMsp('Org1MSP') }
    const channel = plainChannel({ ordering: { type: 'solo', organizations: [both] } })
    expect([...channel.membership.mspIds].sort()).toEqual(['Org1MSP', 'Org2MSP'])
  })

  it('an MSP of a type of its own is named by its identity plugin', () => {
    const mspConfig = MSPConfig.encode({ type: 77, config: Buffer.from('own format') })
    const own: IdentityProvider = {
      ...plainProvider,
      createMembership: () => ({ ...plainProvider.createMembership([]), mspIds: ['OwnMSP'] }),
    }
    const definition = plainDefinition({ application: { organizations: [{ name: 'Own', mspId: 'OwnMSP', mspConfig }] } })
    expect(load(genesisConfig(definition), own).organizations.application).toMatchObject([{ mspId: 'OwnMSP' }])
  })

  it("resources have the policies of the channel, else Fabric's defaults", () => {
    const channel = load(setAcls(good, { 'peer/Propose': 'Admins', 'event/Block': '/Channel/Readers', 'qscc/GetChainInfo': '' }))
    expect(policyForResource(channel, 'peer/Propose')).toBe('/Channel/Application/Admins')
    expect(policyForResource(channel, 'event/Block')).toBe('/Channel/Readers')
    expect(policyForResource(channel, 'qscc/GetChainInfo')).toBe('/Channel/Application/Readers')
    expect(policyForResource(channel, 'event/FilteredBlock')).toBe('/Channel/Application/Readers')
    expect(policyForResource(channel, 'no/Such')).toBeUndefined()
  })
})

describe('a channel configuration is refused', () => {
  it('under an illegal channel name', () => {
    for (const name of ['', 'Trade', '1trade', 'trade_1', `t${'x'.repeat(249)}`]) {
      expect(() => channelConfigFrom(name, good, plainProvider)).toThrow(expect.objectContaining({ code: 'CHANNEL_BAD_NAME' }))
    }
  })

  it('with an illegal name in its tree', () => {
    for (const name of ['', '.', '..', 'Org_1', 'a/b', 'x'.repeat(250)]) {
      refused(
        broken((_root, _orderer, application) => application.groups.set(name, newGroup())),
        'CHANNEL_BAD_NAME',
        { name },
      )
    }
  })

  it('without its groups', () => {
    refused({ sequence: 0, channelGroup: undefined }, 'CHANNEL_MISSING_GROUP')
    refused(
      broken((root) => root.groups.delete('Orderer')),
      'CHANNEL_MISSING_GROUP',
      { path: '/Channel/Orderer' },
    )
    refused(
      broken((root) => root.groups.delete('Application')),
      'CHANNEL_MISSING_GROUP',
      { path: '/Channel/Application' },
    )
  })

  it('with groups where none may be', () => {
    refused(
      broken((root) => root.groups.set('Consortiums', newGroup())),
      'CHANNEL_UNKNOWN_GROUP',
      { path: '/Channel/Consortiums' },
    )
    for (const [section, name] of [
      ['Application', 'Org1'],
      ['Orderer', 'Orderers'],
    ] as const) {
      refused(
        broken((root) => root.groups.get(section)!.groups.get(name)!.groups.set('Inner', newGroup())),
        'CHANNEL_UNKNOWN_GROUP',
        { path: `/Channel/${section}/${name}` },
      )
    }
  })

  it('without values that it cannot do without', () => {
    for (const [section, name] of [
      ['Channel', 'HashingAlgorithm'],
      ['Channel', 'BlockDataHashingStructure'],
      ['Orderer', 'ConsensusType'],
      ['Orderer', 'BatchSize'],
      ['Orderer', 'BatchTimeout'],
    ] as const) {
      refused(
        broken((root) => (section === 'Channel' ? root : root.groups.get(section)!).values.delete(name)),
        'CHANNEL_MISSING_VALUE',
      )
    }
    refused(
      broken((_root, _orderer, application) => application.groups.get('Org1')!.values.delete('MSP')),
      'CHANNEL_MISSING_VALUE',
      { path: '/Channel/Application/Org1/MSP' },
    )
  })

  it('with values of unknown names, also those of another group', () => {
    refused(withValue('Channel', 'BatchSize', BatchSize, {}), 'CHANNEL_UNKNOWN_VALUE', { path: '/Channel/BatchSize' })
    refused(withValue('Application', 'constructor', BatchSize, {}), 'CHANNEL_UNKNOWN_VALUE')
    refused(
      broken((_root, _orderer, application) => addValue(application.groups.get('Org1')!, 'Endpoints', OrdererAddresses, {})),
      'CHANNEL_UNKNOWN_VALUE',
    )
  })

  it('with a value that does not decode', () => {
    refused(
      broken((_root, orderer) =>
        orderer.values.set('BatchSize', { version: 0, value: Uint8Array.of(0xff), modPolicy: 'Admins' }),
      ),
      'CHANNEL_MALFORMED',
      { path: '/Channel/Orderer/BatchSize' },
    )
    refused({ ...good, sequence: 2n ** 60n }, 'CHANNEL_MALFORMED')
  })

  it('with values out of range', () => {
    const size = { maxMessageCount: 1, absoluteMaxBytes: 10, preferredMaxBytes: 5 }
    for (const wrong of [{ maxMessageCount: 0 }, { absoluteMaxBytes: 0 }, { preferredMaxBytes: 0 }, { preferredMaxBytes: 11 }]) {
      refused(withValue('Orderer', 'BatchSize', BatchSize, { ...size, ...wrong }), 'CHANNEL_BAD_VALUE')
    }
    for (const timeout of ['', '0s', '-1s', '2 seconds'])
      refused(withValue('Orderer', 'BatchTimeout', BatchTimeout, { timeout }), 'CHANNEL_BAD_VALUE')
    refused(withValue('Orderer', 'ConsensusType', ConsensusType, { type: '' }), 'CHANNEL_BAD_VALUE')
    refused(withValue('Channel', 'HashingAlgorithm', HashingAlgorithm, { name: 'MD5' }), 'CHANNEL_BAD_VALUE')
    refused(
      broken((root) =>
        root.values.set('BlockDataHashingStructure', { version: 0, value: Uint8Array.of(8, 1), modPolicy: 'Admins' }),
      ),
      'CHANNEL_BAD_VALUE',
    )
  })

  it.each(['Channel', 'Orderer', 'Application'] as const)(
    'with an unknown capability in %s, or none that is new enough',
    (section) => {
      const capabilities = (...names: string[]) => ({ capabilities: new Map(names.map((name) => [name, {}])) })
      refused(withValue(section, 'Capabilities', Capabilities, capabilities('V2_0', 'V9_9')), 'CHANNEL_UNKNOWN_CAPABILITY', {
        capability: 'V9_9',
      })
      refused(withValue(section, 'Capabilities', Capabilities, capabilities('V1_1')), 'CHANNEL_CAPABILITY_TOO_OLD')
      refused(withValue(section, 'Capabilities', Capabilities, capabilities()), 'CHANNEL_CAPABILITY_TOO_OLD')
    },
  )

  it('under V3_0 with global orderer addresses, or without endpoints', () => {
    const v3 = { capabilities: { channel: ['V3_0'] } }
    expect(() => plainChannel(v3)).not.toThrow()
    expect(() => plainChannel({ ...v3, ordererAddresses: ['a:1'] })).toThrow(
      expect.objectContaining({ code: 'CHANNEL_BAD_VALUE', data: { path: '/Channel/OrdererAddresses' } }),
    )
    const silent = { type: 'solo', organizations: [{ name: 'Orderers', mspConfig: plainMsp('OrdererMSP') }] }
    expect(() => plainChannel({ ...v3, ordering: silent })).toThrow(
      expect.objectContaining({ code: 'CHANNEL_BAD_VALUE', data: { path: '/Channel/Orderer/Orderers/Endpoints' } }),
    )
    expect(() => plainChannel({ ordering: silent })).not.toThrow()
  })

  it('with two definitions of one MSP', () => {
    const organizations = [{ name: 'Org1', mspConfig: plainMsp('Org1MSP', { revoked: ['x'] }) }]
    expect(() => plainChannel({ ordering: { type: 'solo', organizations } })).toThrow(
      expect.objectContaining({ code: 'CHANNEL_MSP_CONFLICT', data: expect.objectContaining({ mspId: 'Org1MSP' }) }),
    )
  })

  it('with an MSP that has no name, does not decode, or that the identity plugin refuses', () => {
    const msp = (bytes: Uint8Array) =>
      broken((_root, _orderer, application) =>
        addValue(application.groups.get('Org1')!, 'MSP', MSPConfig, { type: 0, config: bytes }),
      )
    refused(msp(FabricMSPConfig.encode({})), 'CHANNEL_BAD_MSP')
    refused(msp(Uint8Array.of(0xff)), 'CHANNEL_BAD_MSP', { path: '/Channel/Application/Org1/MSP' })
    const strict: IdentityProvider = { ...plainProvider, createMembership: () => plainChannel({ channel: 'BAD' }).membership }
    expect(() => load(good, strict)).toThrow(expect.objectContaining({ code: 'CHANNEL_BAD_MSP' }))
  })

  it('with a policy that does not compile', () => {
    refused(
      broken((root) => root.policies.set('Readers', { version: 0, policy: undefined, modPolicy: 'Admins' })),
      'CHANNEL_BAD_POLICY',
      { path: '/Channel/Readers' },
    )
  })
})

describe('a config block', () => {
  it('gives the configuration that it carries', () => {
    expect(channelConfigFromBlock(genesisBlock(plainDefinition()), plainProvider).configBytes).toEqual(load(good).configBytes)
  })

  it('holds exactly one config envelope', () => {
    const genesis = genesisBlock(plainDefinition())
    const envelope = genesis.data[0]!
    for (const data of [[], [envelope, envelope], [Uint8Array.of(0xff)], [new Uint8Array(0)]]) {
      expect(() => channelConfigFromBlock(Block.create(1, new Uint8Array(32), data), plainProvider)).toThrow(
        expect.objectContaining({ code: 'CHANNEL_NOT_A_CONFIG_BLOCK', data: { block: 1 } }),
      )
    }
  })
})
