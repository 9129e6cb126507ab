import type { ChannelConfig } from '../channel/config/channel-config.ts'
import { checkAccess } from '../flow/endorse/access-control.ts'
import { HeddleError } from '../model/errors.ts'
import type { ChannelMember } from '../ports/dissemination.ts'
import { NodeError } from './errors.ts'

/** What somebody needs who is given the blocks of a channel. */
const RESOURCE = 'event/Block'

/**
 * Whose serialized identity this is, if they belong to an organisation of the channel and may read its blocks now.
 *
 * @param now milliseconds since 1970: expiry counts
 * @throws NodeError NODE_NOT_A_MEMBER
 */
export function channelMember(serialized: Uint8Array, config: ChannelConfig, now: number): ChannelMember {
  try {
    const identity = config.membership.identity(serialized)
    const { mspId, id, expiresAt } = identity
    if (expiresAt <= now) throw notMember(config, 'its certificate has expired', { mspId })
    if (!config.organizations.application.some((organization) => organization.mspId === mspId))
      throw notMember(config, `${mspId} keeps no ledger of it`, { mspId })
    checkAccess(RESOURCE, config, identity)
    return { mspId, id, expiresAt }
  } catch (cause) {
    if (!(cause instanceof HeddleError) || cause instanceof NodeError) throw cause
    throw notMember(config, cause.message, { reason: cause.code }, cause)
  }
}

function notMember({ channel }: ChannelConfig, why: string, data: object, cause?: Error): NodeError {
  return new NodeError('NODE_NOT_A_MEMBER', `no member of channel ${channel}: ${why}`, { channel, ...data }, { cause })
}
