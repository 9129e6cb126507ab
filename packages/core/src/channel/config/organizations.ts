import { Buffer } from 'node:buffer'
import { HeddleError } from '../../model/errors.ts'
import type { ConfigGroup } from '../../model/messages/configtx.ts'
import { FabricMSPConfig, MSPConfig } from '../../model/messages/msp-config.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import { compareUtf8 } from '../../model/utf8.ts'
import type { IdentityProvider, Membership } from '../../ports/identity.ts'
import { ChannelError } from '../errors.ts'
import type { ApplicationOrganization, OrdererOrganization } from './channel-config.ts'
import { APPLICATION_ORGANIZATION_VALUES, groupValues, ORDERER_ORGANIZATION_VALUES, required } from './group-values.ts'

/** X.509 and Idemix: both definitions carry the identifier in their first field. */
const FABRIC_MSP_TYPES: ReadonlySet<number> = new Set([0, 1])

/** MSP definitions of a channel by identifier, each once although an organisation may appear in two sections. */
export class MspDefinitions {
  private readonly provider: IdentityProvider
  private readonly byId = new Map<string, Uint8Array>()

  constructor(provider: IdentityProvider) {
    this.provider = provider
  }

  /** Takes a definition and gives its identifier. Throws CHANNEL_MSP_CONFLICT, CHANNEL_BAD_MSP. */
  add(path: string, config: MSPConfig): string {
    const bytes = MSPConfig.encode(config)
    const id = this.identifier(path, config, bytes)
    const known = this.byId.get(id)
    if (known !== undefined && Buffer.compare(known, bytes) !== 0) {
      throw new ChannelError(
        'CHANNEL_MSP_CONFLICT',
        `${path} defines ${id} in another way than another organisation of the channel`,
        { path, mspId: id },
      )
    }
    this.byId.set(id, bytes)
    return id
  }

  membership(): Membership {
    return this.create([...this.byId].sort(([a], [b]) => compareUtf8(a, b)).map(([, bytes]) => bytes))
  }

  private identifier(path: string, config: MSPConfig, bytes: Uint8Array): string {
    const id = FABRIC_MSP_TYPES.has(config.type) ? nameOf(path, config.config) : this.create([bytes]).mspIds[0]
    if (id === undefined || id === '') throw new ChannelError('CHANNEL_BAD_MSP', `${path} has no MSP identifier`, { path })
    return id
  }

  private create(configs: readonly Uint8Array[]): Membership {
    try {
      return this.provider.createMembership(configs)
    } catch (cause) {
      if (!(cause instanceof HeddleError)) throw cause
      throw new ChannelError('CHANNEL_BAD_MSP', `the MSP definitions of the channel are refused: ${cause.message}`, cause.data, {
        cause,
      })
    }
  }
}

function nameOf(path: string, bytes: Uint8Array): string {
  try {
    return FabricMSPConfig.decode(bytes).name
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    throw new ChannelError('CHANNEL_BAD_MSP', `${path} does not decode: ${cause.message}`, { path }, { cause })
  }
}

export function applicationOrganization(
  path: string,
  name: string,
  group: ConfigGroup,
  msps: MspDefinitions,
): ApplicationOrganization {
  noGroups(path, group)
  const values = groupValues(path, group, APPLICATION_ORGANIZATION_VALUES)
  const mspId = msps.add(`${path}/MSP`, required(values.MSP, `${path}/MSP`))
  return { name, mspId, anchorPeers: (values.AnchorPeers?.anchorPeers ?? []).map(({ host, port }) => ({ host, port })) }
}

export function ordererOrganization(path: string, name: string, group: ConfigGroup, msps: MspDefinitions): OrdererOrganization {
  noGroups(path, group)
  const values = groupValues(path, group, ORDERER_ORGANIZATION_VALUES)
  const mspId = msps.add(`${path}/MSP`, required(values.MSP, `${path}/MSP`))
  return { name, mspId, endpoints: values.Endpoints?.addresses ?? [] }
}

function noGroups(path: string, group: ConfigGroup): void {
  if (group.groups.size > 0) throw new ChannelError('CHANNEL_UNKNOWN_GROUP', `organisation ${path} has groups inside`, { path })
}
