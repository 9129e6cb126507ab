import type { Clock } from '@heddle/core/plugin'
import type { RaftCore } from '../core/raft-core.ts'
import type {
  CoreStatus,
  DropReason,
  Effects,
  Entry,
  Membership,
  MembershipTarget,
  Message,
  Persist,
  ProposeResult,
  RoleState,
  Snapshot,
} from '../core/types.ts'
import type { RaftLog } from '../log/raft-log.ts'
import type { Alarms } from './alarms.ts'

/** Whom a replica tells what became of it. */
export interface ReplicaEvents {
  send(message: Message): void
  role(role: RoleState): void
  membership(membership: Membership): void
  committed(entries: readonly Entry[]): void
  /** Bring the chain to a snapshot, then call `installed` or `installFailed`. */
  install(snapshot: Snapshot): void
  disowned(): void
  /** The node must end: its log failed, or a rule on which safety rests was broken. */
  failed(error: Error): void
}

export interface ReplicaParts {
  readonly core: RaftCore
  readonly log: RaftLog
  readonly channel: string
  readonly clock: Clock
  readonly alarms: Alarms
  readonly events: ReplicaEvents
}

/**
 * Runs a Raft core: hands it what happens, and does what it asks for. All that one turn of the event loop brings is one step: one set of
 * messages, one record of the log. What happens is a function of the order of events: nothing here waits for anything but the disk.
 */
export class Replica {
  readonly #parts: ReplicaParts
  readonly #core: RaftCore
  #scheduled = false
  #stopped = false

  constructor(parts: ReplicaParts) {
    this.#parts = parts
    this.#core = parts.core
  }

  /** Call it once, when the parts around can take events. */
  start(): void {
    this.#wake()
  }

  get status(): CoreStatus {
    return this.#core.status
  }

  receive(message: Message): DropReason | undefined {
    if (this.#stopped) return 'silent'
    return this.#step(() => this.#core.receive(message, this.#now))
  }

  propose(payloads: readonly Uint8Array[]): ProposeResult | undefined {
    return this.#step(() => this.#core.propose(payloads, this.#now))
  }

  proposeConfig(payload: Uint8Array, target: MembershipTarget | undefined): ProposeResult | undefined {
    return this.#step(() => this.#core.proposeConfig(payload, target, this.#now))
  }

  transfer(): ProposeResult | undefined {
    return this.#step(() => this.#core.transfer(0, this.#now))
  }

  /** Blocks of all entries up to `index` are durable. */
  applied(index: number): void {
    this.#step(() => this.#core.applied(index))
  }

  installed(index: number): void {
    this.#step(() => this.#core.installed(index, this.#now))
  }

  installFailed(index: number): void {
    this.#step(() => this.#core.installFailed(index))
  }

  unreachable(member: number): void {
    this.#step(() => this.#core.unreachable(member))
  }

  /** Forgets the log up to an applied index: snapshot in the log first, then in memory. */
  async compact(index: number, data: Uint8Array, retain: number): Promise<void> {
    const { log, channel } = this.#parts
    if (this.#stopped) return
    try {
      const snapshot = this.#core.snapshotAt(index, data)
      await log.compact(channel, snapshot)
      if (!this.#stopped) this.#step(() => this.#core.compact(snapshot, retain))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Does at once what is left to do, so that farewells go out; then nothing more. */
  stop(): void {
    if (!this.#stopped) this.#run()
    this.#stopped = true
  }

  get #now(): number {
    return this.#parts.clock.monotonic()
  }

  #step<T>(task: () => T): T | undefined {
    if (this.#stopped) return undefined
    try {
      return task()
    } catch (error) {
      this.#fail(error)
      return undefined
    } finally {
      this.#wake()
    }
  }

  #wake(): void {
    if (this.#scheduled || this.#stopped) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#run()
    })
  }

  #run(): void {
    if (this.#stopped) return
    try {
      for (let effects = this.#core.take(this.#now); effects !== undefined; effects = this.#core.take(this.#now)) {
        this.#perform(effects)
        if (this.#stopped) return
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#parts.alarms.set('raft', this.#core.deadline, () => this.#step(() => this.#core.tick(this.#now)))
  }

  #perform({ persist, messages, committed, install, role, membership, disowned }: Effects): void {
    const { events } = this.#parts
    if (persist !== undefined) this.#persist(persist)
    for (const message of messages) events.send(message)
    // Before the entries: who leads decides what is to be done with them.
    if (role !== undefined) events.role(role)
    if (membership !== undefined) events.membership(membership.membership)
    if (committed.length > 0) events.committed(committed)
    if (install !== undefined) events.install(install)
    if (disowned) events.disowned()
  }

  #persist({ sequence, hardState, snapshot, entries }: Persist): void {
    const { log, channel } = this.#parts
    log.append(channel, { hardState, snapshot, entries }).then(
      () => this.#step(() => this.#core.persisted(sequence, this.#now)),
      (error) => this.#fail(error),
    )
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#parts.events.failed(error instanceof Error ? error : new Error(String(error)))
  }
}
