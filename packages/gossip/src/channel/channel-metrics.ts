import type { Counter, Gauge, Histogram, Metrics } from '@heddle/core/plugin'

const HOPS = [1, 2, 3, 4, 6, 8, 12, 16]

/** What operators see of a channel's gossip at a peer. */
export class ChannelMetrics {
  private readonly metrics: Metrics
  private readonly labels: Readonly<Record<string, string>>
  readonly mesh: Gauge
  readonly neighbours: Gauge
  readonly leader: Gauge
  readonly lag: Gauge
  readonly arrival: Histogram
  readonly hops: Histogram
  readonly misbehaved: Counter
  private readonly duplicates: Counter
  private readonly sources: Readonly<Record<'gossip' | 'pull' | 'orderer', Counter>>
  private counted = 0

  constructor(metrics: Metrics, node: string, channel: string) {
    const labels = { node, channel }
    this.metrics = metrics
    this.labels = labels
    this.mesh = metrics.gauge('heddle_gossip_mesh_peers', 'Peers with whom whole messages are exchanged.', labels)
    this.neighbours = metrics.gauge('heddle_gossip_neighbours', 'Connected peers that are in the channel.', labels)
    this.leader = metrics.gauge(
      'heddle_gossip_leader',
      '1 while this peer brings blocks from the orderers for its organisation.',
      labels,
    )
    this.lag = metrics.gauge('heddle_gossip_lag_blocks', 'Blocks that a neighbour has and this peer has not.', labels)
    this.arrival = metrics.histogram(
      'heddle_gossip_arrival_seconds',
      'From the leader that sent a block to its arrival here, by the clocks of the two.',
      labels,
    )
    this.hops = metrics.histogram('heddle_gossip_hops', 'Peers that a block passed on its way here, sampled.', labels, HOPS)
    this.misbehaved = metrics.counter('heddle_gossip_misbehaved_total', 'Peers that sent what no honest one sends.', labels)
    this.duplicates = metrics.counter('heddle_gossip_duplicates_total', 'Messages that came once more.', labels)
    this.sources = { gossip: this.source('gossip'), pull: this.source('pull'), orderer: this.source('orderer') }
  }

  /** @param total duplicates since the start */
  duplicated(total: number): void {
    if (total > this.counted) this.duplicates.add(total - this.counted)
    this.counted = Math.max(this.counted, total)
  }

  came(from: 'gossip' | 'pull' | 'orderer'): void {
    this.sources[from].add()
  }

  private source(source: string): Counter {
    return this.metrics.counter('heddle_gossip_blocks_total', 'Blocks by the way they came.', { ...this.labels, source })
  }
}
