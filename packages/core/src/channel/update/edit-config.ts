import { Config, type ConfigGroup, type ConfigValue } from '../../model/messages/configtx.ts'
import { Capabilities, OrdererAddresses } from '../../model/messages/configuration.ts'
import { FabricMSPConfig, MSPConfig } from '../../model/messages/msp-config.ts'
import { BatchSize, BatchTimeout, ConsensusType, ConsensusTypeState } from '../../model/messages/orderer-configuration.ts'
import { ACLs, AnchorPeers } from '../../model/messages/peer-configuration.ts'
import type { MessageType } from '../../model/protobuf/message.ts'
import { channelGroupOf } from '../config/config-map.ts'
import { formatDuration } from '../config/duration.ts'
import { ChannelError } from '../errors.ts'
import type {
  ApplicationOrganizationDefinition,
  BatchLimits,
  OrdererOrganizationDefinition,
  PolicyDefinition,
} from '../genesis/definition.ts'
import { ADMINS, addGroup, policyMessage } from '../genesis/group-builder.ts'
import { applicationOrganizationGroup, ordererOrganizationGroup } from '../genesis/organization-group.ts'

// Each of these takes a configuration and gives a changed copy, for `computeConfigUpdate`. Whether the result is a good configuration
// is seen when the update is applied.

/** A copy that `change` may write into. */
export function editConfig(config: Config, change: (root: ConfigGroup) => void): Config {
  const copy = Config.decode(Config.encode(config))
  change(channelGroupOf(copy))
  return copy
}

/** Lets an organisation with peers into the channel. */
export function addOrganization(config: Config, organization: ApplicationOrganizationDefinition): Config {
  const path = '/Channel/Application'
  return editConfig(config, (root) =>
    addGroup(
      path,
      groupAt(root, path),
      organization.name,
      applicationOrganizationGroup(`${path}/${organization.name}`, organization),
    ),
  )
}

/** Lets an organisation with ordering nodes into the channel. */
export function addOrdererOrganization(config: Config, organization: OrdererOrganizationDefinition): Config {
  const path = '/Channel/Orderer'
  return editConfig(config, (root) =>
    addGroup(
      path,
      groupAt(root, path),
      organization.name,
      ordererOrganizationGroup(`${path}/${organization.name}`, organization),
    ),
  )
}

/** Takes an organisation out of a section of the channel. */
export function removeOrganization(config: Config, section: 'application' | 'orderer', name: string): Config {
  const path = section === 'application' ? '/Channel/Application' : '/Channel/Orderer'
  return editConfig(config, (root) => {
    if (!groupAt(root, path).groups.delete(name)) throw notThere(`${path}/${name}`)
  })
}

/** Changes some of the batch limits. */
export function setBatchSize(config: Config, limits: Partial<BatchLimits>): Config {
  return editConfig(config, (root) =>
    change(groupAt(root, '/Channel/Orderer'), 'BatchSize', BatchSize, (now) => ({ ...now, ...limits })),
  )
}

/** Milliseconds. */
export function setBatchTimeout(config: Config, timeout: number): Config {
  return editConfig(config, (root) =>
    change(groupAt(root, '/Channel/Orderer'), 'BatchTimeout', BatchTimeout, () => ({ timeout: formatDuration(timeout) })),
  )
}

/** Replaces the anchor peers of an organisation. */
export function setAnchorPeers(
  config: Config,
  organization: string,
  anchorPeers: readonly { readonly host: string; readonly port: number }[],
): Config {
  return editConfig(config, (root) =>
    change(groupAt(root, `/Channel/Application/${organization}`), 'AnchorPeers', AnchorPeers, () => ({
      anchorPeers: [...anchorPeers],
    })),
  )
}

/** Replaces the endpoints of an organisation's ordering nodes. */
export function setEndpoints(config: Config, organization: string, endpoints: readonly string[]): Config {
  return editConfig(config, (root) =>
    change(groupAt(root, `/Channel/Orderer/${organization}`), 'Endpoints', OrdererAddresses, () => ({
      addresses: [...endpoints],
    })),
  )
}

/**
 * Revokes certificates: adds a revocation list (X.509 CRL, PEM) to an MSP, in each section where its organisation appears. The
 * certificates count as revoked from the config block that carries the update.
 *
 * @throws ChannelError CHANNEL_BAD_DEFINITION when no organisation has this MSP
 */
export function revokeCertificates(config: Config, mspId: string, revocationList: Uint8Array): Config {
  return editMsp(config, mspId, (msp) => ({ ...msp, revocationList: [...msp.revocationList, revocationList] }))
}

/**
 * Changes the X.509 definition of an MSP in each section where its organisation appears. Throws CHANNEL_BAD_DEFINITION
 * when it appears in none.
 */
export function editMsp(config: Config, mspId: string, edit: (msp: FabricMSPConfig) => FabricMSPConfig): Config {
  return editConfig(config, (root) => {
    let found = false
    for (const section of ['/Channel/Application', '/Channel/Orderer']) {
      for (const organization of groupAt(root, section).groups.values()) found = editMspOf(organization, mspId, edit) || found
    }
    if (!found) throw notThere(`an organisation of ${mspId}`)
  })
}

function editMspOf(organization: ConfigGroup, mspId: string, edit: (msp: FabricMSPConfig) => FabricMSPConfig): boolean {
  const value = organization.values.get('MSP')
  if (value === undefined) return false
  const { type, config } = MSPConfig.decode(value.value)
  if (type !== 0) return false
  const msp = FabricMSPConfig.decode(config)
  if (msp.name !== mspId) return false
  organization.values.set('MSP', { ...value, value: MSPConfig.encode({ type, config: FabricMSPConfig.encode(edit(msp)) }) })
  return true
}

/** Sets the policy at a path such as `/Channel/Application/Writers`; a new one is guarded by Admins. */
export function setPolicy(config: Config, path: string, definition: PolicyDefinition): Config {
  const cut = path.lastIndexOf('/')
  return editConfig(config, (root) => {
    const { policies } = groupAt(root, path.slice(0, cut))
    const name = path.slice(cut + 1)
    policies.set(name, { version: 0, modPolicy: ADMINS, ...policies.get(name), policy: policyMessage(path, definition) })
  })
}

/** Replaces the policies of resources: `{ 'peer/Propose': '/Channel/Application/Writers' }`. */
export function setAcls(config: Config, acls: Readonly<Record<string, string>>): Config {
  const entries = Object.entries(acls).map(([resource, policyRef]) => [resource, { policyRef }] as const)
  return editConfig(config, (root) =>
    change(groupAt(root, '/Channel/Application'), 'ACLs', ACLs, () => ({ acls: new Map(entries) })),
  )
}

/** Replaces the capabilities of a section. */
export function setCapabilities(
  config: Config,
  section: 'channel' | 'orderer' | 'application',
  names: readonly string[],
): Config {
  const path = { channel: '/Channel', orderer: '/Channel/Orderer', application: '/Channel/Application' }[section]
  const capabilities = new Map(names.map((name) => [name, {}]))
  return editConfig(config, (root) => change(groupAt(root, path), 'Capabilities', Capabilities, () => ({ capabilities })))
}

/** Replaces the metadata of the consensus, in the ordering plugin's own format. */
export function setConsensusMetadata(config: Config, metadata: Uint8Array): Config {
  return editConsensus(config, (now) => ({ ...now, metadata }))
}

/** Moves the channel to another consensus. Only in maintenance mode. */
export function setConsensusType(config: Config, type: string, metadata: Uint8Array): Config {
  return editConsensus(config, (now) => ({ ...now, type, metadata }))
}

/** Enters or leaves maintenance mode, in which only config updates by orderer administrators are ordered. */
export function setMaintenance(config: Config, on: boolean): Config {
  const state = on ? ConsensusTypeState.STATE_MAINTENANCE : ConsensusTypeState.STATE_NORMAL
  return editConsensus(config, (now) => ({ ...now, state }))
}

function editConsensus(config: Config, edit: (now: ConsensusType) => ConsensusType): Config {
  return editConfig(config, (root) => change(groupAt(root, '/Channel/Orderer'), 'ConsensusType', ConsensusType, edit))
}

function change<T>(group: ConfigGroup, name: string, type: MessageType<T>, edit: (now: T) => T): void {
  const now: ConfigValue = group.values.get(name) ?? { version: 0, value: new Uint8Array(0), modPolicy: ADMINS }
  group.values.set(name, { ...now, value: type.encode(edit(type.decode(now.value)) as never) })
}

/** The group at a path such as `/Channel/Application`. Throws CHANNEL_BAD_DEFINITION. */
function groupAt(root: ConfigGroup, path: string): ConfigGroup {
  const [, first, ...names] = path.split('/')
  let group: ConfigGroup | undefined = first === 'Channel' ? root : undefined
  for (const name of names) group = group?.groups.get(name)
  if (group === undefined) throw notThere(path)
  return group
}

function notThere(path: string): ChannelError {
  return new ChannelError('CHANNEL_BAD_DEFINITION', `the configuration has no ${path}`, { path })
}
