import type { Block } from '../model/block.ts'
import { validationCodeName } from '../model/validation-code.ts'
import type { Counter, Gauge, Histogram, Metrics } from '../ports/metrics.ts'

/** What operators see of a channel at a peer. */
export class PeerChannelMetrics {
  private readonly metrics: Metrics
  private readonly labels: { readonly node: string; readonly channel: string }
  private readonly height: Gauge
  private readonly duration: Histogram
  private readonly refusals: Counter
  private readonly halts: Gauge
  private readonly byCode: (Counter | undefined)[] = []

  constructor(metrics: Metrics, node: string, channel: string) {
    this.metrics = metrics
    this.labels = { node, channel }
    this.height = metrics.gauge('heddle_peer_height', 'Committed blocks.', this.labels)
    this.duration = metrics.histogram(
      'heddle_peer_block_seconds',
      'From the start of validation to the commit of a block.',
      this.labels,
    )
    this.refusals = metrics.counter(
      'heddle_peer_blocks_refused_total',
      'Blocks that failed number, hash chain or signatures.',
      this.labels,
    )
    this.halts = metrics.gauge('heddle_peer_halted', '1 when the channel halted on an error of the infrastructure.', this.labels)
  }

  committed(block: Block, flags: Uint8Array, milliseconds: number): void {
    this.height.set(block.number + 1)
    this.duration.observe(milliseconds / 1000)
    const counts = new Map<number, number>()
    for (const code of flags) counts.set(code, (counts.get(code) ?? 0) + 1)
    for (const [code, count] of counts) this.counter(code).add(count)
  }

  refused(): void {
    this.refusals.add()
  }

  halted(): void {
    this.halts.set(1)
  }

  private counter(code: number): Counter {
    this.byCode[code] ??= this.metrics.counter('heddle_peer_transactions_total', 'Committed transactions by validation code.', {
      ...this.labels,
      code: validationCodeName(code),
    })
    return this.byCode[code]
  }
}
