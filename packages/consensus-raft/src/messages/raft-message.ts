import type { Entry, EntryKind, Membership, Message, MessageType, Snapshot } from '../core/types.ts'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'

/** By number on the wire: never reorder, only append. */
const TYPES: readonly MessageType[] = [
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
]
const NUMBERS = new Map(TYPES.map((type, number) => [type, number]))
const KINDS: readonly EntryKind[] = ['normal', 'config', 'empty']

const REJECT = 1
const HAS_ENTRIES = 2
const HAS_SNAPSHOT = 4
const HAS_MEMBERSHIP = 0x80
/** What a message takes beside payloads, generously. */
const OVERHEAD = 160
const NO_ENTRIES: readonly Entry[] = []

export function writeRaftMessage(into: ByteWriter, message: Message): void {
  const { type, from, to, term, incarnation, index, logTerm, commit, hint, context, reject, entries, snapshot } = message
  into.u8(NUMBERS.get(type)!)
  into.u8((reject ? REJECT : 0) | (entries.length > 0 ? HAS_ENTRIES : 0) | (snapshot === undefined ? 0 : HAS_SNAPSHOT))
  for (const number of [from, to, term, incarnation, index, logTerm, commit, hint, context]) into.varint(number)
  if (entries.length > 0) writeEntries(into, entries)
  if (snapshot !== undefined) writeSnapshot(into, snapshot)
}

/** Throws MalformedError. Payloads are views of what was read. What the numbers mean the core judges. */
export function readRaftMessage(reader: ByteReader): Message {
  const type = TYPES[reader.u8()]
  if (type === undefined) throw new MalformedError('no such type of message')
  const flags = reader.u8()
  if (flags > (REJECT | HAS_ENTRIES | HAS_SNAPSHOT)) throw new MalformedError('unknown flags')
  return {
    type,
    from: reader.varint(),
    to: reader.varint(),
    term: reader.varint(),
    incarnation: reader.varint(),
    index: reader.varint(),
    logTerm: reader.varint(),
    commit: reader.varint(),
    hint: reader.varint(),
    context: reader.varint(),
    reject: (flags & REJECT) !== 0,
    entries: (flags & HAS_ENTRIES) === 0 ? NO_ENTRIES : readEntries(reader),
    snapshot: (flags & HAS_SNAPSHOT) === 0 ? undefined : readSnapshot(reader),
  }
}

/** About how many bytes a message takes. */
export function sizeOfMessage({ entries, snapshot }: Message): number {
  let size = OVERHEAD + (snapshot === undefined ? 0 : snapshot.data.length + OVERHEAD)
  for (const { payload } of entries) size += payload.length + 24
  return size
}

function writeEntries(into: ByteWriter, entries: readonly Entry[]): void {
  into.varint(entries.length).varint(entries[0]!.index)
  for (const { term, kind, payload, membership } of entries) {
    into.varint(term).u8(KINDS.indexOf(kind) | (membership === undefined ? 0 : HAS_MEMBERSHIP))
    if (membership !== undefined) writeMembership(into, membership)
    into.bytes(payload)
  }
}

function readEntries(reader: ByteReader): Entry[] {
  const count = reader.count()
  if (count === 0) throw new MalformedError('entries that are none')
  const first = reader.varint()
  if (!Number.isSafeInteger(first + count)) throw new MalformedError('an index is too large')
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    const term = reader.varint()
    const what = reader.u8()
    const kind = KINDS[what & ~HAS_MEMBERSHIP]
    if (kind === undefined) throw new MalformedError('no such kind of entry')
    const membership = (what & HAS_MEMBERSHIP) === 0 ? undefined : readMembership(reader)
    entries.push({ index: first + i, term, kind, payload: reader.bytes(), membership })
  }
  return entries
}

function writeMembership(into: ByteWriter, { voters, outgoing, learners }: Membership): void {
  for (const ids of [voters, outgoing, learners]) {
    into.varint(ids.length)
    for (const id of ids) into.varint(id)
  }
}

function readMembership(reader: ByteReader): Membership {
  const ids = (): number[] => Array.from({ length: reader.count() }, () => reader.varint())
  return { voters: ids(), outgoing: ids(), learners: ids() }
}

function writeSnapshot(into: ByteWriter, { index, term, membership, data }: Snapshot): void {
  into.varint(index).varint(term)
  writeMembership(into, membership)
  into.bytes(data)
}

function readSnapshot(reader: ByteReader): Snapshot {
  return { index: reader.varint(), term: reader.varint(), membership: readMembership(reader), data: reader.bytes().slice() }
}
