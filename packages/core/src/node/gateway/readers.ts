import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { checkAccess } from '../../flow/endorse/access-control.ts'
import { EndorserError } from '../../flow/endorse/errors.ts'
import type { PeerChannel } from '../peer-channel.ts'

/** What a client may read of a channel, under the name that access rules know it by. */
export type Readable = 'event/Block' | 'gateway/ChaincodeEvents' | 'gateway/CommitStatus'

/**
 * Who may read a channel, as Fabric's gateway decides it: a valid member of the channel whom its access rules admit. In process
 * nothing proves that the certificate is the caller's own: whoever runs in this process can read the nodes' memory anyway.
 */
export class Readers {
  /** The configuration under which each was last admitted. */
  private readonly admitted: Readonly<Record<Readable, WeakMap<Uint8Array, ChannelConfig>>> = {
    'event/Block': new WeakMap(),
    'gateway/ChaincodeEvents': new WeakMap(),
    'gateway/CommitStatus': new WeakMap(),
  }

  /** @throws IdentityError, EndorserError */
  check(resource: Readable, peer: PeerChannel, identity: Uint8Array): void {
    const { config } = peer
    const admitted = this.admitted[resource]
    if (admitted.get(identity) === config) return
    const reader = config.membership.identity(identity)
    if (reader.expiresAt <= peer.environment.clock.now())
      throw new EndorserError('ENDORSER_IDENTITY_EXPIRED', `the reader's certificate of ${reader.mspId} has expired`, {
        mspId: reader.mspId,
        expiredAt: reader.expiresAt,
      })
    checkAccess(resource, config, reader)
    admitted.set(identity, config)
  }
}
