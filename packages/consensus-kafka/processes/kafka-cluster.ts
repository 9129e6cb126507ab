import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** Milliseconds for a broker to start. */
const START = 60_000

export interface ClusterOptions {
  readonly brokers: number
  readonly classPath: string
  /** Further lines of each broker's server.properties; `{port}` is that of an extra listener. */
  readonly properties?: Readonly<Record<string, string>>
  /** The listener for clients: its name and protocol. Default: PLAINTEXT. */
  readonly listener?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** Arguments of the storage tool's `format`, such as users. */
  readonly format?: readonly string[]
  readonly memory?: string
}

interface Broker {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  readonly folder: string
  child: ChildProcess | undefined
}

/** Brokers that run now, of all clusters of this process: none may outlive it. */
const running = new Set<ChildProcess>()
const folders = new Set<string>()
let guarded = false

/**
 * Apache Kafka on loopback ports, in KRaft mode, each broker a controller as well. They end with this process, however it ends, unless it
 * is killed with -9.
 */
export class KafkaCluster {
  private readonly options: ClusterOptions
  private readonly folder: string
  private brokers: Broker[] = []

  private constructor(options: ClusterOptions) {
    this.options = options
    this.folder = mkdtempSync(join(tmpdir(), 'heddle-kafka-'))
    folders.add(this.folder)
    guard()
  }

  static async start(options: ClusterOptions): Promise<KafkaCluster> {
    const cluster = new KafkaCluster(options)
    try {
      const ports = await freePorts(2 * options.brokers)
      cluster.brokers = Array.from({ length: options.brokers }, (_, i) => ({
        id: i + 1,
        port: ports[2 * i]!,
        controllerPort: ports[2 * i + 1]!,
        folder: join(cluster.folder, `broker${i + 1}`),
        child: undefined,
      }))
      const uuid = cluster.java(['kafka.tools.StorageTool', 'random-uuid']).trim()
      for (const broker of cluster.brokers) {
        mkdirSync(broker.folder, { recursive: true })
        const file = join(broker.folder, 'server.properties')
        writeFileSync(file, cluster.properties(broker))
        cluster.java(['kafka.tools.StorageTool', 'format', '-t', uuid, '-c', file, ...(options.format ?? [])])
      }
      await Promise.all(cluster.brokers.map((broker) => cluster.run(broker)))
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  get addresses(): string[] {
    return this.brokers.map(({ port }) => `127.0.0.1:${port}`)
  }

  get ids(): number[] {
    return this.brokers.map(({ id }) => id)
  }

  isUp(id: number): boolean {
    return this.broker(id).child !== undefined
  }

  /** kill -9. */
  async kill(id: number): Promise<void> {
    const { child } = this.broker(id)
    if (child === undefined) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Resolves when the broker says that it has started. */
  async restart(id: number): Promise<void> {
    await this.run(this.broker(id))
  }

  /** Suspends a broker, as a machine that stalls does, or lets it go on. */
  signal(id: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.broker(id).child?.kill(signal)
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map(({ id }) => this.kill(id)))
    rmSync(this.folder, { recursive: true, force: true })
    folders.delete(this.folder)
  }

  /** What a broker has said last, for a failed test. */
  log(id: number): string {
    return readFileSync(join(this.broker(id).folder, 'log'), 'utf8')
      .split('\n')
      .slice(-20)
      .join('\n')
  }

  private broker(id: number): Broker {
    return this.brokers.find((each) => each.id === id)!
  }

  private properties({ id, port, controllerPort, folder }: Broker): string {
    const { listener = 'PLAINTEXT' } = this.options
    const voters = this.brokers.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(',')
    const replicas = String(Math.min(3, this.brokers.length))
    const lines: Record<string, string> = {
      'process.roles': 'broker,controller',
      'node.id': String(id),
      'controller.quorum.voters': voters,
      'controller.listener.names': 'CONTROLLER',
      listeners: `${listener}://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'inter.broker.listener.name': listener,
      'listener.security.protocol.map': `${listener}:${listener},CONTROLLER:PLAINTEXT`,
      'log.dirs': join(folder, 'data'),
      'offsets.topic.replication.factor': replicas,
      'transaction.state.log.replication.factor': replicas,
      'auto.create.topics.enable': 'false',
      // A broker that is killed is missed soon, so that a test of many kills takes seconds.
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
      'controller.quorum.election.timeout.ms': '500',
      'controller.quorum.fetch.timeout.ms': '1000',
      'controller.quorum.election.backoff.max.ms': '300',
      'replica.lag.time.max.ms': '5000',
      'num.network.threads': '2',
      'num.io.threads': '4',
      ...this.options.properties,
    }
    return Object.entries(lines)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')
  }

  private run(broker: Broker): Promise<void> {
    return new Promise((resolve, reject) => {
      const { classPath, memory = '320m' } = this.options
      const args = [
        `-Xmx${memory}`,
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=4',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
        '-cp',
        classPath,
        'kafka.Kafka',
        join(broker.folder, 'server.properties'),
      ]
      const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
      broker.child = child
      running.add(child)
      let said = ''
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`broker ${broker.id} did not start in ${START / 1000} s:\n${said.slice(-2000)}`))
      }, START)
      const heard = (chunk: Buffer): void => {
        const text = chunk.toString()
        said = (said + text).slice(-20_000)
        writeFileSync(join(broker.folder, 'log'), text, { flag: 'a' })
        if (!said.includes('Kafka Server started')) return
        clearTimeout(timer)
        resolve()
      }
      child.stdout.on('data', heard)
      child.stderr.on('data', heard)
      child.on('exit', (code) => {
        running.delete(child)
        if (broker.child === child) broker.child = undefined
        clearTimeout(timer)
        reject(new Error(`broker ${broker.id} ended with ${code}:\n${said.slice(-2000)}`))
      })
    })
  }

  private java(args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync('java', ['-cp', this.options.classPath, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`java ${args.join(' ')} failed:\n${stdout}${stderr}`)
    return stdout
  }
}

/** A child that must not outlive this process either. */
export function ownChild(child: ChildProcess): void {
  guard()
  running.add(child)
  child.once('exit', () => running.delete(child))
}

/** Sees to it that no broker outlives this process. */
function guard(): void {
  if (guarded) return
  guarded = true
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL')
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(status))
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer()
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
