import { MAX_SIGNATURE_LENGTH } from '../crypto/der-signature.ts'

/**
 * Shared memory between the main thread, which writes jobs and takes results, and the threads that do them.
 *
 * A job is a slot (state, kind, key, place and length of its bytes) and a record in a ring of bytes: public key, signature, message.
 * Slots are published in order by raising TAIL; whoever turns a slot's state from READY to its own claim does the job, so that a
 * claim and its owner are one atomic step. HEAD is only a hint where unclaimed slots begin. Counters wrap; they are compared by equality.
 */
export const HEAD = 0
export const TAIL = 16
/** Threads that wait for TAIL to move. */
export const SLEEPERS = 32
/** Moves when the main thread should look at results. */
export const WAKE = 48
export const STOP = 64
const CONTROL_LENGTH = 80

export const State = {
  FREE: 0,
  READY: 1,
  /** Verified and valid, or signed. */
  GOOD: 2,
  BAD: 3,
  /** The main thread has to do it: an unknown key, an error, a thread that died. */
  HANDED_BACK: 4,
  /** Claimed by thread n: 16 + n. The main thread is 15. */
  MAIN: 15,
  THREAD: 16,
} as const

export const VERIFY = 0
export const SIGN = 1

/** Fields of a slot. */
export const Field = { STATE: 0, KIND: 1, PROVIDER: 2, KEY: 3, OFFSET: 4, LENGTH: 5, SIGNATURE_LENGTH: 6 } as const
export const SLOT_FIELDS = 8

/** Places in a record. */
export const KEY_AT = 0
export const KEY_LENGTH = 65
export const SIGNATURE_AT = 72
export const MESSAGE_AT = SIGNATURE_AT + MAX_SIGNATURE_LENGTH

/** Thread's reports: nanoseconds spent in signature work. Written by one thread each. */
export interface RingMemory {
  readonly control: Int32Array
  readonly slots: Int32Array
  readonly bytes: Uint8Array
  readonly busy: Float64Array
}

export interface RingBuffers {
  readonly control: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
  readonly bytes: SharedArrayBuffer
  readonly busy: SharedArrayBuffer
}

/** What a thread starts with. */
export interface ThreadData {
  readonly buffers: RingBuffers
  /** 0, 1, 2, ... */
  readonly thread: number
  /** Private keys come here, each before the first job that needs it. */
  readonly keys: import('node:worker_threads').MessagePort
}

/** A private key on its way to a thread. */
export interface KeyMessage {
  readonly id: number
  readonly provider: number
  readonly pkcs8: Uint8Array
}

/** `slots` is a power of two. */
export function createBuffers(slots: number, bytes: number, threads: number): RingBuffers {
  return {
    control: new SharedArrayBuffer(CONTROL_LENGTH * 4),
    slots: new SharedArrayBuffer(slots * SLOT_FIELDS * 4),
    bytes: new SharedArrayBuffer(bytes),
    busy: new SharedArrayBuffer(threads * 64),
  }
}

export function viewBuffers(buffers: RingBuffers): RingMemory {
  return {
    control: new Int32Array(buffers.control),
    slots: new Int32Array(buffers.slots),
    bytes: new Uint8Array(buffers.bytes),
    busy: new Float64Array(buffers.busy),
  }
}

/** Index into `busy` of a thread: a cache line each. */
export const busyIndex = (thread: number): number => thread * 8

/** Claims the next unclaimed slot for `owner`; −1 when there is none. */
export function claim({ control, slots }: RingMemory, owner: number): number {
  const mask = slots.length / SLOT_FIELDS - 1
  for (;;) {
    const head = Atomics.load(control, HEAD)
    if (head === Atomics.load(control, TAIL)) return -1
    const slot = head & mask
    const mine = Atomics.compareExchange(slots, slot * SLOT_FIELDS + Field.STATE, State.READY, owner) === State.READY
    Atomics.compareExchange(control, HEAD, head, (head + 1) | 0)
    if (mine) return slot
  }
}
