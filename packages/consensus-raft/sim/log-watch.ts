import { createHash } from 'node:crypto'
import type { World } from '@heddle/testkit/simulator'
import type { Entry, Message } from '../src/core/types.ts'

interface Known {
  readonly payload: string
  /** Term of the entry before; undefined until somebody sent it. */
  before: number | undefined
}

/** What a member's log held when it was last heard of: terms by index. */
interface MemberLog {
  readonly terms: number[]
}

const HELD: readonly string[] = ['append', 'heartbeat', 'snapshot', 'timeout-now']

/**
 * Rules of the Raft paper (figure 3), checked on what members say to each other, by member id: election safety, one vote a term, terms
 * that never fall, log matching, leader completeness. And what happened, for coverage.
 */
export class LogWatch {
  readonly #world: World
  /** Term → id that led it. */
  readonly #leaders = new Map<number, number>()
  /** `id term` → candidate that got the vote. */
  readonly #votes = new Map<string, number>()
  /** By id: the highest term of a promise, and what it was when the life under way began. */
  readonly #terms = new Map<number, { life: number; floor: number; highest: number }>()
  /** `index term` → entry. */
  readonly #entries = new Map<string, Known>()
  readonly #logs = new Map<number, MemberLog>()
  /** Commits that a leader told of: highest index by term. */
  readonly #committed = new Map<number, number>()
  /** By id: the highest index that it acknowledged to the leader of a term. */
  readonly #acknowledged = new Map<number, { readonly term: number; readonly index: number }>()
  readonly #snapshots = new Map<number, number>()
  #lastLeader = 0

  constructor(world: World) {
    this.#world = world
  }

  sent(node: string, message: Message): void {
    const { type, from, term, reject, to } = message
    if (HELD.includes(type)) this.#leads(node, message)
    if (type === 'vote') this.#vote(node, from, term, from)
    else if (type === 'vote-result' && !reject) this.#vote(node, from, term, to)
    if (type === 'append') this.#append(message)
    if (type === 'append-result') {
      if (reject) this.#refused(node, message)
      else this.#answered(message)
    }
    // Answers to heartbeats promise nothing; answers that waited for the disk may be of an earlier term than what was sent meanwhile.
    if (HELD.includes(type) || type === 'vote' || type === 'vote-result' || type === 'append-result') this.#term(node, from, term)
  }

  delivered(message: Message): void {
    const { type, to, term, index, logTerm, entries, snapshot } = message
    if (type === 'snapshot' && snapshot !== undefined) this.#snapshots.set(to, snapshot.index)
    if (type !== 'append' || term < (this.#terms.get(to)?.highest ?? 0)) return
    const { terms } = this.#logOf(to)
    if (index > 0 && terms[index] !== undefined && terms[index] !== logTerm) return
    for (const entry of entries) {
      const had = terms[entry.index]
      if (had !== undefined && had !== entry.term) {
        this.#world.count('log truncations')
        terms.length = entry.index
      }
      terms[entry.index] = entry.term
    }
  }

  #leads(node: string, { from, term, commit, type }: Message): void {
    const leader = this.#leaders.get(term)
    if (leader === undefined) {
      this.#leaders.set(term, from)
      this.#elected(node, from, term)
    } else if (leader !== from) this.#world.violate('election safety', `${leader} and ${from} (${node}) both lead term ${term}`)
    if (type === 'append' || type === 'heartbeat') {
      if (commit > (this.#committed.get(term) ?? 0)) this.#committed.set(term, commit)
    }
  }

  #elected(node: string, id: number, term: number): void {
    const world = this.#world
    world.count('elections')
    world.trace.tell(node, `leads term ${term} as ${id}`)
    if (this.#lastLeader !== 0 && this.#lastLeader !== id && world.clients.waiting > 0) world.count('leader changes under load')
    this.#lastLeader = id
    const { lastIndex } = world.node(node)!.host!.status().consensus as { lastIndex: number }
    for (const [earlier, commit] of this.#committed) {
      if (earlier < term && lastIndex < commit)
        world.violate(
          'leader completeness',
          `${node} leads term ${term} with ${lastIndex} entries; ${commit} were committed in term ${earlier}`,
        )
    }
  }

  #vote(node: string, id: number, term: number, candidate: number): void {
    const key = `${id} ${term}`
    const before = this.#votes.get(key)
    if (before === undefined) this.#votes.set(key, candidate)
    else if (before !== candidate)
      this.#world.violate('one vote a term', `${node} (${id}) voted in term ${term} for ${before} and for ${candidate}`)
  }

  /** What was promised in a term was durable before: a node never comes back in an earlier one. */
  #term(node: string, id: number, term: number): void {
    const { lives } = this.#world.node(node)!
    let known = this.#terms.get(id)
    if (known?.life !== lives) {
      known = { life: lives, floor: known?.highest ?? 0, highest: known?.highest ?? 0 }
      this.#terms.set(id, known)
    }
    if (term < known.floor)
      this.#world.violate(
        'terms are monotonic',
        `${node} (${id}) was in term ${known.floor} before it restarted, and is in term ${term}`,
      )
    else if (term > known.highest) known.highest = term
  }

  #append({ from, index, logTerm, entries }: Message): void {
    const { terms } = this.#logOf(from)
    let before = logTerm
    for (const entry of entries) {
      this.#entry(entry, before)
      terms[entry.index] = entry.term
      before = entry.term
    }
    if (entries.length > 0 && index >= 0) terms.length = Math.max(terms.length, entries.at(-1)!.index + 1)
  }

  /** Log matching: an index and term name one entry, and one entry before it, whoever sends it. */
  #entry({ index, term, kind, payload }: Entry, before: number): void {
    const key = `${index} ${term}`
    const known = this.#entries.get(key)
    const text = `${kind} ${payload.length === 0 ? '' : createHash('sha1').update(payload).digest('base64')}`
    if (known === undefined) {
      this.#entries.set(key, { payload: text, before })
      return
    }
    if (known.payload !== text) this.#world.violate('log matching', `entry ${index} of term ${term} is two different entries`)
    if (known.before !== undefined && known.before !== before)
      this.#world.violate(
        'log matching',
        `before entry ${index} of term ${term} stand entries of terms ${known.before} and ${before}`,
      )
    known.before = before
  }

  /** Within a term nobody takes back what was acknowledged: it is on the disk. */
  #refused(node: string, { from, term, hint }: Message): void {
    const known = this.#acknowledged.get(from)
    // Without a hint it only tells an earlier leader of the term.
    if (known?.term === term && hint > 0 && hint < known.index)
      this.#world.violate(
        'acknowledged entries stay',
        `${node} (${from}) acknowledged entry ${known.index} in term ${term}, and has ${hint}`,
      )
  }

  #answered({ from, term, index }: Message): void {
    const known = this.#acknowledged.get(from)
    if (known === undefined || known.term < term || (known.term === term && known.index < index))
      this.#acknowledged.set(from, { term, index })
    const snapshot = this.#snapshots.get(from)
    if (snapshot === undefined || index < snapshot) return
    this.#snapshots.delete(from)
    this.#world.count('snapshot catch-ups')
  }

  #logOf(id: number): MemberLog {
    let log = this.#logs.get(id)
    if (log === undefined) {
      log = { terms: [] }
      this.#logs.set(id, log)
    }
    return log
  }
}
