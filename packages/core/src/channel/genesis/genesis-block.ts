import { Block } from '../../model/block.ts'
import {
  BlockMetadataIndex,
  ChannelHeader,
  Envelope,
  HeaderType,
  LastConfig,
  Metadata,
  OrdererBlockMetadata,
  Payload,
  SignatureHeader,
} from '../../model/messages/common.ts'
import { Config, ConfigEnvelope, type ConfigGroup } from '../../model/messages/configtx.ts'
import {
  BlockDataHashingStructure,
  Capabilities,
  Consortium,
  HashingAlgorithm,
  OrdererAddresses,
  Orderers,
} from '../../model/messages/configuration.ts'
import {
  BatchSize,
  BatchTimeout,
  ChannelRestrictions,
  ConsensusType,
  KafkaBrokers,
} from '../../model/messages/orderer-configuration.ts'
import { ACLs } from '../../model/messages/peer-configuration.ts'
import { sha256 } from '../../model/sha256.ts'
import { transactionId } from '../../model/transaction-id.ts'
import { formatDuration } from '../config/duration.ts'
import { checkChannelName } from '../config/names.ts'
import { ChannelError } from '../errors.ts'
import { APPLICATION_POLICIES, CHANNEL_POLICIES, ORDERER_POLICIES } from './default-policies.ts'
import {
  type ApplicationDefinition,
  type ChannelDefinition,
  DEFAULT_BATCH_SIZE,
  DEFAULT_BATCH_TIMEOUT,
  DEFAULT_CAPABILITIES,
  type OrderingDefinition,
} from './definition.ts'
import { addGroup, addPolicies, addValue, newGroup, ORDERER_ADMINS } from './group-builder.ts'
import { applicationOrganizationGroup, ordererOrganizationGroup } from './organization-group.ts'

/** Version that Fabric's generator writes into the channel header of a genesis block. */
const HEADER_VERSION = 1
const NONCE_LENGTH = 24
const NONE = new Uint8Array(0)

/** What makes two genesis blocks of the same definition differ. */
export interface GenesisOptions {
  /** Milliseconds since 1970; seconds are kept. Default 0. */
  readonly timestamp?: number
  /** 24 bytes. Default: from the hash of the configuration. */
  readonly nonce?: Uint8Array
}

/**
 * Block 0 of a new channel, in the form of Fabric's configtxgen. Without options it is a pure function of the definition, so that
 * every node of a network can make it by itself.
 *
 * That the configuration is a good one is not checked here: `channelConfigFromBlock` does.
 *
 * @throws ChannelError CHANNEL_BAD_NAME, CHANNEL_BAD_POLICY, CHANNEL_BAD_DEFINITION
 */
export function genesisBlock(definition: ChannelDefinition, { timestamp = 0, nonce }: GenesisOptions = {}): Block {
  const config = genesisConfig(definition)
  const unique = nonce ?? sha256(Config.encode(config)).subarray(0, NONCE_LENGTH)
  const payload = Payload.encode({
    header: {
      channelHeader: ChannelHeader.encode({
        type: HeaderType.CONFIG,
        version: HEADER_VERSION,
        timestamp: { seconds: Math.floor(timestamp / 1000), nanos: 0 },
        channelId: definition.channel,
        txId: transactionId(unique, NONE),
      }),
      signatureHeader: SignatureHeader.encode({ nonce: unique }),
    },
    data: ConfigEnvelope.encode({ config }),
  })
  return Block.create(0, NONE, [Envelope.encode({ payload })]).withMetadata({
    [BlockMetadataIndex.SIGNATURES]: Metadata.encode({ value: OrdererBlockMetadata.encode({ lastConfig: { index: 0 } }) }),
    [BlockMetadataIndex.LAST_CONFIG]: Metadata.encode({ value: LastConfig.encode({ index: 0 }) }),
  })
}

/** The config tree of a new channel. Throws as {@link genesisBlock}. */
export function genesisConfig(definition: ChannelDefinition): Config {
  checkChannelName(definition.channel)
  const { capabilities = {}, ordererAddresses = [], consortium = '' } = definition
  const root = newGroup()
  addPolicies('/Channel', root, { ...CHANNEL_POLICIES, ...definition.policies })
  addValue(root, 'HashingAlgorithm', HashingAlgorithm, { name: 'SHA256' })
  addValue(root, 'BlockDataHashingStructure', BlockDataHashingStructure, { width: 0xffffffff })
  if (ordererAddresses.length > 0)
    addValue(root, 'OrdererAddresses', OrdererAddresses, { addresses: ordererAddresses }, ORDERER_ADMINS)
  if (consortium !== '') addValue(root, 'Consortium', Consortium, { name: consortium })
  addCapabilities(root, capabilities.channel ?? DEFAULT_CAPABILITIES.channel)
  root.groups.set('Orderer', ordererGroup(definition.ordering, capabilities.orderer ?? DEFAULT_CAPABILITIES.orderer))
  root.groups.set(
    'Application',
    applicationGroup(definition.application, capabilities.application ?? DEFAULT_CAPABILITIES.application),
  )
  return { sequence: 0, channelGroup: root }
}

function ordererGroup(ordering: OrderingDefinition, capabilities: readonly string[]): ConfigGroup {
  const path = '/Channel/Orderer'
  const { organizations, type, metadata = NONE, kafkaBrokers = [], consenters = [] } = ordering
  if (organizations.length === 0) throw new ChannelError('CHANNEL_BAD_DEFINITION', 'the ordering service has no organisation')
  const group = newGroup()
  addPolicies(path, group, { ...ORDERER_POLICIES, ...ordering.policies })
  addValue(group, 'BatchSize', BatchSize, { ...DEFAULT_BATCH_SIZE, ...ordering.batchSize })
  addValue(group, 'BatchTimeout', BatchTimeout, { timeout: formatDuration(ordering.batchTimeout ?? DEFAULT_BATCH_TIMEOUT) })
  addValue(group, 'ChannelRestrictions', ChannelRestrictions, { maxCount: ordering.maxChannels ?? 0 })
  addCapabilities(group, capabilities)
  if (kafkaBrokers.length > 0) addValue(group, 'KafkaBrokers', KafkaBrokers, { brokers: kafkaBrokers })
  if (consenters.length > 0) addValue(group, 'Orderers', Orderers, { consenterMapping: consenters })
  addValue(group, 'ConsensusType', ConsensusType, { type, metadata })
  for (const each of organizations) addGroup(path, group, each.name, ordererOrganizationGroup(`${path}/${each.name}`, each))
  return group
}

function applicationGroup(application: ApplicationDefinition, capabilities: readonly string[]): ConfigGroup {
  const path = '/Channel/Application'
  const { organizations, policies, acls = {} } = application
  if (organizations.length === 0) throw new ChannelError('CHANNEL_BAD_DEFINITION', 'the channel has no organisation with peers')
  const group = newGroup()
  addPolicies(path, group, { ...APPLICATION_POLICIES, ...policies })
  const entries = Object.entries(acls).map(([resource, policyRef]) => [resource, { policyRef }] as const)
  if (entries.length > 0) addValue(group, 'ACLs', ACLs, { acls: new Map(entries) })
  addCapabilities(group, capabilities)
  for (const each of organizations) addGroup(path, group, each.name, applicationOrganizationGroup(`${path}/${each.name}`, each))
  return group
}

function addCapabilities(group: ConfigGroup, names: readonly string[]): void {
  if (names.length > 0) addValue(group, 'Capabilities', Capabilities, { capabilities: new Map(names.map((name) => [name, {}])) })
}
