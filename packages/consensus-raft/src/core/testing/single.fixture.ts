import { settledMembership } from '../membership.ts'
import { type MessageFields, makeMessage } from '../message.ts'
import { RaftCore } from '../raft-core.ts'
import type {
  DropReason,
  Effects,
  Entry,
  EntryKind,
  MemberId,
  Membership,
  Message,
  MessageType,
  Persist,
  RaftOptions,
  Restored,
  Snapshot,
} from '../types.ts'

export const T = 600

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const entry = (index: number, term: number, text = `${index}`, membership?: Membership): Entry => {
  const kind: EntryKind = text === '' ? 'empty' : membership === undefined ? 'normal' : 'config'
  return { index, term, kind, payload: bytes(text), membership }
}

/** Entries from `first` on with these terms. */
export const entriesOf = (first: number, ...terms: number[]): Entry[] => terms.map((term, i) => entry(first + i, term))

export const founding = (...voters: MemberId[]): Snapshot => ({
  index: 0,
  term: 0,
  membership: settledMembership({ voters, learners: [] })!,
  data: new Uint8Array(0),
})

export const sizeOf = (size: number): MemberId[] => Array.from({ length: size }, (_, i) => i + 1)

/** One line for a message, for transcripts. */
export const line = (message: Message): string => {
  const { type, to, term } = message
  switch (type) {
    case 'append':
      return `→${to} t${term} append after ${message.index}/${message.logTerm} [${message.entries.map((e) => `${e.index}/${e.term}`).join(' ')}] commit ${message.commit}`
    case 'append-result':
      return `→${to} t${term} ${message.reject ? `refuse ${message.index}, try ${message.hint}/${message.logTerm}` : `have ${message.index}`}`
    case 'heartbeat':
      return `→${to} t${term} heartbeat commit ${message.commit}${message.context === 0 ? '' : ` round ${message.context}`}`
    case 'snapshot':
      return `→${to} t${term} snapshot ${message.snapshot?.index}/${message.snapshot?.term}`
    case 'vote':
    case 'pre-vote':
      return `→${to} t${term} ${type} ${message.index}/${message.logTerm}${message.context === 1 ? ' handover' : ''}`
    default:
      return `→${to} t${term} ${type}${message.reject ? ' no' : ''}${message.context === 0 ? '' : ` ${message.context}`}`
  }
}

interface Setup {
  readonly id?: MemberId
  readonly voters?: readonly MemberId[]
  readonly learners?: readonly MemberId[]
  readonly restored?: Restored
  readonly options?: Partial<RaftOptions>
  /** Election timeouts are T × (1 + this). */
  readonly random?: number | (() => number)
}

/** One core whose disk answers when the test says so, or at once. */
export class Single {
  readonly core: RaftCore
  now = 0
  /** Everything sent since the last {@link sent}. */
  out: Message[] = []
  batches: Persist[] = []
  committed: Entry[] = []
  effects: Effects[] = []
  /** Whether batches become durable as soon as they are given out. */
  instant = true

  constructor(setup: Setup = {}) {
    const { random = 0.5 } = setup
    const membership = settledMembership({ voters: setup.voters ?? [1, 2, 3], learners: setup.learners ?? [] })!
    const restored: Restored = { snapshot: { index: 0, term: 0, membership, data: new Uint8Array(0) }, ...setup.restored }
    const options = { id: setup.id ?? 1, incarnation: 11, electionTimeout: T, heartbeat: 100, ...setup.options }
    this.core = new RaftCore(options, restored, typeof random === 'number' ? () => random : random, 0)
  }

  get status(): RaftCore['status'] {
    return this.core.status
  }

  pump(): void {
    for (;;) {
      const effects = this.core.take(this.now)
      if (effects === undefined) return
      this.effects.push(effects)
      this.out.push(...effects.messages)
      this.committed.push(...effects.committed)
      if (effects.persist !== undefined) {
        this.batches.push(effects.persist)
        if (this.instant) this.core.persisted(effects.persist.sequence, this.now)
      }
    }
  }

  /** All batches given out so far are durable. */
  sync(): void {
    const last = this.batches.at(-1)
    if (last !== undefined) this.core.persisted(last.sequence, this.now)
    this.pump()
  }

  /** Messages since the last call, of one type if given. */
  sent(type?: MessageType): Message[] {
    const out = this.out.filter((message) => type === undefined || message.type === type)
    this.out = []
    return out
  }

  transcript(): string[] {
    return this.sent().map(line)
  }

  /** A message from another member, in the core's own term if none is given. */
  from(from: MemberId, type: MessageType, fields: MessageFields = {}, term: number = this.status.term): DropReason | undefined {
    const speaker = { id: from, incarnation: 1000 + from, term }
    const dropped = this.core.receive(makeMessage(speaker, type, this.core.id, fields), this.now)
    this.pump()
    return dropped
  }

  elapse(by: number): void {
    this.now += by
    this.core.tick(this.now)
    this.pump()
  }

  /** Until the next deadline. */
  wait(): void {
    this.now = Math.max(this.now, this.core.deadline)
    this.core.tick(this.now)
    this.pump()
  }

  propose(...texts: string[]): ReturnType<RaftCore['propose']> {
    const result = this.core.propose(texts.map(bytes), this.now)
    this.pump()
    return result
  }

  /** Stands for election and is voted for by all. */
  lead(): this {
    this.wait()
    const { voters, outgoing } = this.status.membership
    const others = [...new Set([...voters, ...outgoing])].filter((id) => id !== this.core.id)
    for (const [standing, answer, ahead] of [
      ['pre-candidate', 'pre-vote-result', 1],
      ['candidate', 'vote-result', 0],
    ] as const)
      for (const id of others) if (this.status.role === standing) this.from(id, answer, {}, this.status.term + ahead)
    if (this.status.role !== 'leader') throw new Error(`did not win: ${JSON.stringify(this.status)}`)
    return this
  }

  /** Answers every append that was sent, as a follower would that takes it. */
  acceptAll(only?: readonly MemberId[]): void {
    for (const message of this.sent('append'))
      if (only === undefined || only.includes(message.to))
        this.from(message.to, 'append-result', { index: message.index + message.entries.length })
  }

  /** Leads, with its first entry committed and all followers replicating. */
  settle(): this {
    this.lead()
    this.acceptAll()
    this.acceptAll()
    this.out = []
    return this
  }
}
