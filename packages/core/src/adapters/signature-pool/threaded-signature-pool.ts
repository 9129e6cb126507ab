import { availableParallelism } from 'node:os'
// Imported, not global: a test that puts a clock of its own over the global timers must not stop the pool.
import { setImmediate } from 'node:timers'
import type { PrivateKey, PublicKey, SignaturePool, VerifyJob } from '../../ports/crypto-provider.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { MAX_SIGNATURE_LENGTH } from '../crypto/der-signature.ts'
import { cryptoProviders } from '../crypto/providers.ts'
import { InlineSignaturePool } from './inline-signature-pool.ts'
import { JobRing, RingJob } from './job-ring.ts'
import { SIGN, VERIFY } from './ring.ts'
import { type SpawnThread, ThreadCrew } from './thread-crew.ts'

export interface SignaturePoolOptions {
  /** Threads beside the main one. Default: processors − 1. 0: all work on the main thread. */
  readonly threads?: number
  /** Jobs in flight, a power of two. Default 8,192. When full, the main thread does the next job itself. */
  readonly slots?: number
  /** Bytes for keys, signatures and messages in flight. Default 16 MB; a message over a quarter of it is the main thread's. */
  readonly bytes?: number
  /** Told when a thread died or could not start; its jobs are done by the main thread. */
  readonly onThreadLost?: (reason: unknown) => void
  readonly spawn?: SpawnThread
}

/** Jobs that the main thread does in one turn of its event loop, and below which threads are not bothered. */
const MAIN_SHARE = 8
/** Milliseconds for which the threads stay in use after the last turn with more work than the main thread's share. */
const BUSY_WINDOW = 10
/** Jobs in such a busy time after which threads are started. */
const START_AFTER = 256
/** Private keys that the threads are given; further ones are used on the main thread. */
const MAX_PRIVATE_KEYS = 4096

/** Answers of one call: resolves when the last is in. */
class Batch<T> {
  readonly promise: Promise<readonly T[]>
  readonly #results: T[]
  #left: number
  #resolve!: (results: readonly T[]) => void
  #reject!: (error: unknown) => void

  constructor(size: number) {
    this.#results = new Array<T>(size)
    this.#left = size
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  settle(index: number, result: T): void {
    this.#results[index] = result
    if (--this.#left === 0) this.#resolve(this.#results)
  }

  fail(error: unknown): void {
    this.#reject(error)
  }
}

interface Counts {
  signatures: number
  verifications: number
}

class Verification extends RingJob {
  readonly #inline: InlineSignaturePool
  readonly #counts: Counts
  readonly #job: VerifyJob
  readonly #batch: Batch<boolean>
  readonly #index: number

  constructor(inline: InlineSignaturePool, counts: Counts, job: VerifyJob, batch: Batch<boolean>, index: number) {
    super()
    this.#inline = inline
    this.#counts = counts
    this.#job = job
    this.#batch = batch
    this.#index = index
  }

  done(good: boolean): void {
    this.#counts.verifications++
    this.#batch.settle(this.#index, good)
  }

  onMain(): void {
    let good: boolean
    try {
      good = this.#inline.verify(this.#job)
    } catch (error) {
      this.#batch.fail(error)
      return
    }
    this.#batch.settle(this.#index, good)
  }
}

class Signing extends RingJob {
  readonly #inline: InlineSignaturePool
  readonly #counts: Counts
  readonly #key: PrivateKey
  readonly #message: Uint8Array
  readonly #resolve: (signature: Uint8Array) => void
  readonly #reject: (error: unknown) => void

  constructor(
    inline: InlineSignaturePool,
    counts: Counts,
    key: PrivateKey,
    message: Uint8Array,
    resolve: (signature: Uint8Array) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    this.#inline = inline
    this.#counts = counts
    this.#key = key
    this.#message = message
    this.#resolve = resolve
    this.#reject = reject
  }

  done(good: boolean, signature: () => Uint8Array): void {
    // A thread says no only when it could not sign; verdicts of verification are never handed back this way.
    if (!good) {
      this.onMain()
      return
    }
    this.#counts.signatures++
    this.#resolve(signature())
  }

  onMain(): void {
    let signature: Uint8Array
    try {
      signature = this.#inline.sign(this.#key, this.#message)
    } catch (error) {
      this.#reject(error)
      return
    }
    this.#resolve(signature)
  }
}

/**
 * Signature work on all cores: a ring in shared memory, worked on by threads and, eight jobs a turn, by the main thread.
 *
 * Few jobs at a time are done at once on the main thread: waking another costs more. Threads start under load only, and never keep the
 * process alive when nothing waits for them. A dead thread's jobs are done by the main thread.
 */
export class ThreadedSignaturePool implements SignaturePool {
  readonly #inline = new InlineSignaturePool()
  readonly #ring: JobRing
  readonly #crew: ThreadCrew
  readonly #threads: number
  readonly #keyIds = new WeakMap<PublicKey | PrivateKey, number>()
  #nextKey = 1
  #privateKeys = 0
  #jobsThisTurn = 0
  #busyUntil = 0
  #queuedWhileBusy = 0
  #started = false
  #scheduled = false
  #watching = false
  #turnCounter = false
  /** Operations that threads did. */
  readonly #counts = { signatures: 0, verifications: 0 }

  constructor(options: SignaturePoolOptions = {}) {
    this.#threads = options.threads ?? Math.max(0, availableParallelism() - 1)
    this.#ring = new JobRing(options.slots ?? 8192, options.bytes ?? 16 << 20, Math.max(1, this.#threads))
    this.#crew = new ThreadCrew(
      this.#ring.buffers,
      (thread, reason) => {
        options.onThreadLost?.(reason)
        this.#ring.handBack(thread)
        if (this.#ring.outstanding > 0) this.#schedule()
      },
      options.spawn,
    )
  }

  get work(): { readonly signatures: number; readonly verifications: number; readonly busyNanoseconds: number } {
    const { signatures, verifications, busyNanoseconds } = this.#inline.work
    return {
      signatures: signatures + this.#counts.signatures,
      verifications: verifications + this.#counts.verifications,
      busyNanoseconds: busyNanoseconds + this.#ring.threadNanoseconds,
    }
  }

  /** Threads that run now. */
  get threads(): number {
    return this.#crew.size
  }

  /** Nanoseconds that the threads beside the main one have spent in signature work. */
  get threadNanoseconds(): number {
    return this.#ring.threadNanoseconds
  }

  verifyAll(jobs: readonly VerifyJob[]): Awaitable<readonly boolean[]> {
    if (jobs.length === 0 || this.#doAtOnce(jobs.length)) return this.#inline.verifyAll(jobs)
    const batch = new Batch<boolean>(jobs.length)
    for (let i = 0; i < jobs.length; i++) this.#enqueueVerify(jobs[i]!, batch, i)
    this.#published()
    return batch.promise
  }

  verify(job: VerifyJob): Awaitable<boolean> {
    if (this.#doAtOnce(1)) return this.#inline.verify(job)
    const batch = new Batch<boolean>(1)
    this.#enqueueVerify(job, batch, 0)
    this.#published()
    return batch.promise.then(first)
  }

  sign(key: PrivateKey, message: Uint8Array): Awaitable<Uint8Array> {
    if (this.#doAtOnce(1)) return this.#inline.sign(key, message)
    return new Promise((resolve, reject) => {
      const signing = new Signing(this.#inline, this.#counts, key, message, resolve, reject)
      const provider = providerIndex(key)
      const id = provider < 0 ? undefined : this.#privateKeyId(key, provider)
      if (id === undefined || !this.#ring.put(SIGN, provider, id, key.publicKey.raw, message, undefined, signing))
        signing.onMain()
      this.#published()
    })
  }

  #enqueueVerify(job: VerifyJob, batch: Batch<boolean>, index: number): void {
    const { key, message, signature } = job
    const provider = providerIndex(key)
    const verification = new Verification(this.#inline, this.#counts, job, batch, index)
    const fits = provider >= 0 && signature.length <= MAX_SIGNATURE_LENGTH
    if (!fits || !this.#ring.put(VERIFY, provider, this.#keyId(key), key.raw, message, signature, verification))
      verification.onMain()
  }

  /** Whether so little is going on that the main thread does these jobs itself. */
  #doAtOnce(jobs: number): boolean {
    if (this.#threads === 0) return true
    this.#jobsThisTurn += jobs
    if (!this.#turnCounter) {
      this.#turnCounter = true
      setImmediate(() => {
        this.#turnCounter = false
        this.#jobsThisTurn = 0
      }).unref()
    }
    if (this.#jobsThisTurn > MAIN_SHARE) {
      const now = performance.now()
      if (now > this.#busyUntil) this.#queuedWhileBusy = 0
      this.#busyUntil = now + BUSY_WINDOW
    } else if (this.#ring.outstanding === 0 && (!this.#started || performance.now() > this.#busyUntil)) return true
    this.#queuedWhileBusy += jobs
    if (!this.#started && this.#queuedWhileBusy > START_AFTER) {
      this.#started = true
      this.#crew.start(this.#threads)
    }
    return false
  }

  #published(): void {
    this.#ring.publish()
    if (this.#ring.outstanding > 0) {
      this.#crew.hold(true)
      this.#schedule()
    }
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    this.#ring.reap()
    for (let i = 0; i < MAIN_SHARE && this.#ring.doOne(); i++);
    this.#ring.reap()
    if (this.#ring.outstanding === 0) this.#crew.hold(false)
    else if (this.#ring.hasUnclaimed) this.#schedule()
    else this.#watch()
  }

  /** Sleeps until a thread reports. */
  #watch(): void {
    if (this.#watching) return
    const woken = this.#ring.nextWake()
    if (woken === undefined) {
      this.#schedule()
      return
    }
    this.#watching = true
    void woken.then(() => {
      this.#watching = false
      this.#turn()
    })
  }

  #keyId(key: PublicKey | PrivateKey): number {
    let id = this.#keyIds.get(key)
    if (id === undefined) {
      id = this.#nextKey++ | 0
      this.#keyIds.set(key, id)
    }
    return id
  }

  #privateKeyId(key: PrivateKey, provider: number): number | undefined {
    const known = this.#keyIds.get(key)
    if (known !== undefined) return known
    if (this.#privateKeys >= MAX_PRIVATE_KEYS) return undefined
    this.#privateKeys++
    const id = this.#keyId(key)
    this.#crew.addKey({ id, provider, pkcs8: cryptoProviders[provider]!.exportPrivateKey(key) })
    return id
  }

  async close(): Promise<void> {
    // What is still queued is done here: nobody who waits for a verdict is left without one.
    while (this.#ring.doOne());
    this.#ring.stop()
    await this.#crew.close()
    this.#ring.handBackAll()
    this.#ring.reap()
  }
}

function first<T>(results: readonly T[]): T {
  return results[0]!
}

function providerIndex(key: PublicKey | PrivateKey): number {
  for (let i = 0; i < cryptoProviders.length; i++) if (cryptoProviders[i]!.name === key.provider) return i
  return -1
}

/** The pool for this machine: threaded where there is more than one processor. */
export function createSignaturePool(options: SignaturePoolOptions = {}): SignaturePool {
  return new ThreadedSignaturePool(options)
}
