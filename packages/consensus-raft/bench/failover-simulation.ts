import type { Random } from '@heddle/core/plugin'
import { RaftCore } from '../src/core/raft-core.ts'
import type { Entry } from '../src/core/types.ts'

const MEMBERS = [1, 2, 3]
/** Milliseconds: a message on a LAN, and a sync of a disk. */
const LATENCY = [0.2, 1] as const
const SYNC = [0.5, 2] as const
/** Milliseconds between two proposals. */
const PROPOSE_EVERY = 5
/** The leader has led for at least so long when it dies, in units of T. */
const STEADY = 3

export interface FailoverTimes {
  readonly electionTimeout: number
  readonly heartbeat: number
}

/** Events of virtual time, earliest first; of two at the same time the one that was asked for first. */
class Agenda {
  now = 0
  readonly #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  #order = 0

  add(delay: number, run: () => void): void {
    const heap = this.#heap
    const item = { at: this.now + delay, order: this.#order++, run }
    let i = heap.push(item) - 1
    for (let parent = (i - 1) >> 1; i > 0 && before(item, heap[parent]!); parent = (i - 1) >> 1) {
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = item
  }

  step(): void {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      let i = 0
      for (let child = 1; child < heap.length; child = 2 * i + 1) {
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
        if (!before(heap[child]!, last)) break
        heap[i] = heap[child]!
        i = child
      }
      heap[i] = last
    }
    this.now = first.at
    first.run()
  }
}

interface Ordered {
  readonly at: number
  readonly order: number
}

const before = (a: Ordered, b: Ordered): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/**
 * Three cores on virtual time, under a steady load; the leader dies at some moment. Gives the milliseconds between the last commit of a
 * batch that anybody learnt of before its death and the first one after it.
 */
export function failoverGap(random: Random, { electionTimeout, heartbeat }: FailoverTimes): number {
  const agenda = new Agenda()
  const between = ([least, most]: readonly [number, number]): number => least + random.float() * (most - least)
  const nodes = new Map<number, Node>()
  let committed = 0
  let lastCommit = 0
  let death = Number.POSITIVE_INFINITY
  let gap: number | undefined

  const commits = (entries: readonly Entry[]): void => {
    for (const { kind, index } of entries) {
      if (kind !== 'normal' || index <= committed) continue
      committed = index
      if (agenda.now > death) gap ??= agenda.now - lastCommit
      else lastCommit = agenda.now
    }
  }

  class Node {
    readonly core: RaftCore
    #alarm = Number.POSITIVE_INFINITY

    constructor(id: number) {
      const membership = { voters: MEMBERS, outgoing: [], learners: [] }
      const snapshot = { index: 0, term: 0, membership, data: new Uint8Array(0) }
      this.core = new RaftCore({ id, incarnation: id, electionTimeout, heartbeat }, { snapshot }, () => random.float(), 0)
    }

    run(): void {
      const { core } = this
      for (let effects = core.take(agenda.now); effects !== undefined; effects = core.take(agenda.now)) {
        const { persist, messages } = effects
        if (persist !== undefined) {
          this.later(persist.sync ? between(SYNC) : 0, () => core.persisted(persist.sequence, agenda.now))
        }
        for (const message of messages)
          agenda.add(between(LATENCY), () => {
            const to = nodes.get(message.to)
            to?.core.receive(message, agenda.now)
            to?.run()
          })
        commits(effects.committed)
        const last = effects.committed.at(-1)
        if (last !== undefined) core.applied(last.index)
      }
      // A later alarm is found to be too early when it rings.
      if (core.deadline < this.#alarm) {
        const wanted = core.deadline
        this.#alarm = wanted
        this.later(Math.max(0, wanted - agenda.now), () => {
          if (this.#alarm === wanted) this.#alarm = Number.POSITIVE_INFINITY
          core.tick(agenda.now)
        })
      }
    }

    /** Of a dead node nothing happens any more. */
    later(delay: number, act: () => void): void {
      agenda.add(delay, () => {
        if (nodes.get(this.core.id) !== this) return
        act()
        this.run()
      })
    }
  }

  for (const id of MEMBERS) nodes.set(id, new Node(id))
  for (const node of nodes.values()) node.run()
  const payload = new Uint8Array(8).fill(1)
  const propose = (): void => {
    for (const node of nodes.values()) {
      if (node.core.status.role !== 'leader') continue
      node.core.propose([payload], agenda.now)
      node.run()
    }
    agenda.add(PROPOSE_EVERY, propose)
  }
  propose()
  while (committed === 0) agenda.step()
  agenda.add((STEADY + random.float()) * electionTimeout, () => {
    death = agenda.now
    for (const [id, node] of nodes) if (node.core.status.role === 'leader') nodes.delete(id)
  })
  while (gap === undefined) agenda.step()
  return gap
}
