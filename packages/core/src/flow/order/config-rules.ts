import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { checkConsensusMigration } from '../../channel/config/config-transition.ts'
import { channelConfigFrom, channelConfigFromBlock } from '../../channel/config/load-config.ts'
import { applyConfigUpdate, validateConfigTransaction } from '../../channel/update/config-transaction.ts'
import type { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { HeaderType } from '../../model/messages/common.ts'
import { ConfigEnvelope } from '../../model/messages/configtx.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import { OrderError } from './errors.ts'

/** What ordering needs of the rules by which a channel's configuration changes. */
export interface ConfigRules {
  /** The configuration that a genesis or config block carries; trusted, because the block is. */
  fromBlock(block: Block): ChannelConfig
  /**
   * Applies a CONFIG_UPDATE envelope: versions, signatures and mod_policies under the current configuration, and what a living channel
   * may do to its consensus type.
   *
   * @returns serialized ConfigEnvelope of the next configuration
   */
  propose(
    current: ChannelConfig,
    update: EnvelopeView,
  ): Promise<{ readonly configEnvelope: Uint8Array; readonly next: ChannelConfig }>
  /** The configuration that a CONFIG envelope carries, at once; whether it follows from the current one `validate` says. */
  next(current: ChannelConfig, config: EnvelopeView): ChannelConfig
  /** Computes a CONFIG envelope's result again from the update in it, and compares. */
  validate(current: ChannelConfig, config: EnvelopeView): Promise<void>
}

/** Fabric's rules. */
export function channelConfigRules(provider: IdentityProvider): ConfigRules {
  return {
    fromBlock: (block) => channelConfigFromBlock(block, provider),
    async propose(current, envelope) {
      const { configEnvelope, next, update } = await applyConfigUpdate(current, envelope, provider)
      checkConsensusMigration(current, next, update)
      return { configEnvelope, next }
    },
    next(current, envelope) {
      const { config } = ConfigEnvelope.decode(envelope.data)
      if (envelope.type !== HeaderType.CONFIG || config === undefined) {
        throw new OrderError('ORDER_BAD_DECISION', 'the envelope carries no configuration', { type: envelope.type })
      }
      return channelConfigFrom(current.channel, config, provider)
    },
    async validate(current, envelope) {
      await validateConfigTransaction(current, envelope, provider)
    },
  }
}
