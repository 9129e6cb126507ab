import type { Config } from '../../model/messages/configtx.ts'
import type { Consenter } from '../../model/messages/configuration.ts'
import type { Membership } from '../../ports/identity.ts'
import type { OrderingConfig } from '../../ports/ordering-service.ts'
import type { PolicyManager } from '../policy/policy.ts'

export interface AnchorPeerAddress {
  readonly host: string
  readonly port: number
}

export interface ApplicationOrganization {
  /** Name of its group in the config tree. */
  readonly name: string
  readonly mspId: string
  readonly anchorPeers: readonly AnchorPeerAddress[]
}

export interface OrdererOrganization {
  /** Name of its group in the config tree. */
  readonly name: string
  readonly mspId: string
  /** `host:port` of its ordering nodes. */
  readonly endpoints: readonly string[]
}

/** One configuration of a channel: checked, decoded once, immutable. A config block makes a new one. */
export interface ChannelConfig {
  readonly channel: string
  readonly sequence: number
  readonly config: Config
  /** `config` in its deterministic encoding. */
  readonly configBytes: Uint8Array
  readonly membership: Membership
  readonly policies: PolicyManager
  readonly ordering: OrderingConfig
  /** Global addresses and, after them, the endpoints of the organisations, each once. */
  readonly ordererAddresses: readonly string[]
  readonly organizations: {
    readonly application: readonly ApplicationOrganization[]
    readonly orderer: readonly OrdererOrganization[]
  }
  readonly capabilities: {
    readonly channel: ReadonlySet<string>
    readonly orderer: ReadonlySet<string>
    readonly application: ReadonlySet<string>
  }
  /** Policy path by resource (`peer/Propose`), only where the channel overrides the default: see `policyForResource`. */
  readonly acls: ReadonlyMap<string, string>
  /** Consortium under which the channel was created; empty when none was named. */
  readonly consortium: string
  /** Consenters of a byzantine ordering service. */
  readonly consenters: readonly Consenter[]
  readonly kafkaBrokers: readonly string[]
  /** 0 means no limit. */
  readonly maxChannels: number
}
