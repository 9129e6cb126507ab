import type { Block } from '../../model/block.ts'
import type { Environment } from '../../ports/environment.ts'
import type { Counter, Gauge, Histogram, Metrics } from '../../ports/metrics.ts'

/** What a channel's ordering counts at one node. */
export class OrderingMetrics {
  private readonly metrics: Metrics
  private readonly channel: string
  private readonly blocks: Counter
  private readonly envelopes: Counter
  private readonly size: Histogram
  private readonly height: Gauge
  private readonly inFlight: Gauge
  private readonly opened: Counter
  private readonly closed: Counter
  private readonly delivered: Counter
  private readonly deliveredBytes: Counter

  constructor(environment: Environment, channel: string) {
    const { metrics } = environment
    const labels = { channel }
    this.metrics = metrics
    this.channel = channel
    this.blocks = metrics.counter('heddle_order_blocks_total', 'Blocks that became durable at this orderer', labels)
    this.envelopes = metrics.counter('heddle_order_envelopes_total', 'Envelopes in durable blocks', labels)
    this.size = metrics.histogram(
      'heddle_order_block_envelopes',
      'Envelopes of a block',
      labels,
      [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    )
    this.height = metrics.gauge('heddle_order_height', 'Durable blocks of the channel', labels)
    this.opened = metrics.counter('heddle_order_deliver_opened_total', 'Readers that began to take blocks', labels)
    this.closed = metrics.counter('heddle_order_deliver_closed_total', 'Readers that ended', labels)
    this.delivered = metrics.counter('heddle_order_deliver_blocks_total', 'Blocks that readers took', labels)
    this.deliveredBytes = metrics.counter('heddle_order_deliver_bytes_total', 'Bytes of envelopes that readers took', labels)
    this.inFlight = metrics.gauge('heddle_order_in_flight', 'Envelopes whose outcome is open', labels)
  }

  block(block: Block): void {
    this.blocks.add()
    this.envelopes.add(block.data.length)
    this.size.observe(block.data.length)
    this.height.set(block.number + 1)
  }

  /** Counts what a reader takes: how many peers pull from an orderer is what block dissemination is judged by. */
  async *reading(blocks: AsyncIterable<Block>): AsyncGenerator<Block, void, undefined> {
    this.opened.add()
    try {
      for await (const block of blocks) {
        this.delivered.add()
        this.deliveredBytes.add(block.data.reduce((sum, envelope) => sum + envelope.length, 0))
        yield block
      }
    } finally {
      this.closed.add()
    }
  }

  load(inFlight: number): void {
    this.inFlight.set(inFlight)
  }

  refused(code: string): void {
    const help = 'Envelopes that were not ordered, by error code'
    this.metrics.counter('heddle_order_refused_total', help, { channel: this.channel, code }).add()
  }
}
