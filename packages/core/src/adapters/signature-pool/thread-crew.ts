import { MessageChannel, type MessagePort, Worker, type WorkerOptions } from 'node:worker_threads'
import type { KeyMessage, RingBuffers, ThreadData } from './ring.ts'

/** Times that a dead thread is replaced; after that the others, or the main thread alone, go on. */
const MAX_REPLACEMENTS = 3

/** Makes a thread; tests put their own in place. */
export type SpawnThread = (url: URL, options: WorkerOptions) => Worker

interface Member {
  readonly worker: Worker
  readonly keys: MessagePort
}

/** The threads of a pool: started together, replaced when one dies, ended together. */
export class ThreadCrew {
  readonly #members = new Map<number, Member>()
  readonly #buffers: RingBuffers
  readonly #spawn: SpawnThread
  readonly #lost: (thread: number, reason: unknown) => void
  readonly #keys: KeyMessage[] = []
  #replacements = 0
  #closing = false
  #held = false

  /** `lost` is called when a thread died, after which it claims nothing any more. */
  constructor(buffers: RingBuffers, lost: (thread: number, reason: unknown) => void, spawn?: SpawnThread) {
    this.#buffers = buffers
    this.#lost = lost
    this.#spawn = spawn ?? ((url, options) => new Worker(url, options))
  }

  get size(): number {
    return this.#members.size
  }

  start(threads: number): void {
    for (let thread = 0; thread < threads; thread++) this.#startOne(thread)
  }

  #startOne(thread: number): void {
    const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    const { port1, port2 } = new MessageChannel()
    const workerData: ThreadData = { buffers: this.#buffers, thread, keys: port2 }
    let worker: Worker
    try {
      worker = this.#spawn(url, { workerData, transferList: [port2], execArgv: [], name: 'heddle-signatures' })
    } catch (error) {
      this.#gone(thread, error)
      return
    }
    port1.unref()
    if (!this.#held) worker.unref()
    for (const key of this.#keys) port1.postMessage(key)
    this.#members.set(thread, { worker, keys: port1 })
    let reason: unknown
    worker.on('error', (error) => {
      reason = error
    })
    worker.on('exit', (code) => {
      port1.close()
      this.#members.delete(thread)
      if (!this.#closing) this.#gone(thread, reason ?? new Error(`the thread ended with code ${code}`))
    })
  }

  #gone(thread: number, reason: unknown): void {
    this.#lost(thread, reason)
    if (this.#replacements++ < MAX_REPLACEMENTS) this.#startOne(thread)
  }

  /** Gives a private key to every thread, those that start later included. */
  addKey(key: KeyMessage): void {
    this.#keys.push(key)
    for (const { keys } of this.#members.values()) keys.postMessage(key)
  }

  /** While held, the threads keep the process alive: there is work that somebody waits for. */
  hold(held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    for (const { worker } of this.#members.values()) {
      if (held) worker.ref()
      else worker.unref()
    }
  }

  /** Resolves when all threads have ended; the caller has set STOP and woken them. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#members.values()].map(({ worker }) => worker.terminate()))
    this.#members.clear()
  }
}
