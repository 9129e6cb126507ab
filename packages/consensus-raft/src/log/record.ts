import type { Entry, EntryKind, HardState, Membership, Snapshot } from '../core/types.ts'

/** What one call of `append` or `compact` changes; one frame, so that a crash leaves all of it or nothing. */
export interface Change {
  readonly hardState?: HardState | undefined
  readonly snapshot?: Snapshot | undefined
  /** The snapshot replaces the whole log; otherwise it only takes the place of the entries up to its index. */
  readonly resets: boolean
  readonly entries: readonly Entry[]
}

/** Who a channel's log belongs to; never changes. */
export interface ChannelIdentity {
  readonly channel: string
  /** Tells channels of one name in different networks apart: the hash of the genesis block. */
  readonly genesis: Uint8Array
  /** Id of this node in the channel, see `MemberId`. */
  readonly member: number
  /** See `RaftOptions.incarnation`. */
  readonly incarnation: number
}

/** Where a channel's log stands. */
export interface LogState {
  readonly hardState: HardState | undefined
  readonly snapshot: Snapshot | undefined
  /** Of the last entry; of the snapshot when there is none after it; 0 in an empty log. */
  readonly lastIndex: number
  readonly lastTerm: number
}

export interface Checkpoint extends LogState {
  readonly identity: ChannelIdentity
}

/** A part of the entries of a channel, written again so that old segments can go. */
export interface Carried {
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly entries: readonly Entry[]
}

const KINDS: readonly EntryKind[] = ['normal', 'config', 'empty']
const HAS_MEMBERSHIP = 0x80
/** Longer payloads are handed on, not copied. */
const COPY = 1024
const TWO_32 = 2 ** 32
const NOTHING = new Uint8Array(0)

class Writer {
  readonly chunks: Uint8Array[] = []
  #buffer = Buffer.allocUnsafe(512)
  #start = 0
  #at = 0

  u8(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#at++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#at = this.#buffer.writeUInt32BE(value, this.#at)
  }

  /** A safe integer, in eight bytes. */
  u64(value: number): void {
    this.#reserve(8)
    this.#at = this.#buffer.writeUInt32BE(Math.floor(value / TWO_32), this.#at)
    this.#at = this.#buffer.writeUInt32BE(value % TWO_32, this.#at)
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length)
    if (value.length > COPY) {
      this.#flush()
      this.chunks.push(value)
      return
    }
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  done(): Uint8Array[] {
    this.#flush()
    return this.chunks
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#buffer.length) return
    this.#flush()
    this.#buffer = Buffer.allocUnsafe(Math.max(4096, length))
    this.#start = 0
    this.#at = 0
  }

  #flush(): void {
    if (this.#at > this.#start) this.chunks.push(this.#buffer.subarray(this.#start, this.#at))
    this.#start = this.#at
  }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  u64(): number {
    const value = this.u32() * TWO_32 + this.u32()
    if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large')
    return value
  }

  /** A view of the bytes. */
  bytes(): Uint8Array {
    const length = this.u32()
    const start = this.#advance(length)
    return length === 0 ? NOTHING : new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length)
  }

  /** A number of things of which each takes at least `size` bytes. */
  count(size: number): number {
    const count = this.u32()
    if (count * size > this.#bytes.length - this.#at) throw new RangeError('more items than bytes')
    return count
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError('bytes behind the end')
  }

  #advance(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw new RangeError('ends too early')
    this.#at = at + length
    return at
  }
}

function writeHardState(writer: Writer, { term, vote, commit }: HardState): void {
  writer.u64(term)
  writer.u64(vote)
  writer.u64(commit)
}

const readHardState = (reader: Reader): HardState => ({ term: reader.u64(), vote: reader.u64(), commit: reader.u64() })

function writeMembership(writer: Writer, { voters, outgoing, learners }: Membership): void {
  for (const list of [voters, outgoing, learners]) {
    writer.u32(list.length)
    for (const id of list) writer.u64(id)
  }
}

function readMembership(reader: Reader): Membership {
  const list = (): number[] => Array.from({ length: reader.count(8) }, () => reader.u64())
  return { voters: list(), outgoing: list(), learners: list() }
}

function writeSnapshot(writer: Writer, { index, term, membership, data }: Snapshot): void {
  writer.u64(index)
  writer.u64(term)
  writeMembership(writer, membership)
  writer.bytes(data)
}

const readSnapshot = (reader: Reader): Snapshot => ({
  index: reader.u64(),
  term: reader.u64(),
  membership: readMembership(reader),
  // A copy: it lives longer than what was read around it.
  data: reader.bytes().slice(),
})

function writeEntries(writer: Writer, entries: readonly Entry[]): void {
  writer.u32(entries.length)
  if (entries.length === 0) return
  writer.u64(entries[0]!.index)
  for (const { term, kind, payload, membership } of entries) {
    writer.u64(term)
    writer.u8(KINDS.indexOf(kind) | (membership === undefined ? 0 : HAS_MEMBERSHIP))
    if (membership !== undefined) writeMembership(writer, membership)
    writer.bytes(payload)
  }
}

function readEntries(reader: Reader): Entry[] {
  const count = reader.count(13)
  if (count === 0) return []
  const first = reader.u64()
  return Array.from({ length: count }, (_, i) => {
    const term = reader.u64()
    const what = reader.u8()
    const kind = KINDS[what & ~HAS_MEMBERSHIP]
    if (kind === undefined) throw new RangeError(`no kind ${what} of entries`)
    const membership = (what & HAS_MEMBERSHIP) === 0 ? undefined : readMembership(reader)
    return { index: first + i, term, kind, payload: reader.bytes(), membership }
  })
}

export function encodeChange({ hardState, snapshot, resets, entries }: Change): Uint8Array[] {
  const writer = new Writer()
  writer.u8((hardState === undefined ? 0 : 1) | (snapshot === undefined ? 0 : 2) | (resets ? 4 : 0))
  if (snapshot !== undefined) writeSnapshot(writer, snapshot)
  if (hardState !== undefined) writeHardState(writer, hardState)
  writeEntries(writer, entries)
  return writer.done()
}

/** Throws RangeError when the bytes are no change. Payloads are views of them. */
export function decodeChange(bytes: Uint8Array): Change {
  const reader = new Reader(bytes)
  const flags = reader.u8()
  const snapshot = (flags & 2) === 0 ? undefined : readSnapshot(reader)
  const hardState = (flags & 1) === 0 ? undefined : readHardState(reader)
  const entries = readEntries(reader)
  reader.end()
  return { hardState, snapshot, resets: (flags & 4) !== 0, entries }
}

export function encodeCheckpoint({ identity, hardState, snapshot, lastIndex, lastTerm }: Checkpoint): Uint8Array[] {
  const writer = new Writer()
  writer.bytes(Buffer.from(identity.channel))
  writer.bytes(identity.genesis)
  writer.u64(identity.member)
  writer.u64(identity.incarnation)
  writer.u8((hardState === undefined ? 0 : 1) | (snapshot === undefined ? 0 : 2))
  if (snapshot !== undefined) writeSnapshot(writer, snapshot)
  if (hardState !== undefined) writeHardState(writer, hardState)
  writer.u64(lastIndex)
  writer.u64(lastTerm)
  return writer.done()
}

/** Throws RangeError when the bytes are no checkpoint. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const reader = new Reader(bytes)
  const identity = {
    channel: Buffer.from(reader.bytes()).toString(),
    genesis: reader.bytes().slice(),
    member: reader.u64(),
    incarnation: reader.u64(),
  }
  const flags = reader.u8()
  const snapshot = (flags & 2) === 0 ? undefined : readSnapshot(reader)
  const hardState = (flags & 1) === 0 ? undefined : readHardState(reader)
  const lastIndex = reader.u64()
  const lastTerm = reader.u64()
  reader.end()
  return { identity, hardState, snapshot, lastIndex, lastTerm }
}

export function encodeCarried({ isFirst, isLast, entries }: Carried): Uint8Array[] {
  const writer = new Writer()
  writer.u8((isFirst ? 1 : 0) | (isLast ? 2 : 0))
  writeEntries(writer, entries)
  return writer.done()
}

/** Throws RangeError when the bytes are no carried entries. */
export function decodeCarried(bytes: Uint8Array): Carried {
  const reader = new Reader(bytes)
  const flags = reader.u8()
  const entries = readEntries(reader)
  reader.end()
  return { isFirst: (flags & 1) !== 0, isLast: (flags & 2) !== 0, entries }
}
