import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'

/** What ordering needs of the rules by which a channel's configuration changes. */
export interface ConfigRules {
  /** The configuration that a genesis or config block carries; trusted, because the block is. */
  fromBlock(block: Block): ChannelConfig
  /**
   * Applies a CONFIG_UPDATE envelope: versions, signatures and mod_policies under the current configuration.
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
  /** Whether the step changes consensus only as maintenance mode allows. Throws. */
  checkMigration(current: ChannelConfig, next: ChannelConfig): void
}
