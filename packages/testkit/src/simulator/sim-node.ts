import type { Consenter, Environment, Logger, LogLevel, Transport } from '@heddle/core/plugin'
import { BlockFileStore, noMetrics, OrderingHost } from '@heddle/core/testing'
import { keyedHashProvider, keyedHashSigner } from '../ordering-conformance/keyed-hash-identity.ts'
import { NodeClock } from './node-clock.ts'
import { RecordingStore } from './recording-store.ts'
import type { Owner } from './scheduler.ts'
import { SimDisk } from './sim-disk.ts'
import { CHANNEL } from './terms.ts'
import type { World } from './world.ts'

/** One life of a node, from start to crash. */
export interface Life extends Owner {
  alive: boolean
  pausedUntil: number
  transport: Transport
}

export type NodeState = 'down' | 'starting' | 'up' | 'stopping' | 'broken'

/** An ordering node: what core ships, on a simulated disk, clock and network. */
export class SimNode {
  readonly name: string
  readonly index: number
  readonly disk: SimDisk
  readonly clock: NodeClock
  state: NodeState = 'down'
  life: Life | undefined
  host: OrderingHost | undefined
  /** Why the end of a life, or a start that fails, is no fault of the product. */
  excuse: string | undefined
  /** Its disk was lost or damaged, and it does not yet have again what it had. */
  impaired = false
  lives = 0
  readonly #world: World
  #signer: ReturnType<typeof keyedHashSigner>
  #renewals = 0
  #consenter: Consenter | undefined
  #store: BlockFileStore | undefined

  constructor(world: World, index: number) {
    this.#world = world
    this.index = index
    this.name = `orderer${index}`
    const { plan, scheduler, draw } = world
    this.disk = new SimDisk(scheduler, plan.disks[index]!, draw.fork(`disk of ${this.name}`), this.name)
    this.disk.struck = (what) => {
      this.excuse = what
    }
    this.clock = new NodeClock(scheduler, plan.clocks[index]!)
    this.#signer = this.#signerOf(0)
  }

  /** SerializedIdentity. */
  get identity(): Uint8Array {
    return this.#signer.identity
  }

  /** The identity that `renew` will give it. */
  get nextIdentity(): Uint8Array {
    return this.#signerOf(this.#renewals + 1).identity
  }

  /** Gets another certificate; its next life uses it. */
  renew(): void {
    this.#signer = this.#signerOf(++this.#renewals)
  }

  /** Begins a life; the world hears how it went. */
  start(): void {
    if (this.state !== 'down') return
    this.state = 'starting'
    this.excuse = undefined
    const { network, scheduler } = this.#world
    this.lives++
    const owner: Life = { alive: true, pausedUntil: 0, id: this.index, transport: undefined as never }
    owner.transport = network.connect({ name: this.name, identity: this.identity }, owner)
    this.life = owner
    scheduler.trace.tell(this.name, `starts (life ${this.lives})`)
    this.#open(owner).then(
      () => {
        if (owner.alive) this.#world.started(this)
      },
      (error: unknown) => {
        if (owner.alive) this.#world.startFailed(this, error as Error)
      },
    )
  }

  /** Ends a life at this very moment. `power`: what was not synced goes with it. */
  end(power: boolean): void {
    const { life } = this
    if (life === undefined) return
    this.#world.ending(this)
    life.alive = false
    void life.transport.stop()
    this.life = undefined
    this.host = undefined
    this.#consenter = undefined
    this.#store = undefined
    this.state = 'down'
    if (power) this.disk.crash()
    else this.disk.kill()
  }

  /** Stops in order; `done` when it has, unless something ends it before. */
  stop(done: () => void): void {
    const { life, host } = this
    if (life === undefined || host === undefined || this.state !== 'up') return
    this.state = 'stopping'
    const consenter = this.#consenter!
    const store = this.#store!
    const stopping = async (): Promise<void> => {
      await host.stop()
      await consenter.stop()
      await life.transport.stop()
      await store.close()
    }
    stopping().then(
      () => {
        if (!life.alive) return
        this.end(false)
        done()
      },
      (error: unknown) => {
        if (life.alive) this.#world.stopFailed(this, error as Error)
      },
    )
  }

  /** All blocks of its store. */
  async *blocks(from = 0) {
    for (let number = from; number < (this.#store?.height ?? 0); number++) yield (await this.#store!.get(number))!
  }

  #signerOf(renewal: number): ReturnType<typeof keyedHashSigner> {
    return keyedHashSigner('OrdererMSP', 'orderer', renewal === 0 ? this.name : `${this.name}-${renewal}`)
  }

  async #open(life: Life): Promise<void> {
    const world = this.#world
    const { plan, checker, prepared } = world
    const random = world.draw.fork(`${this.name} in life ${this.lives}`)
    const environment: Environment = {
      clock: this.clock.mount(life, random.int(0, 1_000_000)),
      random,
      disk: this.disk.mount(life),
      transport: life.transport,
      logger: traceLogger(world, this.name),
      metrics: noMetrics,
    }
    const place = { disk: environment.disk, folder: `ledgers/${CHANNEL}/blocks`, random, logger: environment.logger }
    const store = await BlockFileStore.open(place, { segmentBytes: world.segmentBytes })
    if (!life.alive) return
    this.#store = store
    const had = checker.durable(this.name)
    checker.reopened(this.name, store.height)
    for await (const block of this.blocks(Math.max(0, Math.min(had, store.height) - 3))) checker.compare(this.name, block)
    const recording = new RecordingStore(store, (blocks) => {
      if (life.alive) world.stored(this, blocks)
    })
    if (store.height === 0) await recording.append(world.genesis)
    await life.transport.start()
    const plugin = prepared.plugin ?? world.subject.plugin
    const context = { node: this.name, mspId: 'OrdererMSP', identity: this.identity, environment, signatures: undefined as never }
    const consenter = await plugin.create(context, prepared.optionsOf?.(this) ?? plan.options)
    await consenter.start()
    const host = await OrderingHost.open({
      channel: CHANNEL,
      store: recording,
      consenter,
      provider: keyedHashProvider,
      signer: this.#signer,
      environment,
      identityOf: (name) => world.node(name)?.identity,
      members: (config) => prepared.members?.(config) ?? world.names,
    })
    if (!life.alive) return
    this.#consenter = consenter
    this.host = host
    host.failed.catch((error) => {
      if (life.alive) world.halted(this, error)
    })
    await host.start()
  }
}

/** Puts what the product logs into the transcript, from the level `info` on. */
function traceLogger(world: World, name: string): Logger {
  const { trace } = world.scheduler
  const line =
    (level: string) =>
    (fields: object, message: string): void =>
      trace.whisper(name, () => `${level}: ${message} ${fieldsText(fields)}`)
  const silent = (): void => {}
  const logger: Logger = {
    trace: silent,
    debug: silent,
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    fatal: line('fatal'),
    child: () => logger,
    isEnabled: (level: LogLevel) => trace.told && level !== 'trace' && level !== 'debug',
  }
  return logger
}

function fieldsText(fields: object): string {
  return Object.entries(fields)
    .map(
      ([key, value]) =>
        `${key}=${value instanceof Error ? `${(value as { code?: string }).code ?? value.name}` : JSON.stringify(value)}`,
    )
    .join(' ')
}
