// The core alone: three members in memory, no disk and no network, each message delivered as it comes. Beside it, a bare loop that makes and
// delivers as many objects of a message's shape.
import { row, runBenchmark } from '@heddle/testkit/benchmark'
import { RaftCore } from '../src/core/raft-core.ts'
import type { MemberId, Message, Snapshot } from '../src/core/types.ts'

const IDS: readonly MemberId[] = [1, 2, 3]
const PAYLOAD = new Uint8Array(1024)
const TURNS = 200_000
const ENTRIES_A_TURN = 64

const founders: Snapshot = { index: 0, term: 0, membership: { voters: IDS, outgoing: [], learners: [] }, data: new Uint8Array(0) }

/** Cores, and a queue of what is under way between them. */
class Cluster {
  readonly #cores: readonly RaftCore[]
  #queue: Message[] = []
  #now = 0
  #compacted = 0
  messages = 0
  committed = 0

  constructor() {
    this.#cores = IDS.map((id) => new RaftCore({ id, incarnation: id }, { snapshot: founders }, () => id / 10, 0))
    this.#now = 1_000
    this.#cores[0]!.tick(this.#now)
    this.run()
    this.messages = 0
  }

  /** One turn of the leader: a proposal, and all that follows from it. */
  turn(payloads: readonly Uint8Array[]): void {
    this.#now += 0.01
    const leader = this.#cores[0]!
    if (!leader.propose(payloads, this.#now).accepted) throw new Error('refused')
    this.run()
    if (this.committed - this.#compacted < 4096) return
    this.#compacted = this.committed
    this.#compact()
  }

  #compact(): void {
    for (const core of this.#cores) core.compact(core.snapshotAt(core.status.applied, new Uint8Array(0)), 100)
  }

  run(): void {
    for (const core of this.#cores) this.#drain(core)
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      this.messages += batch.length
      for (const message of batch) this.#cores[message.to - 1]!.receive(message, this.#now)
      for (const core of this.#cores) this.#drain(core)
    }
  }

  #drain(core: RaftCore): void {
    for (let effects = core.take(this.#now); effects !== undefined; effects = core.take(this.#now)) {
      for (const message of effects.messages) this.#queue.push(message)
      if (effects.persist !== undefined) core.persisted(effects.persist.sequence, this.#now)
      const last = effects.committed[effects.committed.length - 1]
      if (last !== undefined) {
        core.applied(last.index)
        if (core === this.#cores[0]) this.committed += effects.committed.length
      }
    }
  }
}

const timed = (work: () => void): number => {
  const started = performance.now()
  work()
  return (performance.now() - started) / 1000
}

const measure = (turns: number, entries: number): { messages: number; committed: number } => {
  const payloads = Array.from({ length: entries }, () => PAYLOAD)
  const warm = new Cluster()
  for (let i = 0; i < turns / 10; i++) warm.turn(payloads)
  const cluster = new Cluster()
  const seconds = timed(() => {
    for (let i = 0; i < turns; i++) cluster.turn(payloads)
  })
  return { messages: cluster.messages / seconds, committed: cluster.committed / seconds }
}

/** As many deliveries of as large an object, and nothing else. */
const bareLoop = (count: number): number => {
  let queue: Message[] = []
  let sum = 0
  const seconds = timed(() => {
    for (let i = 0; i < count; i++) {
      queue.push({
        type: 'append',
        from: 1,
        to: 2,
        term: 1,
        incarnation: 1,
        index: i,
        logTerm: 1,
        commit: i,
        hint: 0,
        context: 0,
        reject: false,
        entries: [{ index: i, term: 1, kind: 'normal', payload: PAYLOAD, membership: undefined }],
        snapshot: undefined,
      })
      if (queue.length < 8) continue
      for (const message of queue) sum += message.index + message.entries[0]!.term
      queue = []
    }
  })
  if (sum === 0) throw new Error('nothing was delivered')
  return count / seconds
}

await runBenchmark('raft-core', async () => {
  bareLoop(1_000_000)
  const bare = bareLoop(5_000_000)
  const single = measure(TURNS, 1)
  const batched = measure(TURNS / 10, ENTRIES_A_TURN)
  const reference = { name: 'bare loop', value: bare }
  return [
    row('messages', 'messages/s', single.messages, reference),
    row('entries-one-a-turn', 'entries/s', single.committed, reference),
    row(`entries-${ENTRIES_A_TURN}-a-turn`, 'entries/s', batched.committed, reference),
  ]
})
