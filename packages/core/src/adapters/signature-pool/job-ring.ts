import { copyBytes } from '../../model/byte-slab.ts'
import { MAX_SIGNATURE_LENGTH } from '../crypto/der-signature.ts'
import * as ring from './ring.ts'

/** A job in the ring, and whom its outcome concerns. One object a job: there are a dozen for each transaction. */
export abstract class RingJob {
  /** Position in the ring of bytes up to which it is free again once this job is settled. */
  end = 0
  settled = false

  /** With the outcome of a thread; `signature` reads what it signed. */
  abstract done(good: boolean, signature: () => Uint8Array): void
  /** Does the job on the main thread and settles it. */
  abstract onMain(): void
}

/** The main thread's side of the ring: puts jobs in, does some itself, and takes results out in the order of the slots. */
export class JobRing {
  readonly buffers: ring.RingBuffers
  readonly #memory: ring.RingMemory
  readonly #jobs: (RingJob | undefined)[]
  readonly #mask: number
  /** Ever-growing positions in the ring of bytes; the place is the position modulo its size. */
  #written = 0
  #freed = 0
  #tail = 0
  #oldest = 0
  #published = 0
  outstanding = 0
  /** Where the job stands whose signature is being read. */
  #reading = 0
  readonly #signature = (): Uint8Array => this.#signatureIn(this.#reading)

  constructor(slots: number, bytes: number, threads: number) {
    if (!Number.isInteger(Math.log2(slots))) throw new RangeError('the number of slots must be a power of two')
    this.buffers = ring.createBuffers(slots, bytes, threads)
    this.#memory = ring.viewBuffers(this.buffers)
    this.#jobs = new Array<RingJob | undefined>(slots)
    this.#mask = slots - 1
  }

  get threadNanoseconds(): number {
    return this.#memory.busy.reduce((sum, value) => sum + value, 0)
  }

  get hasUnclaimed(): boolean {
    return Atomics.load(this.#memory.control, ring.HEAD) !== Atomics.load(this.#memory.control, ring.TAIL)
  }

  /** Puts a job in, visible to the threads after `publish`; false when there is no room for it. */
  put(
    kind: number,
    provider: number,
    keyId: number,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array | undefined,
    job: RingJob,
  ): boolean {
    const { slots, bytes } = this.#memory
    const length = (ring.MESSAGE_AT + message.length + 7) & ~7
    const size = bytes.length
    if (length > size >> 2) return false
    let start = this.#written
    const place = start % size
    // A record does not wrap around: the rest of the ring is skipped, and freed with this job.
    if (place + length > size) start += size - place
    if (this.#isFull(start + length)) {
      // A caller that never lets the event loop turn would otherwise leave finished jobs in the ring and the threads without work.
      this.publish()
      this.reap()
      if (this.#isFull(start + length)) return false
    }
    const offset = start % size
    bytes.set(publicKey, offset + ring.KEY_AT)
    if (signature !== undefined) bytes.set(signature, offset + ring.SIGNATURE_AT)
    bytes.set(message, offset + ring.MESSAGE_AT)
    const slot = this.#tail & this.#mask
    const at = slot * ring.SLOT_FIELDS
    slots[at + ring.Field.KIND] = kind
    slots[at + ring.Field.PROVIDER] = provider
    slots[at + ring.Field.KEY] = keyId
    slots[at + ring.Field.OFFSET] = offset
    slots[at + ring.Field.LENGTH] = message.length
    slots[at + ring.Field.SIGNATURE_LENGTH] = signature?.length ?? 0
    Atomics.store(slots, at + ring.Field.STATE, ring.State.READY)
    this.#written = start + length
    job.end = this.#written
    this.#jobs[slot] = job
    this.#tail = (this.#tail + 1) | 0
    this.outstanding++
    return true
  }

  #isFull(end: number): boolean {
    return this.outstanding > this.#mask || end - this.#freed > this.#memory.bytes.length
  }

  /** Shows the threads what was put in, and wakes as many as there is work for. */
  publish(): void {
    const fresh = (this.#tail - this.#published) | 0
    if (fresh === 0) return
    this.#published = this.#tail
    const { control } = this.#memory
    Atomics.store(control, ring.TAIL, this.#tail)
    if (Atomics.load(control, ring.SLEEPERS) > 0) Atomics.notify(control, ring.TAIL, fresh)
  }

  /** Does one unclaimed job on the main thread; false when there is none. */
  doOne(): boolean {
    const slot = ring.claim(this.#memory, ring.State.MAIN)
    if (slot < 0) return false
    this.#settleOnMain(slot)
    return true
  }

  #settleOnMain(slot: number): void {
    const job = this.#jobs[slot]!
    if (!job.settled) {
      job.settled = true
      job.onMain()
    }
    Atomics.store(this.#memory.slots, slot * ring.SLOT_FIELDS + ring.Field.STATE, ring.State.GOOD)
  }

  /** Settles finished jobs and frees their slots. */
  reap(): void {
    const { slots } = this.#memory
    while (this.outstanding > 0) {
      const slot = this.#oldest & this.#mask
      const at = slot * ring.SLOT_FIELDS
      const state = Atomics.load(slots, at + ring.Field.STATE)
      if (state !== ring.State.GOOD && state !== ring.State.BAD && state !== ring.State.HANDED_BACK) return
      if (state === ring.State.HANDED_BACK) this.#settleOnMain(slot)
      const job = this.#jobs[slot]!
      if (!job.settled) {
        job.settled = true
        this.#reading = at
        job.done(state === ring.State.GOOD, this.#signature)
      }
      slots[at + ring.Field.STATE] = ring.State.FREE
      this.#jobs[slot] = undefined
      this.#freed = job.end
      this.#oldest = (this.#oldest + 1) | 0
      this.outstanding--
    }
  }

  #signatureIn(at: number): Uint8Array {
    const { slots, bytes } = this.#memory
    const start = slots[at + ring.Field.OFFSET]! + ring.SIGNATURE_AT
    const length = Math.min(slots[at + ring.Field.SIGNATURE_LENGTH]!, MAX_SIGNATURE_LENGTH)
    // The copy is of plain memory: shared memory must not reach callers.
    return copyBytes(bytes.subarray(start, start + length))
  }

  /** Resolves when a thread reports; undefined when one has done so just now. */
  nextWake(): Promise<unknown> | undefined {
    const { control, slots } = this.#memory
    const seen = Atomics.load(control, ring.WAKE)
    const state = Atomics.load(slots, (this.#oldest & this.#mask) * ring.SLOT_FIELDS + ring.Field.STATE)
    if (state < ring.State.MAIN) return undefined
    const waiting = Atomics.waitAsync(control, ring.WAKE, seen)
    return waiting.async ? waiting.value : undefined
  }

  /** Gives the claims of a dead thread to the main one. */
  handBack(thread: number): void {
    const { slots } = this.#memory
    const claimed = ring.State.THREAD + thread
    for (let at = 0; at < slots.length; at += ring.SLOT_FIELDS)
      Atomics.compareExchange(slots, at + ring.Field.STATE, claimed, ring.State.HANDED_BACK)
    this.#wakeSelf()
  }

  /** Gives every claim to the main thread, once no other thread runs any more. */
  handBackAll(): void {
    const { slots } = this.#memory
    for (let at = 0; at < slots.length; at += ring.SLOT_FIELDS)
      if (slots[at + ring.Field.STATE]! >= ring.State.THREAD) slots[at + ring.Field.STATE] = ring.State.HANDED_BACK
  }

  stop(): void {
    Atomics.store(this.#memory.control, ring.STOP, 1)
    Atomics.notify(this.#memory.control, ring.TAIL)
    this.#wakeSelf()
  }

  #wakeSelf(): void {
    Atomics.add(this.#memory.control, ring.WAKE, 1)
    Atomics.notify(this.#memory.control, ring.WAKE)
  }
}
