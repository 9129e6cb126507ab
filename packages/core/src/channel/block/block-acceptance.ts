import type { Block } from '../../model/block.ts'
import { isWellFormedBlockEntry } from '../../model/canonical-envelope.ts'
import {
  BlockMetadataIndex,
  HeaderType,
  IdentifierHeader,
  Metadata,
  type MetadataSignature,
  SignatureHeader,
} from '../../model/messages/common.ts'
import { SerializedIdentity } from '../../model/messages/identities.ts'
import { DecodeError } from '../../model/protobuf/errors.ts'
import type { IdentityProvider, SignedData } from '../../ports/identity.ts'
import type { ChannelConfig } from '../config/channel-config.ts'
import { evaluateSigned } from '../policy/signed-data.ts'
import { BlockRefused } from './errors.ts'

/** Policy that decides whose signatures make a block. */
const BLOCK_VALIDATION = '/Channel/Orderer/BlockValidation'
/** From this capability level on, byzantine ordering services sign with the number of a consenter instead of its identity. */
const CONSENTER_NUMBERS = 'V3_0'

/** The end of a chain, to which a block has to fit. */
export interface ChainEnd {
  /** Number that the block must have. */
  readonly height: number
  /** Hash of the last block's header; undefined before the genesis block. */
  readonly lastHash: Uint8Array | undefined
}

/**
 * Whether a block is the next one of the chain, whole, and signed by the channel's orderers, whoever brought it.
 *
 * Fabric: internal/peer/gossip/mcs.go, VerifyBlock, and protoutil/blockutils.go.
 *
 * @throws BlockRefused
 */
export async function acceptBlock(block: Block, end: ChainEnd, config: ChannelConfig, provider: IdentityProvider): Promise<void> {
  checkChain(block, end)
  checkData(block, config.channel)
  await checkBlockSignatures(block, config, provider)
}

/** Number and previous hash. Throws BlockRefused. */
export function checkChain(block: Block, { height, lastHash }: ChainEnd): void {
  if (block.number !== height) {
    throw refused('BLOCK_WRONG_NUMBER', `block ${block.number} came where block ${height} is the next`, block, {
      expected: height,
    })
  }
  if (Buffer.compare(block.header.previousHash, lastHash ?? new Uint8Array(0)) !== 0) {
    throw refused('BLOCK_WRONG_PREVIOUS_HASH', `block ${block.number} does not follow the block before it`, block)
  }
}

/** Form of the transactions, their hash, and the channel. Throws BlockRefused. */
export function checkData(block: Block, channel: string): void {
  if (block.data.length === 0) throw refused('BLOCK_NOT_CANONICAL', `block ${block.number} is empty`, block)
  if (!isConfigBlock(block)) {
    const broken = block.data.findIndex((entry) => !isWellFormedBlockEntry(entry))
    if (broken >= 0) {
      const message = `transaction ${broken} of block ${block.number} is no canonical envelope`
      throw refused('BLOCK_NOT_CANONICAL', message, block, { transaction: broken })
    }
  }
  if (!block.hasDataHash())
    throw refused('BLOCK_WRONG_DATA_HASH', `the data hash of block ${block.number} is not that of its data`, block)
  const found = decoded(() => block.envelope(0).channelId)
  if (found !== channel)
    throw refused('BLOCK_WRONG_CHANNEL', `block ${block.number} is not of channel ${channel}`, block, { found })
}

/** Whether a block holds exactly one transaction, and that one is a config transaction. */
export function isConfigBlock(block: Block): boolean {
  return block.data.length === 1 && decoded(() => block.envelope(0).type) === HeaderType.CONFIG
}

/** Signatures of the orderers under the configuration in force before the block. Throws BlockRefused. */
export async function checkBlockSignatures(block: Block, config: ChannelConfig, provider: IdentityProvider): Promise<void> {
  const policy = config.policies.policy(BLOCK_VALIDATION)
  const signed = blockSignatures(block, config)
  if (policy !== undefined && (await evaluateSigned(policy, config.membership, provider, signed))) return
  throw refused('BLOCK_NOT_SIGNED', `the signatures of block ${block.number} do not satisfy the policy of the channel`, block, {
    signatures: signed.length,
  })
}

/** What each signature of a block covers, and whose it is said to be. Throws BlockRefused BLOCK_BAD_METADATA. */
export function blockSignatures(block: Block, config: ChannelConfig): SignedData[] {
  if (block.metadata.length === 0) throw refused('BLOCK_BAD_METADATA', `block ${block.number} has no metadata`, block)
  const byNumber = config.capabilities.channel.has(CONSENTER_NUMBERS)
  const signed = decoded(() => {
    const { value, signatures } = Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES))
    return signatures.flatMap((each) => signedData(block, value, each, byNumber ? config : undefined) ?? [])
  })
  if (signed === undefined) throw refused('BLOCK_BAD_METADATA', `the signatures of block ${block.number} cannot be read`, block)
  return signed
}

/** Undefined when the number is that of no consenter: such a signature counts for nothing. */
function signedData(
  block: Block,
  value: Uint8Array,
  entry: MetadataSignature,
  config: ChannelConfig | undefined,
): SignedData | undefined {
  const { signatureHeader, identifierHeader, signature } = entry
  if (config !== undefined && signatureHeader.length === 0 && identifierHeader.length > 0) {
    const { identifier } = IdentifierHeader.decode(identifierHeader)
    const consenter = config.consenters.find(({ id }) => id === identifier)
    if (consenter === undefined || consenter.mspId.length + consenter.identity.length === 0) return undefined
    const identity = SerializedIdentity.encode({ mspid: consenter.mspId, idBytes: consenter.identity })
    return signedDataOf([value, identifierHeader, block.headerBytes()], identity, signature)
  }
  const identity = SignatureHeader.decode(signatureHeader).creator
  return signedDataOf([value, signatureHeader, block.headerBytes()], identity, signature)
}

function signedDataOf(parts: readonly Uint8Array[], identity: Uint8Array, signature: Uint8Array): SignedData {
  return {
    get data() {
      return Buffer.concat(parts)
    },
    identity,
    signature,
  }
}

function decoded<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

function refused(
  code: ConstructorParameters<typeof BlockRefused>[0],
  message: string,
  block: Block,
  data: object = {},
): BlockRefused {
  return new BlockRefused(code, message, { block: block.number, ...data })
}
