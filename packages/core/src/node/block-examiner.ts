import { checkBlockSignatures, checkData } from '../channel/block/block-acceptance.ts'
import { BlockRefused } from '../channel/block/errors.ts'
import type { ChannelConfig } from '../channel/config/channel-config.ts'
import type { Block } from '../model/block.ts'
import { DecodeError } from '../model/protobuf/errors.ts'
import type { BlockFinding } from '../ports/dissemination.ts'
import type { IdentityProvider } from '../ports/identity.ts'

/** Tells what a block with the right number is, without any state. */
export class BlockExaminer {
  private readonly provider: IdentityProvider

  constructor(provider: IdentityProvider) {
    this.provider = provider
  }

  async examine(
    block: Block,
    previousHash: Uint8Array,
    headerOnly: boolean,
    config: ChannelConfig,
  ): Promise<Exclude<BlockFinding, 'not-next'>> {
    if (!headerOnly && !this.isWhole(block, config)) return 'bad'
    if (!(await this.isSigned(block, config))) return 'bad'
    // Signed for another chain: whoever signs for this one has signed two blocks of some height.
    return Buffer.compare(block.header.previousHash, previousHash) === 0 ? 'good' : 'forked'
  }

  private async isSigned(block: Block, config: ChannelConfig): Promise<boolean> {
    try {
      await checkBlockSignatures(block, config, this.provider)
      return true
    } catch (error) {
      if (error instanceof BlockRefused || error instanceof DecodeError) return false
      throw error
    }
  }

  private isWhole(block: Block, config: ChannelConfig): boolean {
    try {
      checkData(block, config.channel)
      return true
    } catch (error) {
      if (error instanceof BlockRefused || error instanceof DecodeError) return false
      throw error
    }
  }
}
