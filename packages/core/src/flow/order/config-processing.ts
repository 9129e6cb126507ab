import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { updateInside } from '../../channel/update/config-transaction.ts'
import { configEnvelope } from '../../channel/update/sign-update.ts'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Signer } from '../../ports/identity.ts'
import type { ConfigSubmission, Consenter } from '../../ports/ordering-service.ts'
import type { Random } from '../../ports/random.ts'
import type { ConfigRules } from './config-rules.ts'
import { OrderError } from './errors.ts'
import { envelopeSize, type IngressFilters } from './ingress-filters.ts'

const NONCE_BYTES = 24

export interface ConfigProcessingParts {
  readonly channel: string
  readonly signer: Signer
  readonly rules: ConfigRules
  readonly filters: IngressFilters
  readonly consenter: Consenter
  readonly clock: Clock
  readonly random: Random
  /** The configuration in force. */
  readonly config: () => ChannelConfig
}

/** Turns config updates into the CONFIG envelopes that are ordered, and checks them again when the configuration has moved on. */
export class ConfigProcessing {
  private readonly parts: ConfigProcessingParts

  constructor(parts: ConfigProcessingParts) {
    this.parts = parts
  }

  /**
   * Filters a CONFIG_UPDATE envelope, applies it to the configuration in force and wraps the result, signed by this orderer.
   * The configuration may advance meanwhile; then it begins again, so what it returns was computed under the one in force.
   */
  async propose(update: EnvelopeView): Promise<ConfigSubmission> {
    const { parts } = this
    for (;;) {
      const current = parts.config()
      await parts.filters.pass(current, update, 'config-update')
      const proposed = await refusing(() => parts.rules.propose(current, update))
      const { next } = proposed
      const envelope = await this.wrap(proposed.configEnvelope)
      // The result is larger than the update: it has to fit, too.
      parts.filters.assertSize(current, envelope)
      if (current.ordering.consensusType === next.ordering.consensusType) {
        this.validateMetadata(current, next)
      }
      if (parts.config() !== current) continue
      return { envelope, size: envelopeSize(envelope), configSequence: current.sequence, next: next.ordering }
    }
  }

  /** What a plugin throws here is a refusal, of whatever class. */
  private validateMetadata(current: ChannelConfig, next: ChannelConfig): void {
    try {
      this.parts.consenter.validateMetadata(current.ordering, next.ordering)
    } catch (cause) {
      if (cause instanceof OrderError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new OrderError('ORDER_CONFIG_REFUSED', `consensus refuses the step: ${why}`, {}, { cause })
    }
  }

  /** Computes a CONFIG envelope's update again under the configuration in force. */
  async again(config: EnvelopeView): Promise<ConfigSubmission> {
    return this.propose(new EnvelopeView(updateInside(config)))
  }

  /** Checks a CONFIG envelope that another orderer proposes. Throws. */
  async verify(config: EnvelopeView): Promise<void> {
    const current = this.parts.config()
    this.parts.filters.assertSize(current, config)
    await refusing(() => this.parts.rules.validate(current, config))
  }

  private async wrap(data: Uint8Array): Promise<EnvelopeView> {
    const { signer, channel, clock, random } = this.parts
    return new EnvelopeView(
      await configEnvelope(channel, data, signer, { timestamp: clock.now(), nonce: random.bytes(NONCE_BYTES) }),
    )
  }
}

/** What the rules refuse is the sender's to mend, whatever family the error is of. */
async function refusing<T>(rule: () => Promise<T>): Promise<T> {
  try {
    return await rule()
  } catch (cause) {
    if (!(cause instanceof HeddleError) || cause instanceof OrderError) throw cause
    throw new OrderError('ORDER_CONFIG_REFUSED', cause.message, { reason: cause.code, ...cause.data }, { cause })
  }
}
