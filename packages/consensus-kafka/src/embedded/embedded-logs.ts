import {
  type Disk,
  type Environment,
  type LocalNodes,
  type LogChannel,
  LogError,
  type LogRecord,
  type OrderedLog,
  type OrderedLogProvider,
  type PluginContext,
  type Position,
} from '@heddle/core/plugin'
import { KafkaError } from '../errors.ts'
import { EmbeddedLog, type EmbeddedLogLimits } from './embedded-log.ts'

const FOLDER = 'ordered-log'
const SHARED = '@heddle/consensus-kafka embedded logs'

/** The logs of all channels for the orderers of one process: open while one of them runs. */
class EmbeddedStore {
  private readonly disk: () => Promise<Disk>
  private readonly environment: Pick<Environment, 'random' | 'logger'>
  private readonly limits: Partial<EmbeddedLogLimits>
  private users = 0
  private lock: { release(): Promise<void> } | undefined
  private opened: Disk | undefined
  private readonly logs = new Map<string, Promise<EmbeddedLog>>()
  /** Starts and stops, one after the other. */
  private turn: Promise<void> = Promise.resolve()

  constructor(
    disk: () => Promise<Disk>,
    environment: Pick<Environment, 'random' | 'logger'>,
    limits: Partial<EmbeddedLogLimits>,
  ) {
    this.disk = disk
    this.environment = environment
    this.limits = limits
  }

  acquire(): Promise<void> {
    return this.inTurn(async () => {
      if (this.users === 0) {
        this.opened = await this.disk()
        this.lock = await this.opened.lock(FOLDER)
      }
      this.users++
    })
  }

  release(): Promise<void> {
    return this.inTurn(async () => {
      if (--this.users > 0) return
      const logs = await Promise.allSettled(this.logs.values())
      this.logs.clear()
      for (const log of logs) if (log.status === 'fulfilled') await log.value.close()
      await this.lock?.release()
      this.lock = undefined
    })
  }

  log(channel: string): Promise<EmbeddedLog> {
    let log = this.logs.get(channel)
    if (log === undefined) {
      const made = new EmbeddedLog(this.opened!, `${FOLDER}/${channel}`, this.environment, this.limits)
      log = made.open().then(() => made)
      this.logs.set(channel, log)
    }
    return log
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {})
    return done
  }
}

/** The embedded logs as one orderer sees them. */
class EmbeddedLogs implements OrderedLogProvider {
  private readonly store: EmbeddedStore
  private readonly nodes: () => readonly string[]
  private running = false

  constructor(store: EmbeddedStore, nodes: () => readonly string[]) {
    this.store = store
    this.nodes = nodes
  }

  async start(): Promise<void> {
    if (this.running) return
    this.running = true
    try {
      await this.store.acquire()
    } catch (error) {
      this.running = false
      throw error
    }
  }

  async stop(): Promise<void> {
    if (!this.running) return
    this.running = false
    await this.store.release()
  }

  async open(channel: string, { members }: LogChannel): Promise<OrderedLog> {
    const here = this.nodes()
    const elsewhere = members.filter((member) => !here.includes(member))
    if (elsewhere.length > 0) {
      // Each process would write a log of its own, and each log make a chain of its own.
      throw new KafkaError(
        'KAFKA_LOG_NOT_SHARED',
        `orderers of ${channel} run in other processes (${elsewhere.join(', ')}), which cannot read the embedded log of this one: set the option brokers`,
        { channel, elsewhere },
      )
    }
    return new View(await this.store.log(channel))
  }
}

/** One orderer's use of a log; the log itself ends with the store. */
class View implements OrderedLog {
  private readonly log: EmbeddedLog
  private readonly ended = new AbortController()

  constructor(log: EmbeddedLog) {
    this.log = log
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.ended.abort()
  }

  append(records: readonly Uint8Array[]): Promise<Position> {
    if (this.ended.signal.aborted) return Promise.reject(new LogError('LOG_UNAVAILABLE', 'the orderer has stopped'))
    return this.log.append(records)
  }

  read(after: Position, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    return this.log.read(after, AbortSignal.any([signal, this.ended.signal]))
  }

  earliest(): Promise<Position | undefined> {
    return this.log.earliest()
  }
}

/**
 * Logs in files on the disk that the orderers of a process share; a node that is alone uses its own. All of them read and write the same
 * records, so that several orderers of one process order together.
 */
export function embeddedLogs(
  { node, environment, local }: Pick<PluginContext, 'node' | 'local'> & { environment: Environment },
  limits: Partial<EmbeddedLogLimits> = {},
): OrderedLogProvider {
  const store = (disk: () => Promise<Disk>): EmbeddedStore => new EmbeddedStore(disk, environment, limits)
  if (local === undefined) {
    return new EmbeddedLogs(
      store(async () => environment.disk),
      () => [node],
    )
  }
  const nodes: LocalNodes = local
  return new EmbeddedLogs(
    nodes.shared(SHARED, () => store(() => nodes.disk())),
    () => nodes.nodes,
  )
}
