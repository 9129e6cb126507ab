import {
  type ChannelHost,
  type ConfigSubmission,
  definePlugin,
  OrderError,
  type Ordered,
  type OrderingService,
  type Submission,
} from '@heddle/core/plugin'
import type { Draw, OrderingSubject } from '../src/simulator.ts'

/** What the plugin does wrong. */
export type Carelessness =
  | 'nothing'
  | 'acknowledges before the block is durable'
  | 'acknowledges what it never orders'
  | 'says that nothing happened, and orders'
  | 'orders what nobody sent'
  | 'fills blocks beyond the limit'
  | 'ignores the configuration'
  | 'never answers again'
  | 'halts for no reason'
  | 'refuses with an error of its own'
  | 'refuses what is good'
  | 'each node orders for itself'
  | 'forgets a promise that it does not handle'
  | 'takes real randomness'

const NOTHING = new Uint8Array(0)

/** One envelope a block, at once; nodes do not talk. */
class CarelessOrdering implements OrderingService {
  readonly failed: Promise<never>
  readonly #host: ChannelHost
  readonly #wrong: Carelessness
  readonly #failure = Promise.withResolvers<never>()
  #count = 0

  constructor(host: ChannelHost, wrong: Carelessness) {
    this.#host = host
    this.#wrong = wrong
    this.failed = this.#failure.promise
    this.failed.catch(() => {})
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  receive(): void {}
  adopted(): void {}
  status() {
    return {}
  }

  async submit(submission: Submission): Promise<Ordered> {
    const host = this.#host
    const wrong = ++this.#count % 20 === 0 ? this.#wrong : 'nothing'
    const { envelope } = submission
    if (wrong === 'acknowledges what it never orders') return { blockNumber: 0 }
    if (wrong === 'never answers again') return new Promise(() => {})
    if (wrong === 'refuses with an error of its own') throw new TypeError('what now?')
    if (wrong === 'refuses what is good') throw new OrderError('ORDER_FORBIDDEN', 'I do not like it')
    if (wrong === 'halts for no reason') this.#failure.reject(new Error('enough'))
    if (wrong === 'forgets a promise that it does not handle') void Promise.reject(new Error('nobody looks'))
    if (wrong === 'takes real randomness' && Math.random() < 0.5) throw new OrderError('ORDER_UNAVAILABLE', 'heads')
    const ignores = this.#wrong === 'ignores the configuration'
    if (ignores) await new Promise<void>((resolve) => host.environment.clock.setTimer(10_000, resolve))
    const { envelope: checked } = ignores ? submission : await host.recheck(submission)
    const made = wrong === 'orders what nobody sent' ? forged(envelope.bytes) : checked
    const limit = host.config.batchSize.maxMessageCount
    const envelopes = wrong === 'fills blocks beyond the limit' ? Array(limit + 1).fill(checked) : [made]
    const { number, durable } = host.decide({ batch: { envelopes, isConfig: false }, consenterMetadata: NOTHING })
    if (wrong === 'says that nothing happened, and orders') throw new OrderError('ORDER_UNAVAILABLE', 'not this time')
    if (wrong !== 'acknowledges before the block is durable') await durable
    return { blockNumber: number }
  }

  async configure(submission: ConfigSubmission): Promise<Ordered> {
    const current = await this.#host.recheckConfig(submission)
    const batch = { envelopes: [current.envelope], isConfig: true }
    const { number, durable } = this.#host.decide({ batch, consenterMetadata: NOTHING })
    await durable
    return { blockNumber: number }
  }
}

/** Another signature. */
function forged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  copy[copy.length - 1]! ^= 1
  return copy
}

/** A subject that does one thing wrong, so that a checker has something to find. */
export function careless(wrong: Carelessness): OrderingSubject {
  return {
    name: 'careless',
    plugin: definePlugin<'ordering', Record<string, never>>({
      name: 'careless',
      provides: 'ordering',
      capabilities: { faultModel: 'none', simulable: true, nodes: { min: 1 } },
      create: () => ({
        start: async () => {},
        stop: async () => {},
        join: (host) => new CarelessOrdering(host, wrong),
        validateMetadata: () => {},
        isConsenter: () => true,
      }),
    }),
    plan: (_draw: Draw) => ({
      nodes: wrong === 'each node orders for itself' ? 3 : 1,
      options: {},
      patience: 30_000,
      lostDisks: wrong === 'each node orders for itself' ? 0 : 1,
      without: ['new-disk'],
    }),
    minimum: (seeds) => ({ crashes: seeds }),
  }
}
