import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import { channelConfigFrom } from '../../channel/config/load-config.ts'
import type { Block } from '../../model/block.ts'
import { BlockMetadataIndex } from '../../model/messages/common.ts'
import { ConfigEnvelope } from '../../model/messages/configtx.ts'
import type { BlockStore, TransactionLocation } from '../../ports/block-store.ts'
import type { HistoryStore } from '../../ports/history.ts'
import type { IdentityProvider } from '../../ports/identity.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import type { Logger } from '../../ports/logger.ts'
import type { StateDB, StateSnapshot } from '../../ports/state-db.ts'
import type { ValidationContext } from '../validate/block-validator.ts'
import { CONFIG_KEY, CONFIG_NAMESPACE } from '../validate/config-state.ts'
import { replay } from '../validate/replay.ts'
import type { UpdateBatch } from '../validate/update-batch.ts'
import { commitHash, commitHashMetadata, commitHashOf } from './commit-hash.ts'
import { CommitLock } from './commit-lock.ts'
import { contentHash } from './content-hash.ts'
import { PeerLedgerError } from './errors.ts'
import { historyWrites, type KeyChange, keyHistory } from './key-history.ts'
import { StateCommit } from './state-commit.ts'

export interface PeerLedgerParts {
  readonly channel: string
  readonly blocks: BlockStore
  /** Opened. */
  readonly state: StateDB
  /** Absent where the peer keeps no history. */
  readonly history?: HistoryStore | undefined
  readonly logger: Logger
}

/** What a commit takes of a validated block. */
export interface Verdict {
  readonly block: Block
  readonly flags: Uint8Array
  readonly updates: UpdateBatch
}

/** Progress of a long recovery is logged each so many blocks. */
const LOG_EVERY = 1_000
const NONE = new Uint8Array(0)

/**
 * The ledger of one channel on one peer: blocks, world state and history of keys.
 *
 * A block goes to the block store first, and is durable there before the state is touched; then state and history, each in one batch
 * with a save point. Whatever moment a crash takes, `open` brings state and history forward from the blocks, by the flags stored with
 * them, without validating again.
 */
export class PeerLedger {
  readonly channel: string
  readonly blocks: BlockStore
  /** The state after the last committed block. */
  readonly state: StateDB
  private readonly historyStore: HistoryStore | undefined
  private readonly logger: Logger
  private readonly stateCommit: StateCommit
  private readonly lock = new CommitLock()
  private hash: Uint8Array = NONE
  private next = 0
  private committing = false
  private failure: Error | undefined

  private constructor(parts: PeerLedgerParts) {
    this.channel = parts.channel
    this.blocks = parts.blocks
    this.state = parts.state
    this.historyStore = parts.history
    this.logger = parts.logger
    this.stateCommit = new StateCommit(parts.state)
  }

  /**
   * Opens the ledger over its stores and recovers what a crash left.
   *
   * @throws PeerLedgerError PEER_LEDGER_STATE_AHEAD
   */
  static async open(parts: PeerLedgerParts): Promise<PeerLedger> {
    const ledger = new PeerLedger(parts)
    await ledger.recover()
    return ledger
  }

  /** Number of blocks that are committed to blocks, state and history. */
  get height(): number {
    return this.next
  }

  /** The commit hash of the last block; empty after the genesis block, which has none. */
  get commitHash(): Uint8Array {
    return this.hash
  }

  /** What the validation of the next block is relative to. */
  context(config: ChannelConfig): ValidationContext {
    return { config, state: this.state, knownTransactions: (txIds) => this.blocks.knownTransactions(txIds) }
  }

  /** The genesis block of a channel; it needs no validation, as joining a channel means to trust it. */
  async commitGenesis(block: Block): Promise<Block> {
    const flags = new Uint8Array(block.data.length)
    const stored = block.withMetadata({ [BlockMetadataIndex.TRANSACTIONS_FILTER]: flags })
    return this.commit({ block: stored, flags, updates: await replay(stored, this.state) })
  }

  /**
   * Commits the next block. Calls must not overlap.
   *
   * @returns the block as it is stored, with flags and commit hash in its metadata
   * @throws PeerLedgerError PEER_LEDGER_COMMIT_FAILED, and then the ledger takes no further blocks
   */
  async commit({ block, flags, updates }: Verdict): Promise<Block> {
    if (this.failure !== undefined) throw this.failure
    if (this.committing || block.number !== this.next || this.blocks.height !== this.next) {
      throw new PeerLedgerError(
        'PEER_LEDGER_NOT_NEXT',
        `block ${block.number} of channel ${this.channel}: the next is ${this.next}`,
      )
    }
    const hash = block.number === 1 || this.hash.length > 0 ? commitHash(flags, updates, this.hash) : NONE
    const stored = block.withMetadata({
      [BlockMetadataIndex.TRANSACTIONS_FILTER]: flags,
      [BlockMetadataIndex.COMMIT_HASH]: hash.length > 0 ? commitHashMetadata(hash) : NONE,
    })
    this.committing = true
    try {
      await this.blocks.append(stored)
      await this.commitState(stored, updates)
      await this.historyStore?.commit(stored.number, historyWrites(stored))
    } catch (cause) {
      const message = `block ${block.number} of channel ${this.channel} could not be committed: ${(cause as Error).message}`
      this.failure = new PeerLedgerError('PEER_LEDGER_COMMIT_FAILED', message, { block: block.number }, { cause })
      throw this.failure
    } finally {
      this.committing = false
    }
    this.hash = hash
    this.next = block.number + 1
    return stored
  }

  /** A consistent state, unaffected by later commits; must be released. */
  snapshot(): Awaitable<StateSnapshot> {
    return this.state.capabilities.snapshot ? this.state.snapshot() : this.lockedSnapshot()
  }

  hasTransaction(txId: string): Awaitable<boolean> {
    const known = this.blocks.knownTransactions([txId])
    return known instanceof Promise ? known.then((found) => found.has(txId)) : known.has(txId)
  }

  /** Where a transaction stands, and its validation code; of several with the same id, the first. */
  transaction(txId: string): Promise<TransactionLocation | undefined> {
    return this.blocks.transaction(txId)
  }

  /** Changes of a key, newest first; empty where the peer keeps no history. */
  history(namespace: string, key: string): AsyncIterable<KeyChange> {
    return this.historyStore === undefined ? nothing() : keyHistory(this.historyStore, this.blocks, namespace, key)
  }

  /** The channel configuration in force. Throws PEER_LEDGER_NO_CONFIG before the genesis block. */
  async config(provider: IdentityProvider): Promise<ChannelConfig> {
    const stored = await this.state.get(CONFIG_NAMESPACE, CONFIG_KEY)
    const { config } = stored === undefined ? {} : ConfigEnvelope.decode(stored.value)
    if (config !== undefined) return channelConfigFrom(this.channel, config, provider)
    throw new PeerLedgerError('PEER_LEDGER_NO_CONFIG', `the state of channel ${this.channel} holds no configuration`)
  }

  /** See ContentHasher: compares the content of two networks. Reads the whole state. */
  contentHash(): Promise<string> {
    return contentHash(this.state)
  }

  private commitState(block: Block, updates: UpdateBatch): Promise<void> {
    if (this.state.capabilities.snapshot) return this.stateCommit.commit(block, updates)
    return this.lock.write(() => this.stateCommit.commit(block, updates))
  }

  private async lockedSnapshot(): Promise<StateSnapshot> {
    const release = await this.lock.read()
    const { state } = this
    const snapshot: StateSnapshot = {
      height: (await state.savePoint()) ?? undefined,
      get: (namespace, key) => state.get(namespace, key),
      getMany: (namespace, keys) => state.getMany(namespace, keys),
      range: (namespace, start, end) => state.range(namespace, start, end),
      release,
    }
    const query = state.query?.bind(state)
    return query === undefined ? snapshot : { ...snapshot, query }
  }

  private async recover(): Promise<void> {
    const { blocks, state, historyStore } = this
    const height = blocks.height
    const stateFrom = ((await state.savePoint())?.blockNumber ?? -1) + 1
    const historyFrom = historyStore === undefined ? height : ((await historyStore.savePoint()) ?? -1) + 1
    if (stateFrom > height || historyFrom > height) {
      const message = `channel ${this.channel}: ${height} blocks, but a state of ${stateFrom} and a history of ${historyFrom}`
      throw new PeerLedgerError('PEER_LEDGER_STATE_AHEAD', message, { blocks: height, state: stateFrom, history: historyFrom })
    }
    await this.stateCommit.open()
    const from = Math.min(stateFrom, historyFrom)
    if (from < height)
      this.logger.info({ from, height, channel: this.channel }, 'bringing state and history forward from the blocks')
    for await (const block of blocks.read(from)) {
      if (block.number >= stateFrom) await this.stateCommit.commit(block, await replay(block, state))
      if (block.number >= historyFrom) await historyStore?.commit(block.number, historyWrites(block))
      if ((block.number + 1) % LOG_EVERY === 0) this.logger.info({ block: block.number, height }, 'recovering')
    }
    const last = height === 0 ? undefined : await blocks.get(height - 1)
    this.hash = last === undefined ? NONE : commitHashOf(last.metadataAt(BlockMetadataIndex.COMMIT_HASH))
    this.next = height
  }
}

async function* nothing(): AsyncIterable<never> {}
