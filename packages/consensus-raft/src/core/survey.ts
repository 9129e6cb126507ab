import type { NodeState } from './node-state.ts'
import type { MemberId, Message } from './types.ts'

/** Election timeouts that a survey may last while the others have a leader. */
const PATIENCE = 10

/**
 * Tells a founding member that starts for the first time from one that lost its disk, which look the same to the machine itself.
 *
 * A founder that is asked to survey takes no part until *all* other founding voters have answered that they have no history (term 0, empty
 * log), or that they knew this very incarnation before they had any. Suppose an earlier incarnation of this id had acted: voted for a
 * candidate, or acknowledged a leader's entries. That candidate or leader, or (if it joined later) a voter of those that let it in, is
 * among the founders, had history, durably, before it asked, and had finished its own survey before that: it knows the earlier
 * incarnation, or has forgotten it in a restart, but never knew this one. So its answer condemns this one. Asking a quorum would not do:
 * the vote may be under way to a candidate that was not asked.
 *
 * What is known of the others is kept in memory only. A founder whose survey was not over when another one, already with history, restarted
 * is condemned too, which is safe: it comes back under a fresh id like one that lost its disk. A survey that is over is written down as a hard
 * state of term 0, and is not held again.
 */
export class Survey {
  readonly #node: NodeState
  readonly #others: readonly MemberId[]
  /** Incarnations heard of while this node had no history itself. */
  readonly #known = new Map<MemberId, number>()
  readonly #answered = new Set<MemberId>()
  askAt = 0
  readonly #begunAt: number

  constructor(node: NodeState) {
    this.#node = node
    this.#begunAt = node.now
    this.#others = node.log.membership.voters.filter((id) => id !== node.id)
  }

  get isOver(): boolean {
    return this.#answered.size === this.#others.length
  }

  get #fresh(): boolean {
    return this.#node.term === 0 && this.#node.log.last === 0
  }

  /**
   * Whether it has lasted too long: a founder who has to be asked may have lost its disk and be gone for ever. Once a leader of the others
   * is heard, this node too may as well come in under a fresh id, which is safe at any time.
   */
  get isOverdue(): boolean {
    return this.#node.now - this.#begunAt > PATIENCE * this.#node.options.electionTimeout
  }

  ask(): void {
    const node = this.#node
    this.askAt = node.now + node.options.heartbeat
    for (const id of this.#others) if (!this.#answered.has(id)) node.send('survey', id, {})
  }

  asked(message: Message): void {
    this.#note(message)
    const node = this.#node
    node.send('survey-result', message.from, { index: node.log.last, context: this.#known.get(message.from) ?? 0 })
  }

  /** Takes an answer. True if it condemns this node. */
  answer(message: Message): boolean {
    if (!this.#others.includes(message.from)) return false
    this.#note(message)
    // One without history has noted the incarnation that asked, so whatever it answers with tells whether it was this one.
    if (message.context !== this.#node.incarnation) return true
    this.#answered.add(message.from)
    return false
  }

  #note(message: Message): void {
    if (this.#fresh && this.#others.includes(message.from) && !this.#known.has(message.from))
      this.#known.set(message.from, message.incarnation)
  }
}
