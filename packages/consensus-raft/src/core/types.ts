/**
 * Public vocabulary of the Raft core: a synchronous state machine without promises, time or randomness of its own.
 *
 * The driver's loop, for each turn of its event loop:
 *
 *     core.receive(message, now) / core.propose(...) / core.tick(now) / core.persisted(sequence, now) / ...   (any number)
 *     const effects = core.take(now)
 *     if (effects !== undefined) run them, in the order that {@link Effects} asks for
 *     arm one timer for core.deadline (an armed timer that fires too early does no harm, so it need not be moved further away)
 *
 * Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)", 2014, cited below by
 * section (5.1 to 7); Ongaro's dissertation "Consensus: Bridging Theory and Practice", 2014 (3.10 leadership transfer, 6.4 read index,
 * 9.6 pre-vote); and the lessons of etcd-io/raft.
 */

/**
 * Identity of a member: a positive safe integer, 0 stands for nobody.
 *
 * An id is an identity of a *log*, not of a machine: it is used by one log only, for ever. A machine that lost its disk comes back under an
 * id that was never used before, see {@link Restored.founding} and `membership.ts`. (A shell may put the machine into the upper bits and
 * a number drawn with the log into the lower ones.)
 */
export type MemberId = number

/**
 * Who votes. All lists ascend and hold no id twice.
 *
 * While `outgoing` is not empty the configuration is *joint* (section 6): elections and commits need a majority of `voters` and a majority
 * of `outgoing`. A learner gets the log and counts for nothing; an id in `outgoing` and `learners` is a voter on its way to a learner.
 */
export interface Membership {
  readonly voters: readonly MemberId[]
  readonly outgoing: readonly MemberId[]
  readonly learners: readonly MemberId[]
}

/** What a membership change asks for: the members as they shall be afterwards. The core finds the steps that lead there. */
export interface MembershipTarget {
  readonly voters: readonly MemberId[]
  readonly learners: readonly MemberId[]
}

/**
 * - `normal`: a batch.
 * - `config`: a config block's envelope, and with it the membership that it brings, if it changes that.
 * - `empty`: no payload: the first entry of a leader's term (5.4.2), the end of a joint configuration, or a change of ids alone. The
 *   shell moves its applied index over it and does nothing else.
 */
export type EntryKind = 'normal' | 'config' | 'empty'

/** One entry of the log. Never changed once made; the same object travels through log, messages and effects. */
export interface Entry {
  readonly index: number
  readonly term: number
  readonly kind: EntryKind
  /** Opaque to the core; empty if kind is `empty`. */
  readonly payload: Uint8Array
  /** The whole membership from this entry on (not a difference), or undefined where the entry does not change it. */
  readonly membership: Membership | undefined
}

/** Stands for all entries up to `index`. Blocks are not in it: `data` says where the state machine stands (a block number), blocks are pulled. */
export interface Snapshot {
  readonly index: number
  readonly term: number
  /** Membership as of `index`. */
  readonly membership: Membership
  /** Opaque to the core, at most a few kilobytes. */
  readonly data: Uint8Array
}

/** What must survive a crash beside the log (figure 2; `commit` only saves time after a restart). */
export interface HardState {
  readonly term: number
  /** Whom this node voted for in `term`; 0: nobody. */
  readonly vote: MemberId
  readonly commit: number
}

/**
 * | type | sent by | fields that mean something, beside from, to, term, incarnation |
 * | --- | --- | --- |
 * | `append` | leader | `index`, `logTerm` of the entry before `entries`; `entries`, `commit` |
 * | `append-result` | follower | `index`: all up to it matches; or `reject`, then `index` is the refused one, `hint` and `logTerm` where to try next |
 * | `heartbeat` | leader | `commit` (never beyond what the follower matched), `context`: round of read index confirmation |
 * | `heartbeat-result` | follower | `context` as received |
 * | `snapshot` | leader | `snapshot` |
 * | `pre-vote`, `vote` | candidate | `index`, `logTerm` of its last entry; `term` it stands for; `context` 1: leadership transfer |
 * | `pre-vote-result`, `vote-result` | voter | `reject`; `term`: the one voted in, or the voter's own when it rejects |
 * | `timeout-now` | leader | none: the receiver campaigns at once (3.10) |
 * | `read-index` | follower | `context` of its request |
 * | `read-index-result` | leader | `index`, `context` |
 * | `survey` | a founder | none: do you know my id? |
 * | `survey-result` | anybody | `index` of its last entry, `context`: incarnation by which it knows the asker, 0 if it does not |
 * | `disown` | anybody | `context`: incarnation of the receiver that is refused, since its id belongs to another log |
 */
export type MessageType =
  | 'append'
  | 'append-result'
  | 'heartbeat'
  | 'heartbeat-result'
  | 'snapshot'
  | 'pre-vote'
  | 'pre-vote-result'
  | 'vote'
  | 'vote-result'
  | 'timeout-now'
  | 'read-index'
  | 'read-index-result'
  | 'survey'
  | 'survey-result'
  | 'disown'

/**
 * A message between two cores. Flat, with every field always there (0, false, an empty list or undefined where it means nothing), so that
 * all messages have one shape. Numbers are non-negative safe integers. Never changed once made.
 */
export interface Message {
  readonly type: MessageType
  readonly from: MemberId
  readonly to: MemberId
  readonly term: number
  /** Incarnation of the sender's log, see {@link RaftOptions.incarnation}. */
  readonly incarnation: number
  readonly index: number
  readonly logTerm: number
  readonly commit: number
  readonly hint: number
  readonly context: number
  readonly reject: boolean
  readonly entries: readonly Entry[]
  readonly snapshot: Snapshot | undefined
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** Times in milliseconds, sizes in bytes. All are checked; a bad one throws {@link RaftOptionsError} (`errors.ts`). */
export interface RaftOptions {
  readonly id: MemberId
  /**
   * Positive safe integer drawn at random when this log was created and stored with it. Every message carries it: whoever hears two
   * incarnations of one id knows that the member lost its disk and was started again under its old id, drops it and tells it so.
   */
  readonly incarnation: number
  /** T: election timeouts are drawn from [T, 2T). Default 600: with a heartbeat of 100 six lost heartbeats, and a failover below 2.2 T. */
  readonly electionTimeout?: number
  /** Default 100. Less than `electionTimeout`. */
  readonly heartbeat?: number
  /** Append messages on their way to one follower before it answers. Default 256. */
  readonly maxInflight?: number
  /** Payload bytes on their way to one follower. Default 64 MiB. At least `maxMessageBytes`. */
  readonly maxInflightBytes?: number
  /** Payload bytes of one append message; a larger entry travels alone. Default 1 MiB. */
  readonly maxMessageBytes?: number
  /** Payload bytes that a leader holds uncommitted before it refuses proposals; a single larger entry is taken when nothing waits. Default 64 MiB. */
  readonly maxUncommittedBytes?: number
  /** Default true (dissertation 9.6): a node that was cut off does not disturb the others when it returns. */
  readonly preVote?: boolean
  /** Default true: a leader that has not heard from a quorum for T steps down, and followers refuse votes while they hear from a leader. */
  readonly checkQuorum?: boolean
}

/** What was read back from disk, or the founding state. */
export interface Restored {
  /** Leave it out if none was ever written (never make up one): default term 0, vote 0, commit = the snapshot's index. */
  readonly hardState?: HardState
  /**
   * The last durable snapshot. For a founding member: index 0, term 0 and the founding membership, the same on all. For a node that
   * joins later: leave it out, its membership comes from the leader.
   */
  readonly snapshot?: Snapshot
  /** Durable entries after the snapshot, contiguous. */
  readonly entries?: readonly Entry[]
  /**
   * Index up to which the state machine has durably applied (from the last block's metadata). Default: the snapshot's index. Committed
   * entries after it are handed out again; it may lie beyond the log (blocks were pulled from others) and is then cut back, since the
   * core believes only what its own log proves. So applying must be idempotent by block number.
   */
  readonly applied?: number
  /**
   * Only for a founding member with an empty log and no hard state. A machine cannot tell by itself whether it starts for the first time or has lost its
   * disk; a node that lost its disk must never act under its old id (it may have voted, or acknowledged entries, that it forgot).
   *
   * - `assured` (default): whoever starts the node vouches that this id never acted.
   * - `survey`: the core asks all other founding voters and takes no part until every one of them has answered that it has no history
   *   either, or knows this very incarnation. If one has history without knowing this incarnation, {@link Effects.disowned} is set and
   *   the core stays silent for ever: the way back is a membership change to a fresh id (see `membership.ts`).
   */
  readonly founding?: 'assured' | 'survey'
}

/**
 * Write these together, in this order: snapshot, entries, hard state. A crash may keep any beginning of that (a snapshot alone, some of the
 * entries, no hard state): the core starts from it. It must never keep a later part without the earlier ones.
 */
export interface Persist {
  /** Ascends by one with each batch. Tell {@link RaftCore.persisted} when this batch and all before it are durable. */
  readonly sequence: number
  /** Changed hard state, or undefined. */
  readonly hardState: HardState | undefined
  /** Replaces the whole log: drop every entry, and begin after `snapshot.index`. */
  readonly snapshot: Snapshot | undefined
  /**
   * Contiguous. What the durable log holds at `entries[0].index` and beyond is replaced (truncated first). The core never truncates a
   * committed entry: it throws {@link RaftInvariantError} instead.
   */
  readonly entries: readonly Entry[]
  /** False if only `commit` changed: then no fsync is needed, and `persisted` may be told at once. */
  readonly sync: boolean
}

/** Answer to `readIndex`: once `index` is applied, a read of the state machine is linearizable. */
export interface ReadState {
  readonly context: number
  readonly index: number
}

/** Role, term and leader as they are now. `leader` 0: unknown. */
export interface RoleState {
  readonly role: Role
  readonly term: number
  readonly leader: MemberId
}

/**
 * What `take` hands out. Obligations:
 *
 * 1. `messages` may go out at once, in order, before `persist` is durable (a leader's appends travel while its own disk writes). Whatever
 *    must wait for the disk (votes, requests for votes, answers to appends) is held back inside the core and comes out of a later `take`,
 *    after `persisted`. Messages may be lost, doubled and reordered.
 * 2. `persist` batches are written in order of sequence; several may be on their way. A failed write ends the node: never retry, never
 *    call `persisted` for it.
 * 3. `committed` entries are durable here and on a quorum: apply them in order, then tell `applied`. They come once for each start.
 * 4. `install`: bring the state machine to the snapshot (pull and durably store the blocks up to it), then call `installed(index)`. Only then
 *    does the core take the snapshot into its log and acknowledge it, so no crash can leave a log that claims blocks which nobody has.
 *    Or call `installFailed(index)`; the leader sends it again.
 */
export interface Effects {
  readonly persist: Persist | undefined
  readonly messages: readonly Message[]
  readonly committed: readonly Entry[]
  readonly install: Snapshot | undefined
  readonly reads: readonly ReadState[]
  /** Set when role, term or leader changed since the last `take`. */
  readonly role: RoleState | undefined
  /** Set when the membership in force changed: it is that of the last entry in the log that has one, committed or not (section 6). */
  readonly membership: { readonly index: number; readonly membership: Membership } | undefined
  /** True once when this node learnt that its id belongs to another log: it has lost its disk. The core takes part in nothing from here on. */
  readonly disowned: boolean
}

/** Why a proposal was refused; nothing was appended, a retry is safe. */
export type Refusal =
  /** Ask `leader`, if it is not 0. */
  | 'not-leader'
  /** Leadership is on its way to another node; retry there. */
  | 'transferring'
  /** {@link RaftOptions.maxUncommittedBytes} reached; retry after the next commit. */
  | 'too-much-uncommitted'
  /** Another membership change has not ended yet. */
  | 'change-pending'
  /** The leader has not committed an entry of its own term yet, so it may not know of a pending change; retry after the next commit. */
  | 'leader-too-new'
  /** The target has no voters, an id twice, or an id that is no positive safe integer. */
  | 'invalid-membership'
  /** An empty list of payloads, or an empty payload. */
  | 'empty-proposal'
  /** The transfer's target is no voter, or this node itself. */
  | 'invalid-target'
  /** Too many reads wait for confirmation. */
  | 'too-many-reads'

export type ProposeResult =
  /** Appended from `index` on. Lost if another term is committed at its index; decided when an entry of this index *and term* is committed. */
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: false; readonly reason: Refusal; readonly leader: MemberId }

/** Why a message was dropped without an effect; for metrics. Stale ones are normal on a network that delays. */
export type DropReason =
  | 'wrong-receiver'
  | 'malformed'
  | 'unknown-sender'
  | 'stale-term'
  | 'leased'
  | 'impossible-index'
  | 'unexpected'
  | 'not-leader'
  | 'second-leader'
  | 'amnesiac-sender'
  | 'too-many-reads'
  | 'silent'

export type ProgressState = 'probe' | 'replicate' | 'snapshot'

/** What a leader knows of a member. */
export interface PeerStatus {
  readonly id: MemberId
  readonly state: ProgressState
  /** Highest index known to be durable there. */
  readonly match: number
  readonly next: number
  /** Whether it was heard from since the last quorum check. */
  readonly active: boolean
}

/** For operators, metrics and tests; made anew on each call. */
export interface CoreStatus extends RoleState {
  readonly id: MemberId
  readonly vote: MemberId
  readonly commit: number
  readonly applied: number
  readonly firstIndex: number
  readonly lastIndex: number
  readonly lastTerm: number
  /** Highest index durable here. */
  readonly stable: number
  readonly uncommittedBytes: number
  readonly membership: Membership
  readonly membershipIndex: number
  /** To whom leadership is being transferred, or 0. */
  readonly transferTo: MemberId
  readonly silent: 'no' | 'survey' | 'disowned'
  /** Elections this node started (real ones, pre-votes not counted). */
  readonly elections: number
  /** Of the leader only, ascending by id, itself included. */
  readonly peers: readonly PeerStatus[]
}
