import { appendAccepted } from './message.ts'
import type { NodeState } from './node-state.ts'
import type { DropReason, Message, Snapshot } from './types.ts'

/** The follower's side of replication (5.3) and of snapshots (7). Messages have been found to be of this term's leader. */
export class Follower {
  readonly #node: NodeState
  /** A snapshot that the state machine is being brought to. */
  #installing: Snapshot | undefined
  #handedOut = false

  constructor(node: NodeState) {
    this.#node = node
  }

  append(message: Message): void {
    const node = this.#node
    const { log, outbox } = node
    if (message.index < log.commit) {
      // Old news: what is committed agrees with every leader's log from here on.
      outbox.hold(appendAccepted(node, message.from, log.commit), node.term, node.vote)
      return
    }
    if (log.termAt(message.index) !== message.logTerm) {
      this.#refuse(message)
      return
    }
    const truncated = log.merge(message.entries)
    if (truncated > 0) outbox.truncated(truncated)
    const matched = message.index + message.entries.length
    log.commitTo(Math.min(message.commit, matched))
    outbox.hold(appendAccepted(node, message.from, matched), node.term, node.vote)
  }

  /** Says where to try next: the last index here whose term is not above that of the anchor which did not match. */
  #refuse(message: Message): void {
    const { log } = this.#node
    const hint = log.lastNotAbove(message.index, message.logTerm)
    const fields = { index: message.index, reject: true, hint, logTerm: Math.max(log.termAt(hint), 0) }
    this.#node.sendDurably('append-result', message.from, fields)
  }

  heartbeat(message: Message): DropReason | undefined {
    const { log } = this.#node
    // The leader names only what this node has acknowledged; if that is not here, it was lost, and nothing may be built on it.
    if (message.commit > log.last) return 'impossible-index'
    log.commitTo(message.commit)
    this.#node.send('heartbeat-result', message.from, { context: message.context })
    return undefined
  }

  snapshot(message: Message): void {
    const node = this.#node
    const { log, outbox } = node
    const snapshot = message.snapshot!
    if (snapshot.index <= log.commit) {
      outbox.hold(appendAccepted(node, message.from, log.commit), node.term, node.vote)
    } else if (log.termAt(snapshot.index) === snapshot.term) {
      // All of it is here already.
      log.commitTo(snapshot.index)
      outbox.hold(appendAccepted(node, message.from, snapshot.index), node.term, node.vote)
    } else if (this.#installing === undefined) {
      // One at a time: a newer one would throw away what was pulled so far, and on a busy channel there always is a newer one.
      this.#installing = snapshot
      this.#handedOut = false
    }
  }

  /** The snapshot to install, once. */
  takeInstall(): Snapshot | undefined {
    if (this.#installing === undefined || this.#handedOut) return undefined
    this.#handedOut = true
    return this.#installing
  }

  /** The state machine stands at the snapshot: it becomes the log, unless the log has come so far meanwhile. */
  installed(index: number): void {
    const node = this.#node
    const { log, outbox } = node
    const snapshot = this.#installing
    if (snapshot === undefined || snapshot.index !== index) return
    this.#installing = undefined
    if (node.role === 'leader' || snapshot.index <= log.commit) return
    if (log.termAt(snapshot.index) === snapshot.term) {
      log.commitTo(snapshot.index)
    } else {
      log.reset(snapshot)
      outbox.snapshotTaken(snapshot)
    }
    if (node.leader !== 0) outbox.hold(appendAccepted(node, node.leader, snapshot.index), node.term, node.vote)
  }

  installFailed(index: number): void {
    if (this.#installing?.index === index) this.#installing = undefined
  }
}
