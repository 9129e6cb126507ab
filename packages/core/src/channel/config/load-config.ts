import type { Block } from '../../model/block.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { Config, ConfigEnvelope, type ConfigGroup } from '../../model/messages/configtx.ts'
import type { Capabilities } from '../../model/messages/configuration.ts'
import { ConsensusTypeState } from '../../model/messages/orderer-configuration.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { OrderingConfig } from '../../ports/ordering-service.ts'
import { ChannelError } from '../errors.ts'
import { policyManager } from '../policy/policy-manager.ts'
import { absoluteAcls } from './acls.ts'
import { type CapabilitySection, checkCapabilities } from './capabilities.ts'
import type { ChannelConfig } from './channel-config.ts'
import { channelGroupOf, configMap, ROOT } from './config-map.ts'
import { parseDuration } from './duration.ts'
import { APPLICATION_VALUES, CHANNEL_VALUES, demand, groupValues, ORDERER_VALUES, required } from './group-values.ts'
import { checkChannelName } from './names.ts'
import { applicationOrganization, MspDefinitions, ordererOrganization } from './organizations.ts'

/** Fabric's hash names for the HashingAlgorithm value; block hashes are SHA-256 whatever it says. */
const HASHING_ALGORITHMS: ReadonlySet<string> = new Set(['SHA256', 'SHA3_256'])
const BLOCK_WIDTH = 0xffffffff
const GROUPS: ReadonlySet<string> = new Set(['Orderer', 'Application'])

/**
 * Reads and checks a configuration.
 *
 * @throws ChannelError
 */
export function channelConfigFrom(channel: string, config: Config, provider: IdentityProvider): ChannelConfig {
  checkChannelName(channel)
  const root = channelGroupOf(config)
  // Refuses illegal names anywhere in the tree.
  configMap(root)
  const { sequence } = config
  if (typeof sequence !== 'number') throw new ChannelError('CHANNEL_MALFORMED', `config sequence ${sequence}`)
  const channelSection = readChannel(root)
  const msps = new MspDefinitions(provider)
  const orderer = readOrderer(section(root, 'Orderer'), sequence, msps)
  const application = readApplication(section(root, 'Application'), msps)
  const membership = msps.membership()
  const perOrganization = orderer.organizations.flatMap(({ endpoints }) => endpoints)
  if (channelSection.capabilities.has('V3_0')) checkAddressesOfV3(channelSection.addresses, orderer.organizations)
  return Object.freeze({
    channel,
    sequence,
    config,
    configBytes: Config.encode(config),
    membership,
    policies: policyManager(`/${ROOT}`, root, membership),
    ordering: orderer.ordering,
    ordererAddresses: [...new Set([...channelSection.addresses, ...perOrganization])],
    organizations: { application: application.organizations, orderer: orderer.organizations },
    capabilities: { channel: channelSection.capabilities, orderer: orderer.capabilities, application: application.capabilities },
    acls: application.acls,
    consortium: channelSection.consortium,
    consenters: orderer.consenters,
    kafkaBrokers: orderer.kafkaBrokers,
    maxChannels: orderer.maxChannels,
  })
}

/**
 * The configuration that a genesis or config block carries. Its signatures and the step from the configuration before are not
 * checked: see `validateConfigTransaction`.
 *
 * @throws ChannelError CHANNEL_NOT_A_CONFIG_BLOCK and as `channelConfigFrom`
 */
export function channelConfigFromBlock(block: Block, provider: IdentityProvider): ChannelConfig {
  const { channel, config } = readConfigBlock(block)
  return channelConfigFrom(channel, config, provider)
}

function readConfigBlock(block: Block): { channel: string; config: Config } {
  if (block.data.length !== 1) throw notAConfigBlock(block, `holds ${block.data.length} envelopes`)
  const envelope = block.envelope(0)
  try {
    if (envelope.type !== HeaderType.CONFIG) throw notAConfigBlock(block, `holds an envelope of type ${envelope.type}`)
    const { config } = ConfigEnvelope.decode(envelope.data)
    if (config === undefined) throw notAConfigBlock(block, 'holds an empty config envelope')
    return { channel: envelope.channelId, config }
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw notAConfigBlock(block, 'does not decode', cause)
  }
}

function notAConfigBlock(block: Block, reason: string, cause?: unknown): ChannelError {
  return new ChannelError('CHANNEL_NOT_A_CONFIG_BLOCK', `block ${block.number} ${reason}`, { block: block.number }, { cause })
}

function section(root: ConfigGroup, name: string): ConfigGroup {
  for (const group of root.groups.keys()) {
    if (!GROUPS.has(group))
      throw new ChannelError('CHANNEL_UNKNOWN_GROUP', `unknown group /${ROOT}/${group}`, { path: `/${ROOT}/${group}` })
  }
  const group = root.groups.get(name)
  if (group === undefined)
    throw new ChannelError('CHANNEL_MISSING_GROUP', `the channel configuration lacks the group /${ROOT}/${name}`, {
      path: `/${ROOT}/${name}`,
    })
  return group
}

function readChannel(root: ConfigGroup): { capabilities: ReadonlySet<string>; addresses: readonly string[]; consortium: string } {
  const values = groupValues(`/${ROOT}`, root, CHANNEL_VALUES)
  const hashing = required(values.HashingAlgorithm, `/${ROOT}/HashingAlgorithm`).name
  demand(HASHING_ALGORITHMS.has(hashing), `/${ROOT}/HashingAlgorithm`, `unknown algorithm '${hashing}'`)
  const { width } = required(values.BlockDataHashingStructure, `/${ROOT}/BlockDataHashingStructure`)
  demand(width === BLOCK_WIDTH, `/${ROOT}/BlockDataHashingStructure`, `width ${width}, must be ${BLOCK_WIDTH}`)
  return {
    capabilities: capabilitiesOf('channel', values.Capabilities),
    addresses: values.OrdererAddresses?.addresses ?? [],
    consortium: values.Consortium?.name ?? '',
  }
}

function checkAddressesOfV3(
  global: readonly string[],
  organizations: readonly { name: string; endpoints: readonly string[] }[],
): void {
  demand(global.length === 0, `/${ROOT}/OrdererAddresses`, 'global orderer addresses are not allowed with capability V3_0')
  for (const { name, endpoints } of organizations) {
    demand(
      endpoints.length > 0,
      `/${ROOT}/Orderer/${name}/Endpoints`,
      'capability V3_0 demands endpoints of each orderer organisation',
    )
  }
}

function readOrderer(group: ConfigGroup, sequence: number, msps: MspDefinitions) {
  const path = `/${ROOT}/Orderer`
  const values = groupValues(path, group, ORDERER_VALUES)
  const consensus = required(values.ConsensusType, `${path}/ConsensusType`)
  demand(consensus.type !== '', `${path}/ConsensusType`, 'the type is empty')
  const timeoutText = required(values.BatchTimeout, `${path}/BatchTimeout`).timeout
  const batchTimeout = parseDuration(timeoutText)
  demand(batchTimeout !== undefined && batchTimeout > 0, `${path}/BatchTimeout`, `'${timeoutText}' is no positive duration`)
  const ordering: OrderingConfig = Object.freeze({
    sequence,
    consensusType: consensus.type,
    consensusMetadata: consensus.metadata,
    maintenance: consensus.state === ConsensusTypeState.STATE_MAINTENANCE,
    batchSize: batchSizeOf(`${path}/BatchSize`, required(values.BatchSize, `${path}/BatchSize`)),
    batchTimeout,
  })
  return {
    ordering,
    capabilities: capabilitiesOf('orderer', values.Capabilities),
    organizations: byName(group).map(([name, each]) => ordererOrganization(`${path}/${name}`, name, each, msps)),
    consenters: values.Orderers?.consenterMapping ?? [],
    kafkaBrokers: values.KafkaBrokers?.brokers ?? [],
    maxChannels: Number(values.ChannelRestrictions?.maxCount ?? 0),
  }
}

function batchSizeOf(path: string, size: OrderingConfig['batchSize']): OrderingConfig['batchSize'] {
  const { maxMessageCount, absoluteMaxBytes, preferredMaxBytes } = size
  demand(maxMessageCount > 0, path, 'maxMessageCount is 0')
  demand(absoluteMaxBytes > 0, path, 'absoluteMaxBytes is 0')
  demand(preferredMaxBytes > 0, path, 'preferredMaxBytes is 0')
  demand(
    preferredMaxBytes <= absoluteMaxBytes,
    path,
    `preferredMaxBytes ${preferredMaxBytes} is above absoluteMaxBytes ${absoluteMaxBytes}`,
  )
  return { maxMessageCount, absoluteMaxBytes, preferredMaxBytes }
}

function readApplication(group: ConfigGroup, msps: MspDefinitions) {
  const path = `/${ROOT}/Application`
  const values = groupValues(path, group, APPLICATION_VALUES)
  return {
    capabilities: capabilitiesOf('application', values.Capabilities),
    organizations: byName(group).map(([name, each]) => applicationOrganization(`${path}/${name}`, name, each, msps)),
    acls: absoluteAcls(values.ACLs),
  }
}

function capabilitiesOf(section: CapabilitySection, value: Capabilities | undefined): ReadonlySet<string> {
  const names = new Set([...(value?.capabilities.keys() ?? [])].sort(compareUtf8))
  checkCapabilities(section, names)
  return names
}

function byName(group: ConfigGroup): [string, ConfigGroup][] {
  return [...group.groups].sort(([a], [b]) => compareUtf8(a, b))
}
