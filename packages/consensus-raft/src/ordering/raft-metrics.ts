import type { Counter, Environment, Gauge, Histogram } from '@heddle/core/plugin'
import type { RoleState } from '../core/types.ts'

/** What the Raft ordering of one channel counts at one node. */
export class RaftMetrics {
  readonly #proposals: Counter
  readonly #commitLatency: Histogram
  readonly #appliedIndex: Gauge
  /** When entries that are under way were proposed here, by index. */
  readonly #proposedAt = new Map<number, number>()
  readonly snapshots: Counter
  readonly #leaderChanges: Counter
  readonly #term: Gauge
  readonly #isLeader: Gauge
  readonly #hasLeader: Gauge
  readonly #dropped: (reason: string) => Counter
  #leader = 0

  constructor({ metrics }: Environment, channel: string) {
    const labels = { channel }
    this.#proposals = metrics.counter('heddle_raft_proposals_total', 'Batches that this leader proposed', labels)
    this.#commitLatency = metrics.histogram(
      'heddle_raft_commit_seconds',
      'Time from the proposal of a batch to its commit, at the leader',
      labels,
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    )
    this.#appliedIndex = metrics.gauge('heddle_raft_applied_index', 'Last entry that was applied here', labels)
    this.snapshots = metrics.counter('heddle_raft_snapshots_total', 'Snapshots that this node made', labels)
    this.#leaderChanges = metrics.counter('heddle_raft_leader_changes_total', 'Leaders that this node saw come', labels)
    this.#term = metrics.gauge('heddle_raft_term', 'Term that this node is in', labels)
    this.#isLeader = metrics.gauge('heddle_raft_is_leader', '1 while this node leads', labels)
    this.#hasLeader = metrics.gauge('heddle_raft_has_leader', '1 while this node knows a leader', labels)
    this.#dropped = (reason) =>
      metrics.counter('heddle_raft_dropped_messages_total', 'Messages of the cluster that had no effect, by reason', {
        channel,
        reason,
      })
  }

  proposed(index: number, now: number): void {
    this.#proposals.add()
    this.#proposedAt.set(index, now)
  }

  committed(index: number, now: number): void {
    this.#appliedIndex.set(index)
    const at = this.#proposedAt.get(index)
    if (at === undefined) return
    this.#proposedAt.delete(index)
    this.#commitLatency.observe((now - at) / 1000)
  }

  role({ role, term, leader }: RoleState): void {
    if (leader !== 0 && leader !== this.#leader) this.#leaderChanges.add()
    this.#leader = leader
    // What was proposed and not committed may be replaced: its time would mean nothing.
    if (role !== 'leader') this.#proposedAt.clear()
    this.#term.set(term)
    this.#isLeader.set(role === 'leader' ? 1 : 0)
    this.#hasLeader.set(leader === 0 ? 0 : 1)
  }

  dropped(reason: string): void {
    this.#dropped(reason).add()
  }
}
