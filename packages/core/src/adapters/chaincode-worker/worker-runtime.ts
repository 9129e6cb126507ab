import type {
  ChaincodeInstance,
  ChaincodeResponse,
  ChaincodeRuntime,
  ChaincodeSource,
  Invocation,
  LedgerAccess,
} from '../../ports/chaincode.ts'
import { ChaincodeError } from '../../ports/chaincode-errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { PLUGIN_API, type Plugin } from '../../ports/plugin.ts'
import { ChaincodeThread, type Task } from './chaincode-thread.ts'
import type { WorkerSetup } from './protocol.ts'

export interface WorkerRuntimeOptions {
  /** Threads for each chaincode: more run more invocations at once, and each has its own copy of the chaincode's variables. */
  readonly threads?: number
  /** Megabytes of heap of a thread; one that needs more ends. */
  readonly memoryLimit?: number
  /** Milliseconds within which a thread whose invocation ran out of time must answer, or it is taken for an endless loop. */
  readonly grace?: number
}

const DEFAULTS: Required<WorkerRuntimeOptions> = { threads: 1, memoryLimit: 256, grace: 100 }

/** Times that an invocation is given to another thread because its own ended before it did anything. */
const MAX_RETRIES = 1

/**
 * Runs each chaincode in threads of its own, so that it cannot stop the host: an endless loop is ended at the time limit, process.exit,
 * lack of memory and stray errors end only the thread, and another takes its place. Takes modules only.
 */
export class WorkerRuntime implements ChaincodeRuntime {
  readonly name = 'worker'
  private readonly mspId: string
  private readonly clock: Clock
  private readonly options: Required<WorkerRuntimeOptions>
  private readonly pools = new Set<WorkerPool>()
  private stopped = false

  /** @param mspId what `getMspID` of the stub answers */
  constructor(mspId: string, clock: Clock, options: WorkerRuntimeOptions = {}) {
    this.mspId = mspId
    this.clock = clock
    this.options = { ...DEFAULTS, ...options }
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all([...this.pools].map((pool) => pool.close()))
  }

  async load(name: string, source: ChaincodeSource): Promise<ChaincodeInstance> {
    if (this.stopped) throw new ChaincodeError('CHAINCODE_RUNTIME_STOPPED', 'the runtime was stopped')
    if (source.kind !== 'module') {
      const message = `chaincode ${name} is an object of this thread; a worker needs a module, or use the inline runtime`
      throw new ChaincodeError('CHAINCODE_LOAD_FAILED', message, { chaincode: name })
    }
    const setup = { name, url: source.url, export: source.export, mspId: this.mspId }
    const pool = new WorkerPool(setup, this.options, this.clock, () => this.pools.delete(pool))
    this.pools.add(pool)
    try {
      await pool.warmUp()
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }
}

/** The threads of one chaincode. */
class WorkerPool implements ChaincodeInstance {
  private readonly setup: WorkerSetup
  private readonly options: Required<WorkerRuntimeOptions>
  private readonly clock: Clock
  private readonly closed: () => void
  private readonly threads: ChaincodeThread[] = []
  private isClosed = false

  constructor(setup: WorkerSetup, options: Required<WorkerRuntimeOptions>, clock: Clock, closed: () => void) {
    this.setup = setup
    this.options = options
    this.clock = clock
    this.closed = closed
  }

  async warmUp(): Promise<void> {
    await this.spawn().ready
  }

  invoke(invocation: Invocation, ledger: LedgerAccess, signal: AbortSignal): Promise<ChaincodeResponse> {
    return this.attempt(invocation, ledger, signal, MAX_RETRIES)
  }

  async close(): Promise<void> {
    this.isClosed = true
    const reason = new ChaincodeError('CHAINCODE_RUNTIME_STOPPED', 'the runtime of the chaincode was stopped')
    await Promise.all(this.threads.map((thread) => thread.terminate(reason)))
    this.closed()
  }

  private async attempt(
    invocation: Invocation,
    ledger: LedgerAccess,
    signal: AbortSignal,
    retries: number,
  ): Promise<ChaincodeResponse> {
    if (this.isClosed) throw new ChaincodeError('CHAINCODE_RUNTIME_STOPPED', 'the runtime of the chaincode was stopped')
    const thread = this.pick()
    await thread.ready
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      let abandon = (): void => {}
      const giveUp = (): void => {
        abandon()
        this.checkLife(thread)
        reject(signal.reason)
      }
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          signal.removeEventListener('abort', giveUp)
          then(value)
        }
      const task: Task = {
        invocation,
        ledger,
        resolve: settle(resolve),
        reject: settle(reject),
        retry: settle<void>(() => {
          if (retries > 0 && !signal.aborted) resolve(this.attempt(invocation, ledger, signal, retries - 1))
          else
            reject(
              new ChaincodeError('CHAINCODE_CRASHED', `the worker of chaincode ${this.setup.name} ended`, {
                chaincode: this.setup.name,
              }),
            )
        }),
      }
      signal.addEventListener('abort', giveUp, { once: true })
      abandon = thread.run(task).abandon
    })
  }

  /** The thread with the least to do; a new one while there may be more. */
  private pick(): ChaincodeThread {
    let best: ChaincodeThread | undefined
    for (const thread of this.threads) if (best === undefined || thread.load < best.load) best = thread
    if (best === undefined || (best.load > 0 && this.threads.length < this.options.threads)) return this.spawn()
    return best
  }

  private spawn(): ChaincodeThread {
    const thread = new ChaincodeThread(this.setup, { memoryLimit: this.options.memoryLimit }, this.clock)
    this.threads.push(thread)
    void thread.ended.then(() => this.remove(thread))
    return thread
  }

  private remove(thread: ChaincodeThread): void {
    const at = this.threads.indexOf(thread)
    if (at >= 0) this.threads.splice(at, 1)
  }

  /** After a time-out: a thread whose event loop still turns waits for something; one that does not is in an endless loop. */
  private checkLife(thread: ChaincodeThread): void {
    const timer = this.clock.setTimer(this.options.grace, () => {
      this.remove(thread)
      void thread.terminate(
        new ChaincodeError(
          'CHAINCODE_CRASHED',
          `the worker of chaincode ${this.setup.name} was in an endless loop and was ended`,
          {
            chaincode: this.setup.name,
          },
        ),
      )
    })
    thread.ping(() => {
      timer.cancel()
      if (!thread.isTired) return
      this.remove(thread)
      void thread.terminate(
        new ChaincodeError('CHAINCODE_CRASHED', 'the worker held too many abandoned invocations and was ended'),
      )
    })
  }
}

/** The runtime of worker threads as a plugin. */
export const workerRuntime: Plugin<'chaincodeRuntime', WorkerRuntimeOptions> = {
  name: '@heddle/core/worker',
  provides: 'chaincodeRuntime',
  api: PLUGIN_API,
  capabilities: { isolated: true },
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      threads: {
        type: 'integer',
        minimum: 1,
        maximum: 64,
        default: DEFAULTS.threads,
        description: 'Threads for each chaincode.',
      },
      memoryLimit: {
        type: 'integer',
        minimum: 16,
        maximum: 65536,
        default: DEFAULTS.memoryLimit,
        description: 'Megabytes of heap of a thread; one that needs more ends.',
      },
      grace: {
        type: 'integer',
        minimum: 1,
        maximum: 60000,
        default: DEFAULTS.grace,
        description: 'Milliseconds in which a thread must show life after a time-out, or it is taken for an endless loop.',
      },
    },
  },
  create: (context, options) => new WorkerRuntime(context.mspId, context.environment.clock, options),
}
