import type { Consenter } from '../../model/messages/configuration.ts'
import type { SignaturePolicyEnvelope } from '../../model/messages/policies.ts'

/**
 * A policy of the channel configuration: `OR('Org1MSP.admin')`, `MAJORITY Admins`, or a signature policy that was built in code.
 */
export type PolicyDefinition = string | SignaturePolicyEnvelope

export type PolicyDefinitions = Readonly<Record<string, PolicyDefinition>>

export interface OrganizationDefinition {
  /** Name of the organisation in the configuration: letters, digits, dots, dashes. */
  readonly name: string
  /** Serialized msp.MSPConfig, verifying parts only. */
  readonly mspConfig: Uint8Array
  /** Default: from an X.509 `mspConfig`; else the name. */
  readonly mspId?: string
  /** In place of, or beside, the defaults: see `organizationPolicies`. */
  readonly policies?: PolicyDefinitions
}

export interface ApplicationOrganizationDefinition extends OrganizationDefinition {
  readonly anchorPeers?: readonly { readonly host: string; readonly port: number }[]
}

export interface OrdererOrganizationDefinition extends OrganizationDefinition {
  /** `host:port` of its ordering nodes. */
  readonly endpoints?: readonly string[]
}

export interface OrderingDefinition {
  /** Consensus type as the ordering plugin names it on the ledger: `solo`, `kafka`, `etcdraft`, ... */
  readonly type: string
  /** Metadata of the consensus type, in the plugin's own format: see `etcdraftMetadata`. Default: empty. */
  readonly metadata?: Uint8Array
  readonly batchSize?: Partial<BatchLimits>
  /** Milliseconds. Default 2,000, as Fabric. */
  readonly batchTimeout?: number
  /** Most channels of the ordering service; 0, the default, is no limit. */
  readonly maxChannels?: number
  /** Kept on the ledger as Fabric 1.4 did. */
  readonly kafkaBrokers?: readonly string[]
  /** Consenters of a byzantine ordering service. */
  readonly consenters?: readonly Consenter[]
  readonly organizations: readonly OrdererOrganizationDefinition[]
  readonly policies?: PolicyDefinitions
}

export interface BatchLimits {
  /** Default 500. */
  readonly maxMessageCount: number
  /** Default 10 MiB. */
  readonly absoluteMaxBytes: number
  /** Default 2 MiB. */
  readonly preferredMaxBytes: number
}

export interface ApplicationDefinition {
  readonly organizations: readonly ApplicationOrganizationDefinition[]
  readonly policies?: PolicyDefinitions
  /** Policy by resource: `{ 'peer/Propose': '/Channel/Application/Writers' }`. */
  readonly acls?: Readonly<Record<string, string>>
}

/** A channel to be created. */
export interface ChannelDefinition {
  /** Lower-case letters, digits, dots, dashes; a letter first. */
  readonly channel: string
  /** Name of the set of organisations that the channel is made of; kept on the ledger. */
  readonly consortium?: string
  /** Defaults: channel V2_0, orderer V2_0, application V2_5. */
  readonly capabilities?: {
    readonly channel?: readonly string[]
    readonly orderer?: readonly string[]
    readonly application?: readonly string[]
  }
  readonly ordering: OrderingDefinition
  readonly application: ApplicationDefinition
  /** Global addresses of ordering nodes; capability V3_0 forbids them in favour of `endpoints`. */
  readonly ordererAddresses?: readonly string[]
  readonly policies?: PolicyDefinitions
}

/** Fabric's defaults (sampleconfig/configtx.yaml). */
export const DEFAULT_BATCH_SIZE: BatchLimits = Object.freeze({
  maxMessageCount: 500,
  absoluteMaxBytes: 10 * 1024 * 1024,
  preferredMaxBytes: 2 * 1024 * 1024,
})
export const DEFAULT_BATCH_TIMEOUT = 2_000
export const DEFAULT_CAPABILITIES = Object.freeze({
  channel: Object.freeze(['V2_0']),
  orderer: Object.freeze(['V2_0']),
  application: Object.freeze(['V2_5']),
})
