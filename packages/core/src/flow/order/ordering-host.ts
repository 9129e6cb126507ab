import type { ChannelConfig } from '../../channel/config/channel-config.ts'
import type { Block } from '../../model/block.ts'
import { EnvelopeView } from '../../model/envelope-view.ts'
import { HeddleError } from '../../model/errors.ts'
import type { BlockStore } from '../../ports/block-store.ts'
import type { Environment } from '../../ports/environment.ts'
import type { IdentityProvider, Signer } from '../../ports/identity.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Consenter, Ordered, OrderingLoad, OrderingService } from '../../ports/ordering-service.ts'
import type { RemoteNode } from '../../ports/transport.ts'
import { BlockAcceptance } from './block-acceptance.ts'
import { CatchUp } from './catch-up.ts'
import { ConfigProcessing } from './config-processing.ts'
import { type ConfigRules, channelConfigRules } from './config-rules.ts'
import { DeliverService } from './deliver-service.ts'
import { OrderError } from './errors.ts'
import { defaultInFlightLimits, InFlight, type InFlightLimits, type PendingEnvelope } from './in-flight.ts'
import { envelopeSize, IngressFilters } from './ingress-filters.ts'
import { OrderedChain } from './ordered-chain.ts'
import { OrderingMetrics } from './ordering-metrics.ts'
import { PluginHost } from './plugin-host.ts'

export interface OrderingHostOptions {
  readonly channel: string
  /** Holds at least the genesis block. The host is its only writer; who opened it closes it. */
  readonly store: BlockStore
  readonly consenter: Consenter
  readonly provider: IdentityProvider
  /** Of this node: signs blocks and config envelopes. */
  readonly signer: Signer
  readonly environment: Environment
  /** Names of the channel's orderers under a configuration, this one included. Default: this one alone. */
  readonly members?: (config: ChannelConfig) => readonly string[]
  /** SerializedIdentity of another orderer, where it is known. Default: unknown until it has been heard of. */
  readonly identityOf?: (member: string) => Uint8Array | undefined
  readonly limits?: InFlightLimits
  /** Default: Fabric's. */
  readonly rules?: ConfigRules
  /** A config block was decided here or taken from others; called before the next decision. */
  readonly onConfig?: (next: ChannelConfig) => void
}

/** Config updates that wait for the one in flight. */
const CONFIG_QUEUE = 64

/** State of one channel at one orderer, for operators. */
export interface OrderingStatus {
  readonly channel: string
  readonly consensusType: string
  /** Durable blocks. */
  readonly height: number
  /** Number of the last decided block. */
  readonly tip: number
  readonly configSequence: number
  readonly inFlight: { readonly envelopes: number; readonly bytes: number }
  readonly halted: { readonly code: string; readonly message: string } | undefined
  readonly consensus: Readonly<Record<string, unknown>>
}

/**
 * One channel of an ordering node: takes envelopes in, lets the consensus plugin order them, makes, signs and stores the blocks, and
 * hands them out.
 */
export class OrderingHost {
  readonly channel: string
  private readonly options: OrderingHostOptions
  private readonly environment: Environment
  private readonly logger: Logger
  private readonly chain: OrderedChain
  private readonly filters: IngressFilters
  private readonly configs: ConfigProcessing
  private readonly inFlight: InFlight
  private readonly metrics: OrderingMetrics
  private readonly service: OrderingService
  private readonly deliveries: DeliverService
  private readonly failure = Promise.withResolvers<never>()
  private ingress = 0
  private configTail: Promise<unknown> = Promise.resolve()
  private configsQueued = 0
  private state: 'opened' | 'serving' | 'stopped' = 'opened'
  private halted: Error | undefined

  private constructor(options: OrderingHostOptions, chain: OrderedChain, rules: ConfigRules) {
    this.options = options
    this.channel = options.channel
    this.environment = options.environment
    this.logger = options.environment.logger.child({ subsystem: 'order', channel: options.channel })
    this.chain = chain
    this.metrics = new OrderingMetrics(options.environment, options.channel)
    this.inFlight = new InFlight(options.limits ?? defaultInFlightLimits)
    const { clock, random } = options.environment
    this.filters = new IngressFilters(options.channel, options.provider, clock)
    this.configs = new ConfigProcessing({ ...options, rules, clock, random, filters: this.filters, config: () => chain.config })
    const catchUp = new CatchUp({
      ...options,
      chain,
      acceptance: new BlockAcceptance(options.provider, rules),
      members: () => this.members(),
      adopted: (tip, block, durable) => this.service.adopted(tip, block, durable),
    })
    this.deliveries = new DeliverService({ ...options, chain, clock })
    const { filters, configs } = this
    const members = (): readonly string[] => this.members()
    const identityOf = options.identityOf ?? (() => undefined)
    this.service = options.consenter.join(
      new PluginHost({ ...options, chain, load: this.load(), filters, configs, catchUp, members, identityOf }),
    )
    this.failure.promise.catch(() => {})
    this.service.failed.catch((error) => chain.halt(error))
  }

  /** Opens the channel where its block store ends. @throws OrderError ORDER_CHAIN_EMPTY */
  static async open(options: OrderingHostOptions): Promise<OrderingHost> {
    let host: OrderingHost | undefined
    const { random } = options.environment
    const rules = options.rules ?? channelConfigRules(options.provider)
    const chain = await OrderedChain.open(
      { ...options, rules, random },
      {
        durable: (blocks) => host?.blocksDurable(blocks),
        configured: (previous, next) => host?.configured(previous, next),
        halted: (error) => host?.haltedBy(error),
      },
    )
    host = new OrderingHost(options, chain, rules)
    return host
  }

  get config(): ChannelConfig {
    return this.chain.config
  }

  /** Durable blocks. */
  get height(): number {
    return this.chain.tail.height
  }

  /** Rejects when ordering of the channel has ended for a reason other than `stop`. */
  get failed(): Promise<never> {
    return this.failure.promise
  }

  /** Names of the channel's orderers under the configuration in force. */
  members(): readonly string[] {
    return this.options.members?.(this.chain.config) ?? [this.environment.transport.self]
  }

  async start(): Promise<void> {
    this.environment.transport.onMessage('order', this.channel, (from, message) => {
      if (this.members().includes(from.name)) this.service.receive(from.name, message, from.identity)
    })
    this.environment.transport.onStream('deliver', this.channel, (from, message, signal) => this.encoded(from, message, signal))
    await this.service.start()
    if (this.state === 'opened') this.state = 'serving'
  }

  /** Ends intake and consensus; decided blocks still reach the disk. Every open broadcast gets an answer. */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return
    this.state = 'stopped'
    this.environment.transport.withdraw('order', this.channel)
    this.environment.transport.withdraw('deliver', this.channel)
    await this.service.stop()
    await this.chain.stop()
    this.refuseOpen()
  }

  /**
   * Brings an envelope through the filters into consensus. The same bytes sent again while the first are on their way join them.
   *
   * @returns when the envelope is in a durable block
   * @throws OrderError; its duty says what to do. ORDERER_OVERLOADED when too much is in flight.
   */
  broadcast(envelope: Uint8Array | EnvelopeView, signal?: AbortSignal): Promise<Ordered> {
    try {
      this.assertServing()
      const view = envelope instanceof Uint8Array ? new EnvelopeView(envelope) : envelope
      const kind = this.filters.classify(view)
      if (signal?.aborted === true) {
        throw new OrderError(
          'ORDER_ABORTED',
          'the caller gave up before the envelope was looked at',
          {},
          { cause: signal.reason },
        )
      }
      const same = this.inFlight.same(view)
      if (same !== undefined) return same.wait(signal)
      const entry = this.inFlight.add(view)
      const outcome = entry.wait(signal)
      if (kind === 'normal') this.takeIn(entry)
      else this.takeInConfig(entry)
      return outcome
    } catch (error) {
      if (error instanceof HeddleError) this.metrics.refused(error.code)
      return Promise.reject(error)
    }
  }

  /**
   * Durable blocks from a number on, then new ones as they come, until aborted. Consumers in this process get the same decoded objects.
   * A slow reader costs no memory: it reads from the store.
   *
   * @param to the last block wanted; default: no end
   */
  deliver(from: number, signal?: AbortSignal, to: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<Block, void, undefined> {
    return this.metrics.reading(this.chain.tail.follow(from, to, signal))
  }

  /**
   * Blocks for a client outside this process, as its signed DELIVER_SEEK_INFO envelope asks, for as long as it may read.
   *
   * @throws OrderError (at the first read) ORDER_FORBIDDEN, ORDER_BLOCK_NOT_FOUND, ...
   */
  deliverTo(envelope: Uint8Array, signal: AbortSignal): AsyncGenerator<Block, void, undefined> {
    return this.metrics.reading(this.deliveries.forClient(envelope, signal))
  }

  status(): OrderingStatus {
    const { config, tip } = this.chain
    const { halted } = this
    return {
      channel: this.channel,
      consensusType: config.ordering.consensusType,
      height: this.height,
      tip: tip.number,
      configSequence: config.sequence,
      inFlight: { envelopes: this.inFlight.count, bytes: this.inFlight.bytes },
      halted: halted && { code: halted instanceof HeddleError ? halted.code : halted.name, message: halted.message },
      consensus: this.service.status(),
    }
  }

  private async *encoded(
    from: RemoteNode,
    message: Uint8Array,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const blocks = this.deliveries.forNode(from, message, signal)
    for await (const block of this.metrics.reading(blocks)) yield block.encode()
  }

  /** Checks an envelope and hands it to consensus; begins again while the configuration advances under its feet. */
  private takeIn(entry: PendingEnvelope): void {
    const config = this.chain.config
    this.ingress++
    this.filters.check(config, entry.view, 'normal', (error) => {
      this.ingress--
      if (error !== undefined) this.fail(entry, error)
      else if (this.state !== 'serving' || this.halted !== undefined) this.fail(entry, this.unavailable())
      else if (entry.abandoned) this.fail(entry, new OrderError('ORDER_ABORTED', 'nobody waits for the envelope any more'))
      else if (this.chain.config !== config) this.takeIn(entry)
      else this.hand(entry, config.sequence)
    })
  }

  private hand(entry: PendingEnvelope, configSequence: number): void {
    entry.handed = true
    const submission = { envelope: entry.view, size: envelopeSize(entry.view), configSequence }
    this.service.submit(submission, entry.signal).then(
      (ordered) => this.settle(entry, ordered),
      (error) => this.fail(entry, error),
    )
  }

  /** One config update at a time: the next is computed from what this one leaves. */
  private takeInConfig(entry: PendingEnvelope): void {
    if (this.configsQueued >= CONFIG_QUEUE) {
      this.fail(
        entry,
        new OrderError('ORDERER_OVERLOADED', `${this.configsQueued} config updates wait`, { configs: this.configsQueued }),
      )
      return
    }
    this.configsQueued++
    this.configTail = this.configTail.then(async () => {
      try {
        const submission = await this.configs.propose(entry.view)
        this.assertServing()
        if (entry.abandoned) throw new OrderError('ORDER_ABORTED', 'nobody waits for the config update any more')
        entry.handed = true
        this.settle(entry, await this.service.configure(submission, entry.signal))
      } catch (error) {
        this.fail(entry, error)
      } finally {
        this.configsQueued--
      }
    })
  }

  private settle(entry: PendingEnvelope, ordered: Ordered): void {
    this.inFlight.remove(entry)
    entry.resolve(ordered)
  }

  private fail(entry: PendingEnvelope, error: unknown): void {
    if (entry.settled) return
    this.inFlight.remove(entry)
    const typed = this.typed(error, entry)
    this.metrics.refused(typed.code)
    entry.reject(typed)
  }

  /** Consensus may have seen what failed in an unforeseen way. */
  private typed(error: unknown, entry: PendingEnvelope): HeddleError {
    if (error instanceof OrderError) return error
    if (!entry.handed && error instanceof HeddleError) return error
    this.logger.error({ err: error, txId: entry.view.txId }, 'ordering failed in an unforeseen way')
    const code = entry.handed ? 'ORDER_OUTCOME_UNKNOWN' : 'ORDER_UNAVAILABLE'
    return new OrderError(code, `ordering failed: ${String(error)}`, {}, { cause: error })
  }

  private blocksDurable(blocks: readonly Block[]): void {
    for (const block of blocks) this.metrics.block(block)
    this.metrics.load(this.inFlight.count)
  }

  private configured(_previous: ChannelConfig, next: ChannelConfig): void {
    this.logger.info({ sequence: next.sequence, block: this.chain.tip.number }, 'the channel has a new configuration')
    this.options.onConfig?.(next)
  }

  private haltedBy(error: Error): void {
    this.halted = error
    this.logger.error({ err: error, tip: this.chain.tip.number }, 'ordering of the channel has halted')
    this.failure.reject(error)
    this.refuseOpen()
  }

  private refuseOpen(): void {
    for (const entry of [...this.inFlight.entries()]) {
      const error = entry.handed
        ? new OrderError('ORDER_OUTCOME_UNKNOWN', 'ordering ended before the envelope was known to be durable', {
            txId: entry.view.txId,
          })
        : this.unavailable()
      this.fail(entry, error)
    }
  }

  private assertServing(): void {
    if (this.state !== 'serving' || this.halted !== undefined) throw this.unavailable()
  }

  private unavailable(): OrderError {
    const why =
      this.halted === undefined ? `is ${this.state === 'opened' ? 'starting' : 'stopped'}` : `has halted: ${this.halted.message}`
    return new OrderError(
      'ORDER_UNAVAILABLE',
      `ordering of ${this.channel} ${why}`,
      { channel: this.channel },
      { cause: this.halted },
    )
  }

  private load(): OrderingLoad {
    const host = this
    return {
      get ingress() {
        return host.ingress
      },
      get inFlight() {
        return host.inFlight.count
      },
      get blocks() {
        return host.chain.waiting
      },
    }
  }
}
