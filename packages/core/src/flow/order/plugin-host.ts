import { EnvelopeView } from '../../model/envelope-view.ts'
import type { Environment } from '../../ports/environment.ts'
import type { Signer } from '../../ports/identity.ts'
import type {
  Batch,
  BlockCutter,
  ChannelHost,
  ConfigSubmission,
  Decided,
  Decision,
  OrderingConfig,
  OrderingLoad,
  Submission,
  Tip,
} from '../../ports/ordering-service.ts'
import { nextBlock } from './block-assembly.ts'
import { BatchCutter } from './block-cutter.ts'
import type { CatchUp } from './catch-up.ts'
import type { ConfigProcessing } from './config-processing.ts'
import { OrderError } from './errors.ts'
import type { IngressFilters } from './ingress-filters.ts'
import type { OrderedChain } from './ordered-chain.ts'

export interface PluginHostParts {
  readonly channel: string
  readonly chain: OrderedChain
  readonly load: OrderingLoad
  readonly filters: IngressFilters
  readonly configs: ConfigProcessing
  readonly catchUp: CatchUp
  readonly signer: Signer
  readonly environment: Environment
  readonly members: () => readonly string[]
  readonly identityOf: (member: string) => Uint8Array | undefined
}

/** What a consensus plugin sees of the channel, and nothing more. */
export class PluginHost implements ChannelHost {
  readonly channel: string
  readonly node: string
  readonly identity: Uint8Array
  readonly environment: Environment
  readonly load: OrderingLoad
  private readonly parts: PluginHostParts

  constructor(parts: PluginHostParts) {
    this.parts = parts
    this.channel = parts.channel
    this.node = parts.environment.transport.self
    this.identity = parts.signer.identity
    this.environment = parts.environment
    this.load = parts.load
  }

  get config(): OrderingConfig {
    return this.parts.chain.config.ordering
  }

  get tip(): Tip {
    return this.parts.chain.tip
  }

  get members(): readonly string[] {
    return this.parts.members()
  }

  get genesisHash(): Uint8Array {
    return this.parts.chain.genesisHash
  }

  get genesisConfig(): OrderingConfig {
    return this.parts.chain.genesisConfig
  }

  identityOf(member: string): Uint8Array | undefined {
    return member === this.node ? this.identity : this.parts.identityOf(member)
  }

  cutter<T>(): BlockCutter<T> {
    return new BatchCutter<T>(() => this.config.batchSize)
  }

  async recheck(submission: Submission): Promise<Submission> {
    const { chain, filters } = this.parts
    let config = chain.config
    if (submission.configSequence === config.sequence) return submission
    for (;;) {
      await filters.pass(config, submission.envelope, 'normal')
      if (chain.config === config) return { ...submission, configSequence: config.sequence }
      config = chain.config
    }
  }

  recheckConfig(submission: Submission): Promise<ConfigSubmission> {
    return this.parts.configs.again(submission.envelope)
  }

  header(parent: { readonly number: number; readonly headerHash: Uint8Array }, batch: Batch) {
    return nextBlock(parent, batch).header
  }

  async verify(batch: Batch): Promise<void> {
    const { chain, filters, configs } = this.parts
    const { config } = chain
    const views = batch.envelopes.map((each) => (each instanceof Uint8Array ? new EnvelopeView(each) : each))
    if (batch.isConfig) {
      if (views.length !== 1) throw new OrderError('ORDER_BAD_DECISION', 'a config envelope does not stand alone')
      await configs.verify(views[0]!)
      return
    }
    if (views.length === 0) throw new OrderError('ORDER_BAD_DECISION', 'an empty batch')
    await Promise.all(
      views.map((view) => {
        filters.classify(view)
        return filters.pass(config, view, 'normal')
      }),
    )
  }

  sign(header: Uint8Array, metadata: Uint8Array) {
    return this.parts.chain.sign(header, metadata)
  }

  decide(decision: Decision): Decided {
    return this.parts.chain.decide(decision)
  }

  pull(from: number, to: number, signal: AbortSignal): Promise<void> {
    return this.parts.catchUp.pull(from, to, signal)
  }

  send(to: string, message: Uint8Array): void {
    this.environment.transport.send({ to, service: 'order', channel: this.channel }, message)
  }

  halt(reason: Error): void {
    this.parts.chain.halt(reason)
  }
}
