import type { Entry, MemberId, Membership, Message } from '../types.ts'
import { type Block, type Disk, diskHas, lastIndexOf, type Machine } from './sim-machine.fixture.ts'

export class Violation extends Error {
  override readonly name: string = 'Violation'
}

const textOf = (entry: Entry): string => new TextDecoder().decode(entry.payload)

/** More than half of the voters and, while joint, of the outgoing ones: counted here anew, so that an error in the core's own count shows. */
const quorumHas = ({ voters, outgoing }: Membership, has: (id: MemberId) => boolean): boolean =>
  [voters, outgoing].every((half) => half.length === 0 || half.filter(has).length * 2 > half.length)

/** What a correct Raft never does, watched from outside: nothing here uses the core's own code. */
export class Checkers {
  /** Leader of each term (election safety, figure 3). */
  readonly leaders = new Map<number, MemberId>()
  /** What was handed out as committed, by index (state machine safety). */
  readonly chosen: (Entry | undefined)[] = []
  /** All blocks, in the order in which the first machine applied them. */
  readonly chain: Block[] = []
  /** Highest index that anybody knows to be committed. */
  committed = 0
  /** Disks that were lost: what they held counted when it was acknowledged. */
  readonly graveyard: Disk[] = []
  /** For whom an id voted in a term, whatever became of its disk since. */
  readonly #votes = new Map<string, MemberId>()
  readonly #durableTerm = new Map<MemberId, number>()

  fail(rule: string, detail: string): never {
    throw new Violation(`${rule}: ${detail}`)
  }

  leads(machine: Machine): void {
    const { term, id } = machine.core!.status
    const other = this.leaders.get(term)
    if (other !== undefined && other !== id) this.fail('election safety', `${id} and ${other} both lead in term ${term}`)
    if (other === id) return
    this.leaders.set(term, id)
    const core = machine.core!
    // Leader completeness: all that is committed is in its log.
    for (let index = core.status.firstIndex; index <= this.committed; index++) {
      const entry = this.chosen[index]
      if (entry !== undefined && core.entryAt(index)?.term !== entry.term)
        this.fail('leader completeness', `${id}, leader of term ${term}, lacks committed entry ${index} of term ${entry.term}`)
    }
    if (core.status.firstIndex > this.committed + 1) this.fail('compaction', `${id} has compacted what is not committed`)
  }

  /** A commit index that nobody had before rests on what is on disks, not on what was said. */
  commitMoved(machine: Machine, machines: readonly Machine[]): void {
    const core = machine.core!
    const { commit, membership, id } = core.status
    if (commit <= this.committed) return
    const term = core.entryAt(commit)?.term ?? -1
    const durable = (member: MemberId): boolean =>
      machines.some(({ disk }) => disk.id === member && diskHas(disk, commit, term)) ||
      this.graveyard.some((disk) => disk.id === member && diskHas(disk, commit, term))
    if (!quorumHas(membership, durable)) this.fail('durability', `${id} commits ${commit}, which is not durable on a quorum`)
    this.committed = commit
  }

  handedOut(id: MemberId, entries: readonly Entry[], disk: Machine['disk']): void {
    for (const entry of entries) {
      const known = this.chosen[entry.index]
      if (known !== undefined && (known.term !== entry.term || textOf(known) !== textOf(entry)))
        this.fail('state machine safety', `${id} applies ${textOf(entry)} at ${entry.index}, another applied ${textOf(known)}`)
      if (entry.index > this.committed) this.fail('commit', `${id} applies ${entry.index}, committed is ${this.committed}`)
      if (!diskHas(disk, entry.index, entry.term))
        this.fail('durability', `${id} applies ${entry.index}, which is not on its disk`)
      this.chosen[entry.index] = entry
    }
  }

  applied(id: MemberId, blocks: readonly Block[], position: number): void {
    const block = blocks[position]!
    const known = this.chain[position]
    if (known === undefined) this.chain.push(block)
    else if (known.index !== block.index || known.text !== block.text)
      this.fail(
        'one chain',
        `block ${position} of ${id} is ${block.text} (${block.index}), elsewhere ${known.text} (${known.index})`,
      )
  }

  /** Promises may leave a node only when the disk holds them (5.2, 5.3; "persistent state" of figure 2). */
  sends(machine: Machine, message: Message): void {
    const { disk } = machine
    const term = disk.hardState?.term ?? 0
    if (message.type === 'vote-result' && !message.reject) {
      const ballot = `${message.from} in term ${message.term}`
      const before = this.#votes.get(ballot)
      if (before !== undefined && before !== message.to) this.fail('one vote a term', `${ballot} for ${before} and ${message.to}`)
      this.#votes.set(ballot, message.to)
      if (term < message.term || (term === message.term && disk.hardState?.vote !== message.to))
        this.fail('votes durable', `${message.from} votes for ${message.to} in term ${message.term}, the disk says otherwise`)
    } else if (message.type === 'vote') {
      const ballot = `${message.from} in term ${message.term}`
      const before = this.#votes.get(ballot)
      if (before !== undefined && before !== message.from) this.fail('one vote a term', `${ballot} for ${before} and itself`)
      this.#votes.set(ballot, message.from)
      if (term < message.term) this.fail('votes durable', `${message.from} stands in term ${message.term}, the disk has ${term}`)
      // What was asked for by one who has stopped standing meanwhile is never counted.
      if (machine.core?.status.role === 'candidate' && term === message.term && lastIndexOf(disk) < message.index)
        this.fail('entries durable', `${message.from} stands with entries that are not on its disk`)
    } else if (message.type === 'append-result' && !message.reject && term <= message.term) {
      if (term < message.term || lastIndexOf(disk) < message.index)
        this.fail('entries durable', `${message.from} acknowledges ${message.index} before its disk has it`)
    } else if (message.type === 'append' && message.entries.some((entry) => entry.term > message.term)) {
      this.fail('terms', `${message.from} sends entries of a later term than its own`)
    }
  }

  termShown(machine: Machine): void {
    const { term, id } = machine.core!.status
    if (term < machine.term) this.fail('terms monotonic', `${id} went from term ${machine.term} to ${term}`)
    machine.term = term
    const durable = machine.disk.hardState?.term ?? 0
    if (durable < (this.#durableTerm.get(id) ?? 0)) this.fail('terms monotonic', `the disk of ${id} went back to term ${durable}`)
    this.#durableTerm.set(id, durable)
  }

  /** Log matching (figure 3): where two logs have the same term at an index, they are the same up to there. */
  logsMatch(machines: readonly Machine[]): void {
    const cores = machines.flatMap(({ core }) => (core === undefined ? [] : [core]))
    for (let a = 0; a < cores.length; a++)
      for (let b = a + 1; b < cores.length; b++) {
        const first = Math.max(cores[a]!.status.firstIndex, cores[b]!.status.firstIndex)
        let matched = false
        for (let index = Math.min(cores[a]!.status.lastIndex, cores[b]!.status.lastIndex); index >= first; index--) {
          const one = cores[a]!.entryAt(index)!
          const other = cores[b]!.entryAt(index)!
          if (one.term === other.term) {
            matched = true
            if (textOf(one) !== textOf(other) || one.kind !== other.kind)
              this.fail('log matching', `${cores[a]!.id} and ${cores[b]!.id} differ at ${index} within term ${one.term}`)
          } else if (matched) {
            this.fail('log matching', `${cores[a]!.id} and ${cores[b]!.id} differ at ${index} before an entry that they share`)
          }
        }
      }
  }

  /** A disk was lost and its id is used again. */
  forget(id: MemberId): void {
    this.#durableTerm.delete(id)
  }

  read(id: MemberId, index: number, atLeast: number): void {
    if (index < atLeast) this.fail('linearizable reads', `${id} may read at ${index}, but ${atLeast} was committed when it asked`)
  }
}
