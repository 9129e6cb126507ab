import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import type { EnvelopeView } from '../../model/envelope-view.ts'
import { SignatureHeader } from '../../model/messages/common.ts'
import type { BlockStore } from '../../ports/block-store.ts'
import type { Signer } from '../../ports/identity.ts'
import type { Batch, Decided, Decision, OrderingConfig, Tip } from '../../ports/ordering-service.ts'
import type { Random } from '../../ports/random.ts'
import { nextBlock, ordererMetadata, sealBlock, signedBytes, tipOf } from './block-assembly.ts'
import { BlockWriter } from './block-writer.ts'
import { ChainTail } from './chain-tail.ts'
import type { ConfigRules } from './config-rules.ts'
import { OrderError } from './errors.ts'

const NONCE_BYTES = 24
const NONE = new Uint8Array(0)

export interface OrderedChainParts {
  readonly channel: string
  readonly store: BlockStore
  readonly signer: Signer
  readonly random: Random
  readonly rules: ConfigRules
}

export interface OrderedChainEvents {
  /** Blocks became durable, in order. */
  durable(blocks: readonly Block[]): void
  /** A config block was decided; the configuration is in force. */
  configured(previous: ChannelConfig, next: ChannelConfig): void
  halted(error: Error): void
}

/**
 * The chain of one channel at one orderer, as decisions of consensus extend it. A decision takes effect at once (tip, configuration);
 * signature and disk follow in the background, in order. It is the only writer of the block store.
 */
export class OrderedChain {
  private readonly parts: OrderedChainParts
  private readonly events: OrderedChainEvents
  private readonly writer: BlockWriter
  readonly tail: ChainTail
  readonly genesisHash: Uint8Array
  readonly genesisConfig: OrderingConfig
  private current: ChannelConfig
  private end: Tip
  private stopped: Error | undefined

  private constructor(
    parts: OrderedChainParts,
    events: OrderedChainEvents,
    config: ChannelConfig,
    tip: Tip,
    genesis: { readonly hash: Uint8Array; readonly ordering: OrderingConfig },
  ) {
    this.genesisHash = genesis.hash
    this.genesisConfig = genesis.ordering
    this.parts = parts
    this.events = events
    this.current = config
    this.end = tip
    this.tail = new ChainTail(parts.store)
    this.writer = new BlockWriter(
      parts.store,
      (blocks) => {
        this.tail.extended(blocks)
        events.durable(blocks)
      },
      (error) => this.halt(error),
    )
  }

  /**
   * Goes on where the store ends.
   *
   * @throws OrderError ORDER_CHAIN_EMPTY without a genesis block
   */
  static async open(parts: OrderedChainParts, events: OrderedChainEvents): Promise<OrderedChain> {
    const { store, rules } = parts
    const last = store.height === 0 ? undefined : await store.get(store.height - 1)
    if (last === undefined) throw new OrderError('ORDER_CHAIN_EMPTY', 'no genesis block', { channel: parts.channel })
    const tip = tipOf(last)
    const configBlock = tip.lastConfig === last.number ? last : await store.get(tip.lastConfig)
    if (configBlock === undefined) {
      throw new OrderError('ORDER_CHAIN_EMPTY', `no config block ${tip.lastConfig}`, { channel: parts.channel })
    }
    const genesis = last.number === 0 ? last : await store.get(0)
    if (genesis === undefined) throw new OrderError('ORDER_CHAIN_EMPTY', 'no genesis block', { channel: parts.channel })
    const config = rules.fromBlock(configBlock)
    const { ordering } = configBlock.number === 0 ? config : rules.fromBlock(genesis)
    return new OrderedChain(parts, events, config, tip, { hash: genesis.hash(), ordering })
  }

  /** After the last decision; blocks up to here may still be on their way to the disk. */
  get tip(): Tip {
    return this.end
  }

  get config(): ChannelConfig {
    return this.current
  }

  /** Blocks that are decided and not yet durable. */
  get waiting(): number {
    return this.writer.waiting
  }

  get halted(): Error | undefined {
    return this.stopped
  }

  /** Makes the next block; see ChannelHost.decide. */
  decide(decision: Decision): Decided {
    this.assertRunning()
    const number = decision.number ?? this.end.number + 1
    if (number <= this.end.number) return { number, block: undefined, durable: this.quiet(this.writer.durable(number)) }
    if (number > this.end.number + 1) {
      throw new OrderError('ORDER_DECISION_GAP', `block ${number} does not follow block ${this.end.number}`, {
        channel: this.parts.channel,
        number,
        tip: this.end.number,
      })
    }
    this.assertBlockable(decision.batch)
    const block = nextBlock(this.end, decision.batch)
    const previous = this.current
    let checked: Promise<void> | undefined
    if (decision.batch.isConfig) {
      const envelope = block.envelope(0)
      const next = this.nextConfig(envelope)
      // Every node computes the result again; a difference ends this one before the block is stored.
      checked = this.parts.rules.validate(previous, envelope)
      this.current = next
    }
    const migrated = this.current.ordering.consensusType !== previous.ordering.consensusType
    // What one consensus wrote means nothing to the next.
    const consenterMetadata = migrated ? NONE : decision.consenterMetadata
    const lastConfig = decision.batch.isConfig ? number : this.end.lastConfig
    this.end = { number, headerHash: block.hash(), lastConfig, consenterMetadata }
    const sealed = this.seal(block, lastConfig, ordererMetadata(lastConfig, consenterMetadata), decision.signatures)
    const durable = this.writer.push(number, checked === undefined ? sealed : afterCheck(checked, sealed))
    if (this.current !== previous) this.events.configured(previous, this.current)
    return { number, block, durable }
  }

  /**
   * Stores a block that another orderer made, after the caller has verified it against `config`.
   *
   * @returns false when it does not follow the tip any more: a decision was faster
   */
  adopt(block: Block, next: ChannelConfig | undefined): { readonly adopted: boolean; readonly durable: Promise<void> } {
    this.assertRunning()
    if (block.number !== this.end.number + 1) return { adopted: false, durable: Promise.resolve() }
    const previous = this.current
    this.end = tipOf(block)
    if (next !== undefined) this.current = next
    const durable = this.writer.push(block.number, block)
    if (next !== undefined) this.events.configured(previous, next)
    return { adopted: true, durable }
  }

  /** Ends the chain at this node: what is not durable is refused, readers end with the reason. */
  halt(reason: Error): void {
    if (this.stopped !== undefined) return
    this.stopped = reason
    void this.writer.stop(reason)
    this.tail.close(reason)
    this.events.halted(reason)
  }

  /** Lets blocks that were decided reach the disk, then ends. */
  async stop(): Promise<void> {
    if (this.stopped !== undefined) return
    this.stopped = new OrderError('ORDER_UNAVAILABLE', 'the orderer is stopping', { channel: this.parts.channel })
    await this.writer.stop(this.stopped)
    this.tail.close(undefined)
  }

  /** Block signature of this node over header and OrdererBlockMetadata. */
  async sign(header: Uint8Array, metadata: Uint8Array): Promise<{ signatureHeader: Uint8Array; signature: Uint8Array }> {
    const signatureHeader = this.signatureHeader()
    return { signatureHeader, signature: await this.parts.signer.sign(signedBytes(metadata, signatureHeader, header)) }
  }

  private seal(block: Block, lastConfig: number, metadata: Uint8Array, given: Decision['signatures']): Block | Promise<Block> {
    if (given !== undefined) return sealBlock(block, lastConfig, metadata, given)
    const signatureHeader = this.signatureHeader()
    const signing = this.parts.signer.sign(signedBytes(metadata, signatureHeader, block.headerBytes()))
    if (signing instanceof Promise) {
      return signing.then((signature) => sealBlock(block, lastConfig, metadata, [{ signatureHeader, signature }]))
    }
    return sealBlock(block, lastConfig, metadata, [{ signatureHeader, signature: signing }])
  }

  private signatureHeader(): Uint8Array {
    return SignatureHeader.encode({ creator: this.parts.signer.identity, nonce: this.parts.random.bytes(NONCE_BYTES) })
  }

  private nextConfig(envelope: EnvelopeView): ChannelConfig {
    let next: ChannelConfig
    try {
      next = this.parts.rules.next(this.current, envelope)
    } catch (cause) {
      throw new OrderError('ORDER_BAD_DECISION', 'a config envelope that does not decode was decided', this.where(), { cause })
    }
    if (next.sequence === this.current.sequence + 1) return next
    throw new OrderError(
      'ORDER_BAD_DECISION',
      `configuration ${next.sequence} does not follow ${this.current.sequence}`,
      this.where(),
    )
  }

  private assertBlockable(batch: Batch): void {
    if (batch.envelopes.length === 0 || (batch.isConfig && batch.envelopes.length !== 1)) {
      throw new OrderError('ORDER_BAD_DECISION', `a batch of ${batch.envelopes.length} envelopes was decided`, this.where())
    }
  }

  private where(): { channel: string; number: number } {
    return { channel: this.parts.channel, number: this.end.number + 1 }
  }

  private assertRunning(): void {
    if (this.stopped === undefined) return
    throw new OrderError('ORDER_HALTED', `ordering of ${this.parts.channel} has ended: ${this.stopped.message}`, this.where(), {
      cause: this.stopped,
    })
  }

  private quiet(promise: Promise<void>): Promise<void> {
    promise.catch(() => {})
    return promise
  }
}

async function afterCheck(checked: Promise<void>, sealed: Block | Promise<Block>): Promise<Block> {
  const [block] = await Promise.all([sealed, checked])
  return block
}
