import { BlockRefused } from '../channel/block/errors.ts'
import type { ChannelConfig } from '../channel/config/channel-config.ts'
import type { PeerLedger } from '../flow/commit/peer-ledger.ts'
import type { EndorserChannel, RunningDefinition } from '../flow/endorse/endorser-channel.ts'
import { ChainTail } from '../flow/order/chain-tail.ts'
import type { ReadableChain } from '../flow/order/deliver-service.ts'
import type { BlockValidator, PreparedBlock } from '../flow/validate/block-validator.ts'
import type { Block } from '../model/block.ts'
import { HeaderType } from '../model/messages/common.ts'
import { DecodeError } from '../model/protobuf/errors.ts'
import type { ChaincodeInstance } from '../ports/chaincode.ts'
import type {
  AnchorPeerEndpoint,
  BlockFinding,
  BlockVerdict,
  ChannelMember,
  DeliverEndpoint,
  Examination,
  NodeDirectory,
  PeerChannelHost,
} from '../ports/dissemination.ts'
import type { Environment } from '../ports/environment.ts'
import type { IdentityProvider, Signer } from '../ports/identity.ts'
import type { Awaitable } from '../ports/lifecycle.ts'
import type { Logger } from '../ports/logger.ts'
import type { BlockExaminer } from './block-examiner.ts'
import { channelMember } from './channel-member.ts'
import { CommitNotifier } from './commit-notifier.ts'
import { NodeError } from './errors.ts'
import { PeerChannelMetrics } from './peer-channel-metrics.ts'

export interface PeerChannelParts {
  readonly channel: string
  readonly node: string
  readonly mspId: string
  readonly environment: Environment
  readonly ledger: PeerLedger
  readonly validator: BlockValidator
  /** The configuration that the ledger ends with. */
  readonly config: ChannelConfig
  /** Number of the block that it came with. */
  readonly configBlock: number
  /** Checks number, hash chain and signatures of a block; throws BlockRefused. */
  readonly accept: (block: Block, previousHash: Uint8Array, config: ChannelConfig) => Awaitable<void>
  readonly examiner: BlockExaminer
  readonly signer: Signer
  readonly provider: IdentityProvider
  /** Where the nodes of this process find each other. */
  readonly directory: NodeDirectory
  readonly chaincode: (definition: RunningDefinition) => ChaincodeInstance | undefined
  readonly orderers: () => readonly DeliverEndpoint[]
  /** Blocks that may wait between acceptance and commit. */
  readonly pendingBlocks: number
}

interface Pending {
  readonly block: Block
  readonly isConfig: boolean
  readonly prepared: PreparedBlock
}

/** State of one channel at one peer, for operators. */
export interface PeerChannelStatus {
  readonly channel: string
  /** Committed blocks. */
  readonly height: number
  /** Blocks that were accepted and are not committed yet. */
  readonly pending: number
  readonly configSequence: number
  readonly halted: { readonly code: string; readonly message: string } | undefined
}

/**
 * One channel of a peer: a pipeline that takes blocks in, validates and commits them.
 *
 * While one block is validated and committed, the next ones are decoded and hashed and their signatures are checked. A config block is
 * a barrier: nothing after it is looked at before it is in force. An error of the infrastructure halts the channel and marks nothing.
 */
export class PeerChannel implements PeerChannelHost {
  readonly channel: string
  readonly node: string
  readonly mspId: string
  readonly environment: Environment
  readonly notifier = new CommitNotifier()
  private readonly parts: PeerChannelParts
  private readonly ledger: PeerLedger
  private readonly logger: Logger
  private readonly tail: ChainTail
  private readonly metrics: PeerChannelMetrics
  private current: ChannelConfig
  /** Number of the block that `current` came with. */
  private configBlock: number
  /** Blocks on their way, the one at work first. */
  private readonly queue: Pending[] = []
  private accepted: number
  private acceptedHash: Uint8Array
  private intake: Promise<unknown> = Promise.resolve()
  private working: Promise<void> | undefined
  private room: (() => void)[] = []
  /** Those who wait for a height, woken at every commit. */
  private followers: (() => void)[] = []
  private failure: Error | undefined
  private readonly configListeners = new Set<(config: ChannelConfig) => void>()
  /** Blocks that were found good, with what they were found good after. */
  private readonly examined = new WeakMap<Block, { readonly previousHash: Uint8Array; readonly config: ChannelConfig }>()

  constructor(parts: PeerChannelParts) {
    this.parts = parts
    this.channel = parts.channel
    this.node = parts.node
    this.mspId = parts.mspId
    this.environment = parts.environment
    this.ledger = parts.ledger
    this.logger = parts.environment.logger.child({ subsystem: 'peer', channel: parts.channel })
    this.tail = new ChainTail(parts.ledger.blocks)
    this.metrics = new PeerChannelMetrics(parts.environment.metrics, parts.node, parts.channel)
    this.current = parts.config
    this.configBlock = parts.configBlock
    this.accepted = parts.ledger.height
    this.acceptedHash = parts.ledger.blocks.lastHash ?? new Uint8Array(0)
  }

  /** The next block that this peer has not accepted yet. */
  get height(): number {
    return this.accepted
  }

  /** Committed blocks. */
  get committed(): number {
    return this.ledger.height
  }

  get config(): ChannelConfig {
    return this.current
  }

  /** What readers outside this process are served from. */
  get chain(): ReadableChain {
    const channel = this
    return {
      get config() {
        return channel.current
      },
      tail: this.tail,
    }
  }

  get blocksStore(): PeerLedger['blocks'] {
    return this.ledger.blocks
  }

  get world(): PeerLedger {
    return this.ledger
  }

  orderers(): readonly DeliverEndpoint[] {
    return this.parts.orderers()
  }

  /** Calls back when a config block came into force, until the function that it returns is called. */
  onConfig(listener: (config: ChannelConfig) => void): () => void {
    this.configListeners.add(listener)
    return () => this.configListeners.delete(listener)
  }

  get signer(): Signer {
    return this.parts.signer
  }

  get directory(): NodeDirectory {
    return this.parts.directory
  }

  async examine(block: Block, { after, headerOnly = false }: Examination = {}): Promise<BlockFinding> {
    this.assertRunning()
    const end = after === undefined ? this.accepted : after.number + 1
    if (block.number !== end) return 'not-next'
    await this.configured(after)
    const config = this.current
    const previousHash = after?.hash() ?? this.acceptedHash
    const found = await this.parts.examiner.examine(block, previousHash, headerOnly, config)
    if (found === 'good' && !headerOnly) this.examined.set(block, { previousHash, config })
    return found
  }

  async block(number: number): Promise<Block | undefined> {
    return number < this.ledger.height ? (this.tail.recentBlock(number) ?? this.ledger.blocks.get(number)) : undefined
  }

  forked(held: Block, other: Block): void {
    const hex = (block: Block): string => Buffer.from(block.hash()).toString('hex')
    const data = { channel: this.channel, node: this.node, block: other.number, held: hex(held), other: hex(other) }
    this.halt(
      new NodeError(
        'PEER_CHANNEL_FORKED',
        `channel ${this.channel} of ${this.node} stopped: the orderers signed two blocks ${other.number}, ${data.held} and ${data.other}`,
        data,
      ),
    )
  }

  member(identity: Uint8Array): ChannelMember {
    return channelMember(identity, this.current, this.environment.clock.now())
  }

  async verify(identity: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const { provider } = this.parts
    const key = provider.keyOf(identity)
    if (key === undefined) return false
    const [verdict] = await provider.verifyAll([{ key, data: message, signature }])
    return verdict === true
  }

  anchorPeers(): readonly AnchorPeerEndpoint[] {
    return this.current.organizations.application.flatMap(({ mspId, anchorPeers }) =>
      anchorPeers.map(({ host, port }) => ({ mspId, host, port })),
    )
  }

  async receive(block: Block, from: string): Promise<BlockVerdict> {
    this.assertRunning()
    if (block.number < this.accepted) return 'known'
    if (block.number > this.accepted) return 'ahead'
    // Several sources may offer the same block: one is checked at a time.
    const turn = this.intake.then(() => this.take(block, from))
    this.intake = turn.catch(() => {})
    return turn
  }

  blocks(from: number, signal: AbortSignal): AsyncIterable<Block> {
    return this.tail.follow(from, Number.POSITIVE_INFINITY, signal)
  }

  /** Resolves when this many blocks are committed, or the channel ended. */
  async reach(height: number): Promise<void> {
    while (this.ledger.height < height && this.failure === undefined)
      await new Promise<void>((resolve) => this.followers.push(resolve))
  }

  get running(): boolean {
    return this.failure === undefined
  }

  status(): PeerChannelStatus {
    const failure = this.failure as (Error & { code?: string }) | undefined
    return {
      channel: this.channel,
      height: this.ledger.height,
      pending: this.queue.length,
      configSequence: this.current.sequence,
      halted: failure === undefined ? undefined : { code: failure.code ?? 'UNKNOWN', message: failure.message },
    }
  }

  /** Lets the block at work commit, drops the others, ends every reader and waiter. */
  async stop(): Promise<void> {
    this.failure ??= new NodeError('NODE_STOPPED', `peer ${this.node} is stopping`)
    this.queue.length = Math.min(this.queue.length, 1)
    this.releaseRoom()
    await this.intake
    await this.working
    this.tail.close(undefined)
    this.notifier.close(this.failure)
  }

  hasTransaction(txId: string): Awaitable<boolean> {
    return this.ledger.hasTransaction(txId)
  }

  /** The channel as the peer's endorser sees it. */
  forEndorser(): EndorserChannel {
    const { parts, ledger } = this
    const self = this
    return {
      name: this.channel,
      get config() {
        return self.current
      },
      snapshot: () => ledger.snapshot(),
      hasTransaction: (txId) => ledger.hasTransaction(txId),
      chaincode: parts.chaincode,
      history: (namespace, key) => ledger.history(namespace, key),
      blocks: ledger.blocks,
      lastConfigBlock: () => this.configBlock,
    }
  }

  private async take(block: Block, from: string): Promise<BlockVerdict> {
    const { queue, parts } = this
    // A config block decides who may sign what follows it.
    while (this.failure === undefined && (queue.length >= parts.pendingBlocks || queue.some(({ isConfig }) => isConfig)))
      await new Promise<void>((resolve) => this.room.push(resolve))
    this.assertRunning()
    if (block.number !== this.accepted) return block.number < this.accepted ? 'known' : 'ahead'
    try {
      if (!this.isExamined(block)) await parts.accept(block, this.acceptedHash, this.current)
    } catch (error) {
      if (!(error instanceof BlockRefused || error instanceof DecodeError)) throw this.halt(error)
      this.metrics.refused()
      this.logger.warn({ from, block: block.number, err: error }, 'refused a block')
      return 'refused'
    }
    this.assertRunning()
    queue.push({ block, isConfig: isConfigBlock(block), prepared: parts.validator.prepare(block) })
    this.accepted = block.number + 1
    this.acceptedHash = block.hash()
    this.working ??= this.work()
    return 'accepted'
  }

  private isExamined(block: Block): boolean {
    const found = this.examined.get(block)
    return found?.config === this.current && Buffer.compare(found.previousHash, this.acceptedHash) === 0
  }

  /** Waits until the configuration of a block is in force, if it brought one, and of all config blocks under way. */
  private async configured(after: Block | undefined): Promise<void> {
    const brings = after !== undefined && isConfigBlock(after) ? after.number : -1
    while (this.failure === undefined && (this.ledger.height <= brings || this.queue.some(({ isConfig }) => isConfig)))
      await new Promise<void>((resolve) => this.followers.push(resolve))
    this.assertRunning()
  }

  private async work(): Promise<void> {
    const { queue, ledger, parts } = this
    try {
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        const started = this.environment.clock.monotonic()
        const validated = await parts.validator.validate(next.prepared, ledger.context(this.current))
        const committed = await ledger.commit(validated)
        if (validated.nextConfig !== undefined) this.configure(validated.nextConfig, committed.number)
        queue.shift()
        this.tail.extended([committed])
        this.notifier.committed(validated)
        this.metrics.committed(committed, validated.flags, this.environment.clock.monotonic() - started)
        this.releaseRoom()
        if (this.failure !== undefined) break
      }
    } catch (error) {
      this.halt(error)
    } finally {
      this.working = undefined
    }
  }

  private configure(config: ChannelConfig, blockNumber: number): void {
    this.current = config
    this.configBlock = blockNumber
    this.logger.info({ sequence: config.sequence }, 'the channel has a new configuration')
    for (const listener of this.configListeners) listener(config)
  }

  private halt(cause: unknown): Error {
    if (this.failure !== undefined) return this.failure
    const reason = cause instanceof Error ? cause.message : String(cause)
    const isFork = cause instanceof NodeError && cause.code === 'PEER_CHANNEL_FORKED'
    this.failure = isFork
      ? cause
      : new NodeError(
          'PEER_CHANNEL_HALTED',
          `channel ${this.channel} of ${this.node} halted before block ${this.ledger.height}: ${reason}`,
          { channel: this.channel, node: this.node, block: this.ledger.height },
          { cause },
        )
    this.logger.fatal({ err: cause, block: this.ledger.height }, 'the channel halted')
    this.metrics.halted()
    this.queue.length = 0
    this.releaseRoom()
    this.tail.close(this.failure)
    this.notifier.close(this.failure)
    return this.failure
  }

  private releaseRoom(): void {
    const waiting = this.room.concat(this.followers)
    this.room = []
    this.followers = []
    for (const resolve of waiting) resolve()
  }

  private assertRunning(): void {
    if (this.failure !== undefined) throw this.failure
  }
}

function isConfigBlock(block: Block): boolean {
  if (block.data.length !== 1) return false
  try {
    return block.envelope(0).type === HeaderType.CONFIG
  } catch {
    return false
  }
}
