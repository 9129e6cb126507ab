import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PublicKey } from '../../ports/crypto-provider.ts'
import type { Identity, IdentityProvider } from '../../ports/identity.ts'
import { OrderError } from './errors.ts'

/** What the limits of a batch count of an envelope: payload plus signature, bytes. */
export function envelopeSize(envelope: EnvelopeView): number {
  return envelope.payload.length + envelope.signature.length
}

/** Whether an envelope is an ordinary transaction or asks for another configuration. */
export type EnvelopeClass = 'normal' | 'config-update'

interface Check {
  readonly key: PublicKey
  readonly data: Uint8Array
  readonly signature: Uint8Array
  readonly done: (error: Error | undefined) => void
}

/**
 * The filters that an envelope passes before consensus sees it, in Fabric's order: form, size, expiry of the sender's certificate,
 * signature and Writers policy.
 *
 * Signature checks that begin in one turn are handed to the identity provider together; hundreds may be under way.
 * Source of the rules: orderer/common/msgprocessor of Hyperledger Fabric.
 */
export class IngressFilters {
  private readonly channel: string
  private readonly provider: IdentityProvider
  private readonly clock: Clock
  private checks: Check[] = []
  private verdictsOf: ChannelConfig | undefined
  /** Whether a policy takes a lone identity; of one configuration, for as long as somebody holds the identity. */
  private verdicts = new WeakMap<Identity, boolean>()

  constructor(channel: string, provider: IdentityProvider, clock: Clock) {
    this.channel = channel
    this.provider = provider
    this.clock = clock
  }

  /** The filters that need no configuration. Throws OrderError. */
  classify(envelope: EnvelopeView): EnvelopeClass {
    if (envelope.bytes.length === 0) throw new OrderError('ORDER_EMPTY_ENVELOPE', 'an empty envelope')
    if (!envelope.isCanonical) {
      throw new OrderError(
        'ORDER_MALFORMED_ENVELOPE',
        'the outer envelope is not in canonical encoding, or has no payload or signature',
      )
    }
    let type: number
    let channel: string
    try {
      type = envelope.type
      channel = envelope.channelId
      // Decodes the header that names the sender, so that no later step meets a decode error.
      void envelope.creator
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw new OrderError('ORDER_MALFORMED_ENVELOPE', `the envelope does not decode: ${cause.message}`, {}, { cause })
    }
    if (channel !== this.channel) {
      throw new OrderError(
        'ORDER_WRONG_CHANNEL',
        `envelope for channel ${JSON.stringify(channel)} at an orderer of ${this.channel}`,
        {
          channel,
        },
      )
    }
    if (type === HeaderType.CONFIG_UPDATE) return 'config-update'
    if (type === HeaderType.CONFIG || type === HeaderType.ORDERER_TRANSACTION) {
      throw new OrderError('ORDER_UNSUPPORTED_TYPE', `envelopes of type ${type} are made by orderers only`, { type })
    }
    return 'normal'
  }

  /**
   * The filters that look at the configuration. Calls `done` once, perhaps before it returns.
   * The verdict holds for `config`; check again when the configuration has advanced.
   */
  check(config: ChannelConfig, envelope: EnvelopeView, kind: EnvelopeClass, done: (error: Error | undefined) => void): void {
    let identity: Identity
    try {
      if (kind === 'normal' && config.ordering.maintenance) {
        throw new OrderError('ORDER_MAINTENANCE', `channel ${this.channel} is in maintenance mode`, { channel: this.channel })
      }
      this.assertSize(config, envelope)
      identity = this.sender(config, envelope)
    } catch (error) {
      done(error as Error)
      return
    }
    if (this.checks.length === 0) queueMicrotask(() => this.verify())
    this.checks.push({ key: identity.publicKey, data: envelope.payload, signature: envelope.signature, done })
  }

  /** `check` as a promise. */
  pass(config: ChannelConfig, envelope: EnvelopeView, kind: EnvelopeClass): Promise<void> {
    return new Promise((resolve, reject) => {
      this.check(config, envelope, kind, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  assertSize(config: ChannelConfig, envelope: EnvelopeView): void {
    const size = envelopeSize(envelope)
    const limit = config.ordering.batchSize.absoluteMaxBytes
    if (size > limit) {
      throw new OrderError('ORDER_TOO_LARGE', `payload and signature are ${size} bytes, at most ${limit}`, { size, limit })
    }
  }

  /** The sender, when it may write. Before the signature is checked: strangers cost no cryptography. */
  private sender(config: ChannelConfig, envelope: EnvelopeView): Identity {
    let identity: Identity
    try {
      identity = config.membership.identity(envelope.creator)
    } catch (cause) {
      if (!(cause instanceof HeddleError)) throw cause
      throw new OrderError(
        'ORDER_FORBIDDEN',
        `the sender is no member of the channel: ${cause.message}`,
        { reason: cause.code },
        { cause },
      )
    }
    if (identity.expiresAt <= this.clock.now()) {
      throw new OrderError('ORDER_IDENTITY_EXPIRED', `the certificate of the sender (${identity.mspId}) has expired`, {
        mspId: identity.mspId,
        expiresAt: identity.expiresAt,
      })
    }
    if (!this.mayWrite(config, identity)) {
      const policy = writersPolicy(config)
      throw new OrderError('ORDER_FORBIDDEN', `the sender (${identity.mspId}) does not satisfy ${policy}`, {
        mspId: identity.mspId,
        policy,
      })
    }
    return identity
  }

  private mayWrite(config: ChannelConfig, identity: Identity): boolean {
    if (this.verdictsOf !== config) {
      this.verdictsOf = config
      this.verdicts = new WeakMap()
    }
    let verdict = this.verdicts.get(identity)
    if (verdict === undefined) {
      verdict = config.policies.policy(writersPolicy(config))?.evaluate([identity]) === true
      this.verdicts.set(identity, verdict)
    }
    return verdict
  }

  private verify(): void {
    const checks = this.checks
    this.checks = []
    let verdicts: readonly boolean[] | Promise<readonly boolean[]>
    try {
      verdicts = this.provider.verifyAll(checks)
    } catch (error) {
      this.fail(checks, error)
      return
    }
    if (verdicts instanceof Promise)
      verdicts.then(
        (each) => this.settle(checks, each),
        (error) => this.fail(checks, error),
      )
    else this.settle(checks, verdicts)
  }

  private settle(checks: readonly Check[], verdicts: readonly boolean[]): void {
    for (let i = 0; i < checks.length; i++) {
      checks[i]!.done(
        verdicts[i] === true ? undefined : new OrderError('ORDER_FORBIDDEN', 'the signature of the envelope is wrong'),
      )
    }
  }

  /** Only infrastructure fails here (a closed pool): no word about the envelopes, which others may take. */
  private fail(checks: readonly Check[], cause: unknown): void {
    const error = new OrderError('ORDER_UNAVAILABLE', 'signatures cannot be checked', {}, { cause })
    for (const { done } of checks) done(error)
  }
}

/** In maintenance mode only the orderers' organisations may write. */
function writersPolicy(config: ChannelConfig): string {
  return config.ordering.maintenance ? '/Channel/Orderer/Writers' : '/Channel/Writers'
}
