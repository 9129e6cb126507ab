import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { evaluateSigned } from '../../channel/policy/signed-data.ts'
import type { Block } from '../../model/block.ts'
import { isWellFormedBlockEntry } from '../../model/canonical-envelope.ts'
import { BlockMetadataIndex, HeaderType, Metadata, SignatureHeader } from '../../model/messages/common.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { Tip } from '../../ports/ordering-service.ts'
import { signedBytes } from './block-assembly.ts'
import type { ConfigRules } from './config-rules.ts'
import { OrderError } from './errors.ts'

/** Fabric's path of the policy that block signatures must satisfy. */
const BLOCK_VALIDATION = '/Channel/Orderer/BlockValidation'

/** Checks blocks that other orderers give, before this one stores them as its own. */
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
    const refuse = (why: string, cause?: unknown): OrderError =>
      new OrderError('ORDER_BLOCK_REFUSED', `block ${block.number}: ${why}`, { number: block.number }, { cause })
    if (block.number !== tip.number + 1) throw refuse(`does not follow block ${tip.number}`)
    if (Buffer.compare(block.header.previousHash, tip.headerHash) !== 0)
      throw refuse('its previous hash is not that of the chain')
    if (block.data.length === 0) throw refuse('it is empty')
    if (!block.hasDataHash()) throw refuse('its data hash is wrong')
    try {
      for (let i = 0; i < block.data.length; i++)
        if (!isWellFormedBlockEntry(block.data[i]!)) throw refuse(`entry ${i} is not canonical`)
      if (!(await this.isSigned(config, block))) throw refuse(`its signatures do not satisfy ${BLOCK_VALIDATION}`)
      if (!isConfigBlock(block)) return undefined
    } catch (cause) {
      if (cause instanceof DecodeError) throw refuse('its metadata does not decode', cause)
      throw cause
    }
    try {
      const next = this.rules.next(config, block.envelope(0))
      await this.rules.validate(config, block.envelope(0))
      return next
    } catch (cause) {
      throw refuse('its configuration does not follow from the one before', cause)
    }
  }

  private async isSigned(config: ChannelConfig, block: Block): Promise<boolean> {
    const policy = config.policies.policy(BLOCK_VALIDATION)
    if (policy === undefined) return false
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    const signed = signatures.map(({ signatureHeader, signature }) => ({
      get data() {
        return signedBytes(value, signatureHeader, block.headerBytes())
      },
      identity: SignatureHeader.decode(signatureHeader).creator,
      signature,
    }))
    return evaluateSigned(policy, config.membership, this.provider, signed)
  }
}

function isConfigBlock(block: Block): boolean {
  if (block.data.length !== 1) return false
  try {
    return block.envelope(0).type === HeaderType.CONFIG
  } catch (error) {
    // A lone transaction whose header does not decode is for validation to flag.
    if (error instanceof DecodeError) return false
    throw error
  }
}
