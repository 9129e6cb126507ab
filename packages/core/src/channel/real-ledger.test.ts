import { describe, expect, it } from 'vitest'
import { EnvelopeView } from '../model/envelope-view.ts'
import { BlockMetadataIndex, Envelope, Metadata, SignatureHeader } from '../model/messages/common.ts'
import type { ConfigGroup } from '../model/messages/configtx.ts'
import { Config, ConfigEnvelope, ConfigUpdate, ConfigUpdateEnvelope } from '../model/messages/configtx.ts'
import { ImplicitMetaPolicy, PolicyType, SignaturePolicyEnvelope } from '../model/messages/policies.ts'
import { channelConfigFromBlock } from './config/load-config.ts'
import { readEtcdraftMetadata } from './genesis/consensus-metadata.ts'
import type { ChannelDefinition, PolicyDefinition } from './genesis/definition.ts'
import { genesisBlock } from './genesis/genesis-block.ts'
import { implicitMetaPolicyToString } from './policy/implicit-meta.ts'
import { evaluateSigned } from './policy/signed-data.ts'
import { realBlock, realConfigBlocks, realProvider } from './real-ledger.fixture.ts'
import { computeConfigUpdate } from './update/compute-update.ts'
import { updateInside, validateConfigTransaction } from './update/config-transaction.ts'

const provider = realProvider()
const blocks = realConfigBlocks()
const genesis = channelConfigFromBlock(realBlock(0), provider)

function storedConfig(number: number): Config {
  return ConfigEnvelope.decode(realBlock(number).envelope(0).data).config!
}

function policiesOf(group: ConfigGroup): Record<string, PolicyDefinition> {
  return Object.fromEntries(
    [...group.policies].map(([name, { policy }]) => [
      name,
      policy!.type === PolicyType.SIGNATURE
        ? SignaturePolicyEnvelope.decode(policy!.value)
        : implicitMetaPolicyToString(ImplicitMetaPolicy.decode(policy!.value)),
    ]),
  )
}

/** What somebody would have written to get this ledger's genesis block. */
function definitionOfGenesis(): ChannelDefinition {
  const root = genesis.config.channelGroup!
  const [orderer, application] = [root.groups.get('Orderer')!, root.groups.get('Application')!]
  const mspOf = (group: ConfigGroup) => group.values.get('MSP')!.value
  const { consensusType, consensusMetadata, batchSize, batchTimeout } = genesis.ordering
  return {
    channel: genesis.channel,
    capabilities: { channel: ['V3_0'], orderer: ['V2_0'], application: ['V2_5'] },
    policies: policiesOf(root),
    ordering: {
      type: consensusType,
      metadata: consensusMetadata,
      batchSize,
      batchTimeout,
      policies: policiesOf(orderer),
      organizations: genesis.organizations.orderer.map(({ name, endpoints }) => {
        const group = orderer.groups.get(name)!
        return { name, endpoints, mspConfig: mspOf(group), policies: policiesOf(group) }
      }),
    },
    application: {
      policies: policiesOf(application),
      organizations: genesis.organizations.application.map(({ name, anchorPeers }) => {
        const group = application.groups.get(name)!
        return { name, anchorPeers, mspConfig: mspOf(group), policies: policiesOf(group) }
      }),
    },
  }
}

describe('a ledger of a real Hyperledger Fabric network', () => {
  it('loads from its genesis block', () => {
    expect(genesis).toMatchObject({
      channel: 'ch1',
      sequence: 0,
      ordering: { consensusType: 'etcdraft', maintenance: false, batchTimeout: 300, batchSize: { maxMessageCount: 25 } },
      ordererAddresses: ['127.0.0.1:27050'],
      organizations: {
        application: [
          { name: 'Org1MSP', mspId: 'Org1MSP' },
          { name: 'Org2MSP', mspId: 'Org2MSP' },
        ],
        orderer: [{ name: 'OrdererOrg', mspId: 'OrdererMSP', endpoints: ['127.0.0.1:27050'] }],
      },
      capabilities: { channel: new Set(['V3_0']), orderer: new Set(['V2_0']), application: new Set(['V2_5']) },
    })
    const metadata = readEtcdraftMetadata(genesis.ordering.consensusMetadata)
    expect(metadata.consenters.map(({ host, port }) => [host, port])).toEqual([['127.0.0.1', 27050]])
  })

  it('its two config updates, applied again, give exactly the stored configurations', async () => {
    expect(blocks.map(({ number }) => number)).toEqual([0, 39, 40])
    const first = await validateConfigTransaction(genesis, realBlock(39).envelope(0), provider)
    expect(first.configBytes).toEqual(Config.encode(storedConfig(39)))
    expect(first.ordering.batchSize.maxMessageCount).toBe(40)
    const second = await validateConfigTransaction(first, realBlock(40).envelope(0), provider)
    expect(second.configBytes).toEqual(Config.encode(storedConfig(40)))
    expect(second.sequence).toBe(2)
  })

  it('its config updates are what computing them from before and after gives', () => {
    for (const [before, after] of [
      [0, 39],
      [39, 40],
    ] as const) {
      const inside = ConfigUpdateEnvelope.decode(new EnvelopeView(updateInside(realBlock(after).envelope(0))).data)
      const computed = computeConfigUpdate('ch1', storedConfig(before), storedConfig(after))
      expect(computed).toEqual(ConfigUpdate.decode(inside.configUpdate))
    }
  })

  it('a config transaction cannot be replayed, nor applied out of turn', async () => {
    await expect(validateConfigTransaction(genesis, realBlock(40).envelope(0), provider)).rejects.toMatchObject({
      code: 'CONFIG_TRANSACTION_SEQUENCE',
    })
    const first = await validateConfigTransaction(genesis, realBlock(39).envelope(0), provider)
    await expect(validateConfigTransaction(first, realBlock(39).envelope(0), provider)).rejects.toMatchObject({
      code: 'CONFIG_TRANSACTION_SEQUENCE',
    })
  })

  it('the genesis block of the same definition is the same, but for the order of map entries', () => {
    const original = realBlock(0)
    const { timestamp, txId } = original.envelope(0).channelHeader
    const block = genesisBlock(definitionOfGenesis(), {
      timestamp: Number(timestamp!.seconds) * 1000,
      nonce: original.envelope(0).nonce,
    })
    const envelope = block.envelope(0)
    expect(envelope.channelHeader).toEqual(original.envelope(0).channelHeader)
    expect(envelope.txId).toBe(txId)
    expect(envelope.signatureHeader).toEqual(original.envelope(0).signatureHeader)
    expect(ConfigEnvelope.decode(envelope.data)).toEqual(ConfigEnvelope.decode(original.envelope(0).data))
    expect(Envelope.decode(envelope.bytes).signature).toHaveLength(0)
    for (const slot of [BlockMetadataIndex.SIGNATURES, BlockMetadataIndex.LAST_CONFIG]) {
      expect(block.metadataAt(slot)).toEqual(original.metadataAt(slot))
    }
    expect(block.metadata).toHaveLength(original.metadata.length)
  })

  it('its blocks satisfy the BlockValidation policy, and one with a changed header does not', async () => {
    const policy = genesis.policies.policy('/Channel/Orderer/BlockValidation')!
    const block = realBlock(9)
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    const signed = (header: Uint8Array) =>
      signatures.map(({ signatureHeader, signature }) => ({
        data: Buffer.concat([value, signatureHeader, header]),
        identity: SignatureHeader.decode(signatureHeader).creator,
        signature,
      }))
    expect(await evaluateSigned(policy, genesis.membership, provider, signed(block.headerBytes()))).toBe(true)
    expect(await evaluateSigned(policy, genesis.membership, provider, signed(realBlock(10).headerBytes()))).toBe(false)
  })

  it('its transactions come from members that may write', () => {
    const creator = genesis.membership.identity(realBlock(9).envelope(0).creator)
    expect(genesis.policies.policy('/Channel/Application/Writers')!.evaluate([creator])).toBe(true)
    expect(genesis.policies.policy('/Channel/Orderer/Writers')!.evaluate([creator])).toBe(false)
  })
})
