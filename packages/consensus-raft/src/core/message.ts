import { isMembership } from './membership.ts'
import type { Entry, MemberId, Message, MessageType, Snapshot } from './types.ts'

const NO_ENTRIES: readonly Entry[] = Object.freeze([])

/** Fields that a message type gives a meaning; the rest is zero. */
export interface MessageFields {
  readonly index?: number
  readonly logTerm?: number
  readonly commit?: number
  readonly hint?: number
  readonly context?: number
  readonly reject?: boolean
  readonly entries?: readonly Entry[]
  readonly snapshot?: Snapshot
}

/** Who speaks, and in which term. */
export interface Speaker {
  readonly id: MemberId
  readonly incarnation: number
  readonly term: number
}

/** A message with every field there. Use the special forms below where messages are many: they make no second object. */
export const makeMessage = (
  speaker: Speaker,
  type: MessageType,
  to: MemberId,
  fields: MessageFields,
  term: number = speaker.term,
): Message => ({
  type,
  from: speaker.id,
  to,
  term,
  incarnation: speaker.incarnation,
  index: fields.index ?? 0,
  logTerm: fields.logTerm ?? 0,
  commit: fields.commit ?? 0,
  hint: fields.hint ?? 0,
  context: fields.context ?? 0,
  reject: fields.reject ?? false,
  entries: fields.entries ?? NO_ENTRIES,
  snapshot: fields.snapshot,
})

export const appendMessage = (
  speaker: Speaker,
  to: MemberId,
  index: number,
  logTerm: number,
  commit: number,
  entries: readonly Entry[],
): Message => ({
  type: 'append',
  from: speaker.id,
  to,
  term: speaker.term,
  incarnation: speaker.incarnation,
  index,
  logTerm,
  commit,
  hint: 0,
  context: 0,
  reject: false,
  entries,
  snapshot: undefined,
})

export const appendAccepted = (speaker: Speaker, to: MemberId, index: number): Message => ({
  type: 'append-result',
  from: speaker.id,
  to,
  term: speaker.term,
  incarnation: speaker.incarnation,
  index,
  logTerm: 0,
  commit: 0,
  hint: 0,
  context: 0,
  reject: false,
  entries: NO_ENTRIES,
  snapshot: undefined,
})

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const TYPES: ReadonlySet<string> = new Set<MessageType>([
  'append',
  'append-result',
  'heartbeat',
  'heartbeat-result',
  'snapshot',
  'pre-vote',
  'pre-vote-result',
  'vote',
  'vote-result',
  'timeout-now',
  'read-index',
  'read-index-result',
  'survey',
  'survey-result',
  'disown',
])

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

/** Entries that follow `index` without a gap, terms not falling and none later than the message's. */
const areEntries = (entries: readonly Entry[], index: number, logTerm: number, term: number): boolean => {
  let lastTerm = logTerm
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]
    if (typeof entry !== 'object' || entry === null) return false
    if (entry.index !== index + 1 + i || !isCount(entry.term) || entry.term < lastTerm || entry.term > term) return false
    if (entry.kind === 'empty' ? entry.payload?.length !== 0 : entry.kind !== 'normal' && entry.kind !== 'config') return false
    if (!isBytes(entry.payload)) return false
    if (entry.membership !== undefined && (entry.kind === 'normal' || !isMembership(entry.membership))) return false
    lastTerm = entry.term
  }
  return lastTerm >= 0 && (entries.length === 0 || entries[0]!.term > 0)
}

export const isSnapshot = (value: unknown): value is Snapshot => {
  if (typeof value !== 'object' || value === null) return false
  const { index, term, membership, data } = value as Snapshot
  return isCount(index) && isCount(term) && isBytes(data) && isMembership(membership)
}

/**
 * Whether something is a message that a correct core could have made. Whatever the transport hands over is put through this, so that the
 * rest of the core may rely on shapes and ranges.
 */
export const isWellFormed = (value: unknown): value is Message => {
  if (typeof value !== 'object' || value === null) return false
  const m = value as Message
  if (typeof m.type !== 'string' || !TYPES.has(m.type) || typeof m.reject !== 'boolean' || !Array.isArray(m.entries)) return false
  if (!isCount(m.from) || m.from === 0 || !isCount(m.to) || !isCount(m.term) || !isCount(m.incarnation) || m.incarnation === 0)
    return false
  if (!isCount(m.index) || !isCount(m.logTerm) || !isCount(m.commit) || !isCount(m.hint) || !isCount(m.context)) return false
  // Terms begin with the first election; only surveys come before it.
  if (m.term === 0 && m.type !== 'survey' && m.type !== 'survey-result' && m.type !== 'disown') return false
  if (m.type === 'append')
    return m.logTerm <= m.term && (m.index === 0) === (m.logTerm === 0) && areEntries(m.entries, m.index, m.logTerm, m.term)
  if (m.entries.length > 0) return false
  if (m.type === 'snapshot')
    return isSnapshot(m.snapshot) && m.snapshot.index > 0 && m.snapshot.term > 0 && m.snapshot.term <= m.term
  if (m.snapshot !== undefined) return false
  // Whoever stands for a term has no entry of it yet.
  return (m.type !== 'vote' && m.type !== 'pre-vote') || m.logTerm < m.term
}
