import { MemoryStateDB } from '../adapters/state-memory/memory-state-db.ts'
import { blockSignatures, checkBlockSignatures } from '../channel/block/block-acceptance.ts'
import { BlockRefused } from '../channel/block/errors.ts'
import type { ChannelConfig } from '../channel/config/channel-config.ts'
import { channelConfigFromBlock } from '../channel/config/load-config.ts'
import { validateConfigTransaction } from '../channel/update/config-transaction.ts'
import { commitHash, commitHashMetadata } from '../flow/commit/commit-hash.ts'
import { contentHash } from '../flow/commit/content-hash.ts'
import { StateCommit } from '../flow/commit/state-commit.ts'
import { BlockValidator, type PreparedBlock } from '../flow/validate/block-validator.ts'
import { replay } from '../flow/validate/replay.ts'
import type { Block } from '../model/block.ts'
import { HeddleError } from '../model/errors.ts'
import { BlockMetadataIndex, Metadata } from '../model/messages/common.ts'
import { ledgerTransactionId } from '../model/transaction-id.ts'
import { TxValidationCode, validationCodeName } from '../model/validation-code.ts'
import type { IdentityProvider } from '../ports/identity.ts'
import {
  chainDifferences,
  dataDifference,
  lastConfigAfter,
  metadataDifferences,
  readStored,
  type StoredBlock,
} from './block-file.ts'
import type { Difference, DifferenceKind, VerifyReport } from './report.ts'

export interface VerifyOptions {
  /** Decides on identities and checks signatures; it must share no memory of verdicts with the nodes that wrote the ledger. */
  readonly provider: IdentityProvider
  /** Called after each block. */
  readonly progress?: (done: { readonly blocks: number; readonly transactions: number }) => void
}

const NONE = new Uint8Array(0)
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * Verifies a ledger from its genesis block: validates and commits every block into a fresh state, by the same rules as a peer but with
 * none of its memory, and compares with what is stored: hash chain, block signatures (against the configuration in force), validation
 * flags, commit hashes, and the form of everything else.
 *
 * The genesis block itself is taken on trust: whoever verifies compares `blockHash`, or the configuration, with what they know.
 *
 * @param blocks stored blocks in order, from number 0 on
 * @throws ValidationHalted when a block cannot be judged, as when a chaincode has a validation plugin of its own
 */
export async function verifyLedger(blocks: AsyncIterable<StoredBlock>, options: VerifyOptions): Promise<VerifyReport> {
  const verifier = new LedgerVerifier(options)
  await verifier.open()
  for await (const stored of blocks) {
    if (!(await verifier.add(stored))) break
  }
  return verifier.report()
}

/** The chain so far, recomputed. */
class LedgerVerifier {
  private readonly options: VerifyOptions
  private readonly state = new MemoryStateDB()
  private readonly stateCommit = new StateCommit(this.state)
  private readonly txIds = new Set<string>()
  private validator: BlockValidator | undefined
  private config: ChannelConfig | undefined
  private height = 0
  private lastHash: Uint8Array = NONE
  private lastConfig = 0
  private hash: Uint8Array = NONE
  private transactions = 0
  private valid = 0
  private commitHashes = 0
  private flagsEqual = true
  private commitHashEqual = true
  private complete = true
  private first: Difference | null = null
  private differences = 0

  constructor(options: VerifyOptions) {
    this.options = options
  }

  async open(): Promise<void> {
    await this.state.open()
    await this.stateCommit.open()
  }

  /** False when nothing further can be verified. */
  async add(stored: StoredBlock): Promise<boolean> {
    const block = readStored(stored)
    if ('what' in block) return this.stop(block)
    if (block.number !== this.height) {
      return this.stop({
        block: this.height,
        transaction: null,
        what: 'number',
        expected: `${this.height}`,
        got: `${block.number}`,
      })
    }
    for (const difference of chainDifferences(block, this.height, this.lastHash)) this.note(difference)
    const config = this.config ?? this.genesisConfig(block)
    if (config === undefined) return false
    const inData = dataDifference(block, config.channel)
    if (inData !== undefined) this.note(inData)
    this.lastConfig = lastConfigAfter(block, this.lastConfig)
    for (const difference of metadataDifferences(block, this.lastConfig)) this.note(difference)
    if (this.height === 0) await this.commitGenesis(block)
    else {
      const prepared = this.validator!.prepare(block)
      await this.checkSignatures(block, config)
      await this.validateAndCommit(prepared, config)
    }
    this.remember(block)
    this.options.progress?.({ blocks: this.height, transactions: this.transactions })
    return true
  }

  async report(): Promise<VerifyReport> {
    if (this.height === 0 && this.first === null) {
      this.note({ block: 0, transaction: null, what: 'file', expected: 'block 0', got: 'nothing' })
      this.complete = false
    }
    const compared = this.commitHashes > 0 || !this.complete
    return {
      verified: this.first === null,
      channel: this.config?.channel ?? '',
      blocks: this.height,
      transactions: this.transactions,
      valid: this.valid,
      flagsEqual: this.flagsEqual && this.complete,
      commitHashEqual: compared ? this.commitHashEqual && this.complete : null,
      commitHashes: this.commitHashes,
      firstDifference: this.first,
      differences: this.differences,
      blockHash: hexOf(this.lastHash),
      commitHash: hexOf(this.hash),
      contentHash: await contentHash(this.state),
    }
  }

  private genesisConfig(block: Block): ChannelConfig | undefined {
    const { provider } = this.options
    try {
      const config = channelConfigFromBlock(block, provider)
      const checkConfig = (current: ChannelConfig, view: Parameters<typeof validateConfigTransaction>[1]) =>
        validateConfigTransaction(current, view, provider)
      this.validator = new BlockValidator({ channel: config.channel, provider, checkConfig })
      this.config = config
      return config
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      this.stop({ block: 0, transaction: 0, what: 'config', expected: 'a channel configuration', got: error.message })
      return undefined
    }
  }

  private async commitGenesis(block: Block): Promise<void> {
    const flags = new Uint8Array(block.data.length)
    this.compareFlags(block, flags)
    if (block.metadataAt(BlockMetadataIndex.COMMIT_HASH).length > 0) {
      this.commitHashEqual = false
      this.differs(block, 'commit-hash', 'none in the genesis block', hexOf(block.metadataAt(BlockMetadataIndex.COMMIT_HASH)))
    }
    const trusted = block.withMetadata({ [BlockMetadataIndex.TRANSACTIONS_FILTER]: flags })
    await this.stateCommit.commit(block, await replay(trusted, this.state))
    this.valid += flags.length
  }

  /** The policy must hold, and no signature may be wrong: a peer would not store one that it could not use. */
  private async checkSignatures(block: Block, config: ChannelConfig): Promise<void> {
    const { provider } = this.options
    try {
      await checkBlockSignatures(block, config, provider)
      const signed = blockSignatures(block, config)
      const items = signed.flatMap(({ identity, data, signature }) => {
        const key = provider.keyOf(identity)
        return key === undefined ? [] : { key, data, signature }
      })
      const right = (await provider.verifyAll(items)).filter((verdict) => verdict).length
      const all = signatureCount(block)
      if (right !== all) this.differs(block, 'signatures', `${all} signatures of orderers`, `${right} that hold`)
    } catch (error) {
      if (!(error instanceof BlockRefused)) throw error
      this.differs(block, 'signatures', 'signatures that satisfy the BlockValidation policy', error.message)
    }
  }

  private async validateAndCommit(prepared: PreparedBlock, config: ChannelConfig): Promise<void> {
    const { block } = prepared
    const knownTransactions = (txIds: readonly string[]) => new Set(txIds.filter((txId) => this.txIds.has(txId)))
    const { flags, updates, nextConfig } = await this.validator!.validate(prepared, {
      config,
      state: this.state,
      knownTransactions,
    })
    this.compareFlags(block, flags)
    this.compareCommitHash(block, commitHash(flags, updates, this.hash))
    await this.stateCommit.commit(block, updates)
    for (const flag of flags) if (flag === TxValidationCode.VALID) this.valid++
    if (nextConfig !== undefined) this.config = nextConfig
  }

  private compareFlags(block: Block, flags: Uint8Array): void {
    const stored = block.metadataAt(BlockMetadataIndex.TRANSACTIONS_FILTER)
    if (stored.length !== flags.length) {
      this.flagsEqual = false
      const got = stored.length === 0 ? 'none (the blocks of an ordering node carry none)' : `${stored.length}`
      this.differs(block, 'flags', `${flags.length} validation flags`, got)
      return
    }
    for (let i = 0; i < flags.length; i++) {
      if (stored[i] === flags[i]) continue
      this.flagsEqual = false
      this.differs(block, 'flags', validationCodeName(flags[i]!), validationCodeName(stored[i]!), i)
    }
  }

  private compareCommitHash(block: Block, hash: Uint8Array): void {
    this.hash = hash
    const stored = block.metadataAt(BlockMetadataIndex.COMMIT_HASH)
    // A peer that was set up before commit hashes existed writes none; but it does not stop in the middle.
    if (stored.length === 0 && this.commitHashes === 0) return
    this.commitHashes++
    const expected = commitHashMetadata(hash)
    if (Buffer.compare(stored, expected) === 0) return
    this.commitHashEqual = false
    this.differs(block, 'commit-hash', hexOf(expected), hexOf(stored))
  }

  private remember(block: Block): void {
    for (let i = 0; i < block.data.length; i++) {
      const txId = ledgerTransactionId(block.envelope(i))
      if (txId !== undefined) this.txIds.add(txId)
    }
    this.transactions += block.data.length
    this.lastHash = block.hash()
    this.height++
  }

  private differs(block: Block, what: DifferenceKind, expected: string, got: string, transaction: number | null = null): void {
    this.note({ block: block.number, transaction, what, expected, got })
  }

  private note(difference: Difference): void {
    this.first ??= difference
    this.differences++
  }

  private stop(difference: Difference): false {
    this.note(difference)
    this.complete = false
    return false
  }
}

function signatureCount(block: Block): number {
  return Metadata.decode(block.metadataAt(BlockMetadataIndex.SIGNATURES)).signatures.length
}
