import { allMembers, isVoter } from './membership.ts'
import type { NodeState } from './node-state.ts'
import { type Tally, tally } from './quorum.ts'
import type { DropReason, MemberId, Message } from './types.ts'
import { isLeased, mayVote } from './votes.ts'

/** Elections (5.2, 5.4.1) with pre-vote (dissertation 9.6): asking for votes, counting them, giving them. */
export class Election {
  readonly #node: NodeState
  readonly #votes = new Map<MemberId, boolean>()

  constructor(node: NodeState) {
    this.#node = node
  }

  clear(): void {
    this.#votes.clear()
  }

  /** Asks whether an election could be won, without a new term. A lone voter has won at once. */
  askBefore(): Tally {
    const node = this.#node
    node.role = 'pre-candidate'
    node.leader = 0
    this.#begin()
    this.#ask('pre-vote', node.term + 1, false)
    return this.#count(node.id, true)
  }

  /**
   * Begins a new term and stands in it. Requests wait for the disk: a candidate that forgot its term, or the entries that it named, could
   * ask a second time in the same term with a shorter log and count the answers to its first request. Its own vote comes back to it as a
   * message when it is durable.
   */
  stand(handover: boolean): void {
    const node = this.#node
    node.role = 'candidate'
    node.leader = 0
    node.term++
    node.vote = node.id
    node.elections++
    this.#begin()
    this.#ask('vote', node.term, handover)
    node.sendDurably('vote-result', node.id, {})
  }

  #begin(): void {
    this.#votes.clear()
    this.#node.redrawElectionTimer()
  }

  #ask(type: 'vote' | 'pre-vote', term: number, handover: boolean): void {
    const node = this.#node
    const { log } = node
    const fields = { index: log.last, logTerm: log.lastTerm, context: handover ? 1 : 0 }
    for (const id of allMembers(log.membership)) {
      if (id === node.id || !isVoter(log.membership, id)) continue
      if (type === 'vote') node.sendDurably(type, id, fields, term)
      else node.send(type, id, fields, term)
    }
  }

  #count(from: MemberId, granted: boolean): Tally {
    // The first answer counts: a doubled message must not change it.
    if (!this.#votes.has(from)) this.#votes.set(from, granted)
    return tally(this.#node.log.membership, this.#votes)
  }

  /** An answer to this node's request. */
  answered(message: Message): Tally | DropReason {
    const node = this.#node
    const wanted = node.role === 'pre-candidate' ? 'pre-vote-result' : node.role === 'candidate' ? 'vote-result' : undefined
    if (message.type !== wanted) return 'unexpected'
    // A pre-vote is granted in the term that it was asked for; a grant of an earlier request says nothing about this one.
    if (!message.reject && message.term !== (node.role === 'candidate' ? node.term : node.term + 1)) return 'stale-term'
    if (!isVoter(node.log.membership, message.from)) return 'unknown-sender'
    return this.#count(message.from, !message.reject)
  }

  /** Whether a request of a later term is not even looked at, since this node hears from a leader (or is one). */
  isLeased(message: Message): boolean {
    const { options, leader, role, now, contactAt } = this.#node
    const since = role === 'leader' ? 0 : now - contactAt
    return isLeased(options.checkQuorum, leader, since, options.electionTimeout, message.context === 1)
  }

  /**
   * Answers a request for a vote whose term is this node's (or, of a pre-vote, later). A learner answers too: it may have been made a voter
   * by an entry that it has not got yet, and without its vote nobody could bring it that entry.
   */
  requested(message: Message): void {
    const node = this.#node
    const preVote = message.type === 'pre-vote'
    const answer = preVote ? 'pre-vote-result' : 'vote-result'
    if (mayVote(node, message.from, message.term, preVote) && node.log.isUpToDate(message.index, message.logTerm)) {
      if (!preVote) {
        node.vote = message.from
        node.restartElectionTimer()
      }
      // In the candidate's term, which of a pre-vote is not this node's.
      node.sendDurably(answer, message.from, {}, message.term)
    } else {
      node.sendDurably(answer, message.from, { reject: true })
    }
  }
}
