import { describe, expect, it } from 'vitest'
import { BlockMetadataIndex, Metadata, OrdererBlockMetadata } from '../../model/messages/common.ts'
import { policyToString } from '../config/compare-config.ts'
import { channelConfigFromBlock } from '../config/load-config.ts'
import { plainChannel, plainDefinition } from '../plain-channel.fixture.ts'
import { plainIdentity, plainMsp, plainProvider } from '../plain-identity.fixture.ts'
import { anyOf, signaturePolicy, signedBy } from '../policy/policy-expression.ts'
import { DEFAULT_RAFT_OPTIONS, etcdraftMetadata, readEtcdraftMetadata } from './consensus-metadata.ts'
import type { ChannelDefinition } from './definition.ts'
import { genesisBlock, genesisConfig } from './genesis-block.ts'

const root = (definition: ChannelDefinition) => genesisConfig(definition).channelGroup!
const policies = (definition: ChannelDefinition, ...path: string[]) => {
  let group = root(definition)
  for (const name of path) group = group.groups.get(name)!
  return Object.fromEntries([...group.policies].map(([name, { policy }]) => [name, policyToString(policy!)]))
}

describe('a genesis block', () => {
  it('is the same wherever it is made from the same definition', () => {
    expect(genesisBlock(plainDefinition()).hash()).toEqual(genesisBlock(plainDefinition()).hash())
    expect(genesisBlock(plainDefinition()).hash()).not.toEqual(genesisBlock(plainDefinition({ channel: 'other' })).hash())
  })

  it('two channels of the same organisations have different transaction ids only by their content', () => {
    const [a, b] = [plainDefinition(), plainDefinition({ consortium: 'carriers' })].map(
      (definition) => genesisBlock(definition).envelope(0).txId,
    )
    expect(a).not.toBe(b)
  })

  it('takes time and nonce where they are given', () => {
    const nonce = new Uint8Array(24).fill(9)
    const envelope = genesisBlock(plainDefinition(), { timestamp: 1_700_000_000_900, nonce }).envelope(0)
    expect(envelope.channelHeader.timestamp).toEqual({ seconds: 1_700_000_000, nanos: 0 })
    expect(envelope.nonce).toEqual(nonce)
  })

  it('is number 0, without a previous hash, with five metadata slots, and points to itself as last config', () => {
    const block = genesisBlock(plainDefinition())
    expect(block.header).toMatchObject({ number: 0, previousHash: new Uint8Array(0) })
    expect(block.hasDataHash()).toBe(true)
    expect(block.metadata).toHaveLength(5)
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    expect(OrdererBlockMetadata.decode(value).lastConfig).toEqual({ index: 0 })
    expect(signatures).toEqual([])
  })

  it('loads', () => {
    expect(channelConfigFromBlock(genesisBlock(plainDefinition()), plainProvider).channel).toBe('trade')
  })

  it('every element is at version 0 and guarded by Admins, global orderer addresses by the administrators of the orderers', () => {
    const tree = root(plainDefinition({ ordererAddresses: ['a:1'] }))
    const elements = [tree, ...tree.groups.values(), ...tree.values.values(), ...tree.policies.values()]
    expect(new Set(elements.map(({ version }) => version))).toEqual(new Set([0]))
    expect(tree.values.get('OrdererAddresses')?.modPolicy).toBe('/Channel/Orderer/Admins')
    expect(elements.filter(({ modPolicy }) => modPolicy !== 'Admins')).toHaveLength(1)
  })

  it("has Fabric's default policies", () => {
    const meta = { Readers: 'ANY Readers', Writers: 'ANY Writers', Admins: 'MAJORITY Admins' }
    expect(policies(plainDefinition())).toEqual(meta)
    expect(policies(plainDefinition(), 'Orderer')).toEqual({ ...meta, BlockValidation: 'ANY Writers' })
    expect(policies(plainDefinition(), 'Application')).toEqual({
      ...meta,
      Endorsement: 'MAJORITY Endorsement',
      LifecycleEndorsement: 'MAJORITY Endorsement',
    })
    expect(policies(plainDefinition(), 'Orderer', 'Orderers')).toEqual({
      Readers: "OR('OrdererMSP.member')",
      Writers: "OR('OrdererMSP.member')",
      Admins: "OR('OrdererMSP.admin')",
    })
    expect(policies(plainDefinition(), 'Application', 'Org1')).toEqual({
      Readers: "OR('Org1MSP.admin', 'Org1MSP.peer', 'Org1MSP.client')",
      Writers: "OR('Org1MSP.admin', 'Org1MSP.client')",
      Admins: "OR('Org1MSP.admin')",
      Endorsement: "OR('Org1MSP.peer')",
    })
  })

  it('asks for members where an MSP does not tell roles apart', () => {
    const organizations = [{ name: 'Org1', mspConfig: plainMsp('Org1MSP', { nodeOUs: false }) }]
    expect(policies(plainDefinition({ application: { organizations } }), 'Application', 'Org1')).toEqual({
      Readers: "OR('Org1MSP.member')",
      Writers: "OR('Org1MSP.member')",
      Admins: "OR('Org1MSP.admin')",
      Endorsement: "OR('Org1MSP.member')",
    })
  })

  it('takes policies from text and from code, beside the defaults', () => {
    const built = signaturePolicy(anyOf(signedBy('Org2MSP', 'peer')))
    const { policies } = plainChannel({ policies: { Admins: 'ANY Admins', Auditors: built } })
    expect(policies.policy('/Channel/Auditors')!.evaluate([plainIdentity('Org2MSP', 'peer')])).toBe(true)
    expect(policies.policy('/Channel/Admins')!.evaluate([plainIdentity('Org1MSP', 'admin')])).toBe(false)
    expect(policies.policy('/Channel/Readers')!.evaluate([plainIdentity('Org1MSP', 'peer')])).toBe(true)
  })

  it('carries the metadata of its consensus', () => {
    const consenters = [{ host: 'o1', port: 7050, clientTlsCert: Uint8Array.of(1), serverTlsCert: Uint8Array.of(2) }]
    const metadata = etcdraftMetadata(consenters, { electionTick: 20 })
    const channel = plainChannel({ ordering: { ...plainDefinition().ordering, type: 'etcdraft', metadata } })
    expect(readEtcdraftMetadata(channel.ordering.consensusMetadata)).toEqual({
      consenters,
      options: { ...DEFAULT_RAFT_OPTIONS, electionTick: 20 },
    })
    expect(() => readEtcdraftMetadata(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'CHANNEL_MALFORMED' }))
    expect(plainChannel().ordering.consensusMetadata).toHaveLength(0)
  })

  it('keeps the brokers of a Kafka ordering service', () => {
    expect(
      plainChannel({ ordering: { ...plainDefinition().ordering, type: 'kafka', kafkaBrokers: ['k1:9092'] } }).kafkaBrokers,
    ).toEqual(['k1:9092'])
  })

  it.each<[string, Partial<ChannelDefinition>]>([
    ['CHANNEL_BAD_NAME', { channel: 'Trade' }],
    ['CHANNEL_BAD_NAME', { application: { organizations: [{ name: 'Org_1', mspConfig: plainMsp('A') }] } }],
    ['CHANNEL_BAD_NAME', { policies: { 'a/b': 'ANY Readers' } }],
    ['CHANNEL_BAD_POLICY', { policies: { Readers: "OR('A.king')" } }],
    ['CHANNEL_BAD_POLICY', { policies: { Readers: 'ANY of them' } }],
    ['CHANNEL_BAD_DEFINITION', { application: { organizations: [] } }],
    ['CHANNEL_BAD_DEFINITION', { ordering: { type: 'solo', organizations: [] } }],
    ['CHANNEL_BAD_DEFINITION', { application: { organizations: [{ name: 'A', mspConfig: Uint8Array.of(0xff) }] } }],
    [
      'CHANNEL_BAD_DEFINITION',
      {
        application: {
          organizations: [
            { name: 'A', mspConfig: plainMsp('A') },
            { name: 'A', mspConfig: plainMsp('A') },
          ],
        },
      },
    ],
  ])('is not made of a bad definition: %s', (code, changes) => {
    expect(() => genesisBlock(plainDefinition(changes))).toThrow(expect.objectContaining({ code }))
  })
})
