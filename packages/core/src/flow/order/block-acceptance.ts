import { acceptBlock, isConfigBlock } from '../../channel/block/block-acceptance.ts'
import { BlockRefused } from '../../channel/block/errors.ts'
import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { Tip } from '../../ports/ordering-service.ts'
import type { ConfigRules } from './config-rules.ts'
import { OrderError } from './errors.ts'

/** Checks blocks that other orderers give, before this one stores them as its own: as a peer does, and the configuration besides. */
export class BlockAcceptance {
  private readonly provider: IdentityProvider
  private readonly rules: ConfigRules

  constructor(provider: IdentityProvider, rules: ConfigRules) {
    this.provider = provider
    this.rules = rules
  }

  /**
   * Number, hash chain, data hash, canonical entries, block signatures under the configuration in force, and for a config block the
   * step from it.
   *
   * @returns the next configuration of a config block
   * @throws OrderError ORDER_BLOCK_REFUSED
   */
  async check(config: ChannelConfig, tip: Tip, block: Block): Promise<ChannelConfig | undefined> {
    const refuse = (why: string, cause: unknown): OrderError =>
      new OrderError('ORDER_BLOCK_REFUSED', `block ${block.number}: ${why}`, { number: block.number }, { cause })
    try {
      await acceptBlock(block, { height: tip.number + 1, lastHash: tip.headerHash }, config, this.provider)
    } catch (cause) {
      if (cause instanceof BlockRefused) throw refuse(cause.message, cause)
      if (cause instanceof DecodeError) throw refuse('its metadata does not decode', cause)
      throw cause
    }
    if (!isConfigBlock(block)) return undefined
    try {
      const next = this.rules.next(config, block.envelope(0))
      await this.rules.validate(config, block.envelope(0))
      return next
    } catch (cause) {
      throw refuse('its configuration does not follow from the one before', cause)
    }
  }
}
