import type {
  CoreStatus,
  DropReason,
  Effects,
  MemberId,
  MembershipTarget,
  Message,
  ProposeResult,
  RaftOptions,
  Restored,
  Snapshot,
} from './types.ts'

/** Sketch of the interface; see the docs of types.ts. */
export interface Core {
  /**
   * When `tick` wants to be called, in the time that the driver passes in; Infinity: never. Only ever compare it with the clock that
   * gives `now`. It moves away with every message of the leader: a timer that fires early just finds nothing to do.
   */
  readonly deadline: number
  readonly status: CoreStatus
  /** Time has passed. */
  tick(now: number): void
  /** A message arrived. Never throws for what a peer can send; says why it was dropped. Throws {@link RaftInvariantError} only. */
  receive(message: Message, now: number): DropReason | undefined
  /** Leader: append these payloads as `normal` entries, all or none. Appends of one turn travel together at `take`. */
  propose(payloads: readonly Uint8Array[], now: number): ProposeResult
  /**
   * Leader: append one `config` entry (or `empty`, if `payload` is empty), with a membership change if a target is given. The membership
   * is in force from the moment of appending. A joint configuration ends by itself.
   */
  proposeConfig(payload: Uint8Array, target: MembershipTarget | undefined, now: number): ProposeResult
  /** Leader: hand leadership to a voter (3.10), 0: to the one with the longest log. Proposals are refused until it ends, or T has passed. */
  transfer(to: MemberId, now: number): ProposeResult
  /**
   * Any node: ask for a read index; the answer comes in {@link Effects.reads} with the same context, or never (leader lost): time out and
   * ask again with another context. Contexts must not repeat within the lives of one id, so begin at a random number.
   */
  readIndex(context: number, now: number): ProposeResult
  /** The batch `sequence` and all before it are durable. */
  persisted(sequence: number, now: number): void
  /** The state machine has applied all up to `index`, durably. Bounds compaction. */
  applied(index: number): void
  /** The snapshot of {@link Effects.install} is in the block store, durably. */
  installed(index: number, now: number): void
  /** It could not be had; the core forgets it and takes the leader's next one. */
  installFailed(index: number): void
  /** Makes a snapshot at an applied index: term and membership from the log, `data` from the shell. Changes nothing. */
  snapshotAt(index: number, data: Uint8Array): Snapshot
  /**
   * Forget the log up to `snapshot.index`, but keep the last `retain` entries before it for slow followers. Call it when the snapshot is
   * durable in the write-ahead log, never before.
   */
  compact(snapshot: Snapshot, retain: number): void
  /** The transport could not deliver to this peer: stop sending ahead, probe. */
  unreachable(id: MemberId): void
  /** All that was produced since the last call, or undefined if nothing was. */
  take(now: number): Effects | undefined
}

export type RaftCoreConstructor = new (options: RaftOptions, restored: Restored, random: () => number, now: number) => Core
