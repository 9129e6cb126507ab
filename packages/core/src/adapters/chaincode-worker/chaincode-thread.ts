import { Worker } from 'node:worker_threads'
import type { ChaincodeResponse, Invocation, LedgerAccess } from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Awaitable } from '../../ports/lifecycle.ts'
import { HARD_LIMIT_FACTOR, MemoryWatch } from './memory-watch.ts'
import {
  type Answer,
  compact,
  type FromWorker,
  type Operation,
  plainError,
  restoredError,
  type ToWorker,
  type WorkerSetup,
} from './protocol.ts'

/** Time for a module to load, as long as Fabric lets an invocation take: one with an endless loop at its top would be waited for for ever. */
const LOAD_MILLISECONDS = 30_000

export interface ThreadLimits {
  /** Megabytes of heap. */
  readonly memoryLimit: number
}

export interface Task {
  readonly invocation: Invocation
  readonly ledger: LedgerAccess
  resolve(response: ChaincodeResponse): void
  reject(error: unknown): void
  /** Runs the task on another thread; only while it has asked nothing of the ledger. */
  retry(): void
}

interface Running extends Task {
  touched: boolean
  failure: unknown
}

/**
 * One worker thread that runs one chaincode. Ends at the first crash: whoever owns it makes another.
 */
export class ChaincodeThread {
  private readonly worker: Worker
  private readonly memory: MemoryWatch
  private readonly name: string
  private readonly running = new Map<number, Running>()
  private readonly pings = new Set<() => void>()
  private count = 0
  /** Invocations that were given up, but may still hold memory in the thread. */
  private abandoned = 0
  private ending: ChaincodeError | undefined
  /** Resolves when the chaincode is loaded; rejects with CHAINCODE_LOAD_FAILED. */
  readonly ready: Promise<void>
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>

  constructor(setup: WorkerSetup, limits: ThreadLimits, clock: Clock) {
    this.name = setup.name
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.worker = new Worker(new URL(file, import.meta.url), {
      name: `chaincode ${setup.name}`,
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: limits.memoryLimit * HARD_LIMIT_FACTOR, maxYoungGenerationSizeMb: 16 },
    })
    this.memory = new MemoryWatch(this.worker, limits.memoryLimit, clock, (used) => {
      const data = { chaincode: setup.name, used, limit: limits.memoryLimit }
      const message = `chaincode ${setup.name} used ${used} MB of memory, more than its limit of ${limits.memoryLimit} MB`
      void this.terminate(new ChaincodeError('CHAINCODE_CRASHED', message, data))
    })
    const ready = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    this.ready = ready.promise
    this.ended = ended.promise
    // A failure to load is also the answer to whoever waits for it; nobody has to.
    this.ready.catch(() => {})
    const loading = clock.setTimer(LOAD_MILLISECONDS, () => {
      const message = `chaincode ${setup.name} did not load within ${LOAD_MILLISECONDS} ms`
      ready.reject(new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: setup.name }))
      void this.worker.terminate()
    })
    let cause: unknown
    this.worker.on('message', (message: FromWorker) => {
      if (message?.[0] === 'ready') {
        loading.cancel()
        // An idle chaincode must not keep the process alive.
        if (this.running.size === 0) this.worker.unref()
        ready.resolve()
      } else if (message?.[0] === 'failed') {
        ready.reject(restoredError(message[1]))
        void this.worker.terminate()
      } else this.receive(message)
    })
    this.worker.on('error', (error) => {
      cause = error
    })
    this.worker.on('exit', (code) => {
      loading.cancel()
      const crash = this.ending ?? crashed(this.name, code, cause)
      ready.reject(
        new ChaincodeError(
          'CHAINCODE_LOAD_FAILED',
          `chaincode ${this.name} ended while it was loaded: ${crash.message}`,
          {},
          { cause: crash },
        ),
      )
      this.end(crash)
      ended.resolve()
    })
  }

  get load(): number {
    return this.running.size
  }

  get isTired(): boolean {
    return this.abandoned > 100
  }

  get isEnded(): boolean {
    return this.ending !== undefined
  }

  /** Gives the thread an invocation; returns how to give it up. */
  run(task: Task): { abandon(): void } {
    const id = ++this.count
    if (this.isEnded) {
      task.retry()
      return { abandon: () => {} }
    }
    if (this.running.size === 0) {
      this.worker.ref()
      this.memory.start()
    }
    this.running.set(id, { ...task, touched: false, failure: undefined })
    this.post(['invoke', id, portable(task.invocation)])
    return {
      abandon: () => {
        if (!this.running.has(id)) return
        this.abandoned++
        this.forget(id)
      },
    }
  }

  /** Asks the thread for a sign of life; the callback runs when it gives one. */
  ping(alive: () => void): void {
    this.pings.add(alive)
    this.post(['ping'])
  }

  /** Ends the thread. What runs on it fails with the reason, unless it can run elsewhere. */
  async terminate(reason: ChaincodeError): Promise<void> {
    this.ending ??= reason
    await this.worker.terminate()
  }

  private receive(message: FromWorker): void {
    try {
      this.take(message)
    } catch (cause) {
      void this.terminate(
        new ChaincodeError('CHAINCODE_CRASHED', `chaincode ${this.name} sent garbage from its worker`, {}, { cause }),
      )
    }
  }

  private take(message: FromWorker): void {
    if (message[0] === 'pong') {
      for (const alive of this.pings) alive()
      this.pings.clear()
    } else if (message[0] === 'operations') this.operate(message[1], message[2])
    else if (message[0] === 'done') this.finish(message[1], message[2], message[3], message[4])
  }

  private finish(
    id: number,
    operations: readonly Operation[],
    response: ChaincodeResponse | undefined,
    error: Parameters<typeof restoredError>[0] | undefined,
  ): void {
    const task = this.running.get(id)
    if (task === undefined) return
    for (const operation of operations) this.apply(task, operation)
    this.forget(id)
    if (error !== undefined)
      task.reject(error.code === undefined ? new ChaincodeError('CHAINCODE_CRASHED', error.message) : restoredError(error))
    else if (task.failure !== undefined) task.reject(task.failure)
    else task.resolve(response!)
  }

  /** Does what the chaincode asks; answers that are there at once go back together. */
  private operate(id: number, operations: readonly Operation[]): void {
    const task = this.running.get(id)
    if (task === undefined) return
    task.touched = true
    const answers: Answer[] = []
    for (const operation of operations) {
      const [number] = operation
      if (number === 0) {
        this.apply(task, operation)
        continue
      }
      const value = attempt(task.ledger, operation)
      if (value instanceof Promise) void value.then(([ok, result]) => this.answer(id, [[number, ok, result]]))
      else answers.push([number, ...value])
    }
    if (answers.length > 0) this.answer(id, answers)
  }

  private answer(id: number, answers: readonly Answer[]): void {
    if (this.running.has(id)) this.post(['answers', id, answers])
  }

  /** Writes are not answered: the first that fails fails the invocation. */
  private apply(task: Running, [, method, ...args]: Operation): void {
    if (task.failure !== undefined) return
    task.touched = true
    try {
      const done = call(task.ledger, method, args)
      if (done instanceof Promise) {
        done.catch((error: unknown) => {
          task.failure ??= error
        })
      }
    } catch (error) {
      task.failure = error
    }
  }

  private forget(id: number): void {
    this.running.delete(id)
    if (this.running.size > 0 || this.isEnded) return
    this.worker.unref()
    this.memory.stop()
  }

  private end(reason: ChaincodeError): void {
    this.ending ??= reason
    this.memory.stop()
    const tasks = [...this.running.values()]
    this.running.clear()
    this.pings.clear()
    for (const task of tasks) {
      if (task.touched) task.reject(reason)
      else task.retry()
    }
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message)
  }
}

type Outcome = readonly [ok: boolean, value: unknown]

function attempt(ledger: LedgerAccess, [, method, ...args]: Operation): Awaitable<Outcome> {
  try {
    const value = call(ledger, method, args)
    if (value instanceof Promise) return value.then((result) => [true, portableValue(result)] as const, refused)
    return [true, portableValue(value)]
  } catch (error) {
    return refused(error)
  }
}

/** Chaincode can reach the port of its thread: what comes through it need not be what our code sends. */
function call(ledger: LedgerAccess, method: keyof LedgerAccess, args: readonly unknown[]): unknown {
  if (!LEDGER_METHODS.has(method))
    throw new ChaincodeError('CHAINCODE_BAD_ARGUMENT', `the ledger has no method ${String(method)}`)
  return (ledger[method] as (...args: readonly unknown[]) => unknown).apply(ledger, [...args])
}

const LEDGER_METHODS: ReadonlySet<string> = new Set<keyof LedgerAccess>([
  'getState',
  'getStates',
  'putState',
  'deleteState',
  'getStateMetadata',
  'putStateMetadata',
  'getStateByRange',
  'getQueryResult',
  'getHistoryForKey',
  'queryNext',
  'queryClose',
  'getPrivateDataHash',
  'invokeChaincode',
  'setEvent',
])

function refused(error: unknown): Outcome {
  return [false, plainError(error)]
}

function portable(invocation: Invocation): Invocation {
  const map = (values: ReadonlyMap<string, Uint8Array>) => new Map([...values].map(([name, value]) => [name, compact(value)]))
  return {
    ...invocation,
    args: invocation.args.map(compact),
    creator: compact(invocation.creator),
    nonce: compact(invocation.nonce),
    signedProposal: compact(invocation.signedProposal),
    transient: map(invocation.transient),
    decorations: map(invocation.decorations),
  }
}

function portableValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return compact(value)
  if (value instanceof Map) return new Map([...value].map(([name, each]) => [name, portableValue(each)]))
  if (Array.isArray(value)) return value.map(portableValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, portableValue(each)]))
}

function crashed(name: string, code: number, cause: unknown): ChaincodeError {
  const why = cause instanceof Error ? cause.message : `it exited with code ${code}`
  return new ChaincodeError(
    'CHAINCODE_CRASHED',
    `chaincode ${name} ended its worker: ${why}`,
    { chaincode: name, exitCode: code },
    { cause },
  )
}
