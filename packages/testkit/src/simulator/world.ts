import type { Block } from '@heddle/core/model'
import { HeddleError } from '@heddle/core/plugin'
import { genesisBlock } from '@heddle/core/testing'
import { keyedHashMsp } from '../ordering-conformance/keyed-hash-identity.ts'
import { ChainChecker, type Violation } from './chain-checker.ts'
import { Clients } from './clients.ts'
import { ConfigClient } from './config-client.ts'
import type { Draw } from './draw.ts'
import { Faults } from './faults.ts'
import { LARGE_LIMIT, type Plan } from './plan.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import { SimNetwork } from './sim-network.ts'
import { SimNode } from './sim-node.ts'
import type { OrderingSubject, Prepared } from './subject.ts'
import { CHANNEL, nameOf } from './terms.ts'
import type { Trace } from './trace.ts'

/** Latency of the healed network, milliseconds. */
const CALM_LATENCY = 1
/** Milliseconds between looks at whether everything has settled. */
const LOOK = 250

/** One seed's orderers, network, clients and faults, with the checkers that watch them. */
export class World {
  readonly subject: OrderingSubject
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly draw: Draw
  readonly network: SimNetwork
  readonly nodes: readonly SimNode[]
  readonly names: readonly string[]
  readonly genesis: Block
  readonly checker: ChainChecker
  readonly clients: Clients
  readonly administrator: ConfigClient
  readonly prepared: Prepared
  readonly violations: Violation[] = []
  readonly counts = new Map<string, number>()
  readonly segmentBytes: number
  /** The faults are over. */
  healed = false
  /** Hears of every block that is on a disk. */
  heard: ((node: SimNode, blocks: readonly Block[]) => void) | undefined
  readonly #faults: Faults

  constructor(subject: OrderingSubject, plan: Plan, scheduler: Scheduler, draw: Draw) {
    this.subject = subject
    this.plan = plan
    this.scheduler = scheduler
    this.trace = scheduler.trace
    this.draw = draw
    this.network = new SimNetwork(scheduler, plan.network, draw.fork('network in use'))
    this.names = Array.from({ length: plan.nodes }, (_, i) => `orderer${i}`)
    this.segmentBytes = draw.fork('segments').pick([4_000, 20_000, 64 << 20])
    this.nodes = this.names.map((_, i) => new SimNode(this, i))
    this.genesis = this.#genesisBlock()
    const clients = new Clients(this)
    this.clients = clients
    this.administrator = new ConfigClient(this)
    this.checker = new ChainChecker({
      genesis: this.genesis,
      violate: (checker, message) => this.violate(checker, message),
      find: (bytes) => clients.find(bytes),
      isUpdate: (bytes) => this.administrator.isMine(bytes),
    })
    this.prepared = subject.prepare?.(this) ?? {}
    this.#faults = new Faults(this)
    scheduler.settled = (actor) => this.#settled(actor)
  }

  node(name: string): SimNode | undefined {
    return this.nodes.find((node) => node.name === name)
  }

  /** Records a rule that did not hold, and ends the run: what follows a violation proves nothing. */
  violate(checker: string, message: string): void {
    this.trace.tell('checker', `${checker}: ${message}`)
    this.violations.push({ checker, message, time: this.scheduler.now })
    this.scheduler.stop()
  }

  /** Counts something that coverage asks for. */
  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by)
  }

  /** Runs the seed: faults and load, then healing, then everything has to settle. */
  async run(): Promise<void> {
    for (const node of this.nodes) node.start()
    this.clients.start()
    this.#faults.plan()
    await this.scheduler.run(this.plan.duration)
    if (this.violations.length > 0) return
    this.#heal()
    await this.#settle(() => this.#unsettled())
    if (this.violations.length > 0) return
    const last = this.nodes.map((node) => this.clients.send(node))
    await this.#settle(() =>
      last.some(({ state }) => state === 'waiting') ? 'new envelopes are not ordered' : this.#unsettled(),
    )
    if (this.violations.length > 0) return
    await this.#finish()
  }

  /** An envelope was acknowledged: what the load lives on. */
  acknowledgedAt(_node: SimNode): void {
    this.count('acknowledged')
  }

  started(node: SimNode): void {
    node.state = 'up'
    this.trace.tell(node.name, `serves from height ${node.host!.height}`)
    this.prepared.started?.(node)
  }

  ending(node: SimNode): void {
    this.prepared.ended?.(node)
  }

  startFailed(node: SimNode, error: Error): void {
    this.trace.tell(node.name, `does not start: ${nameOf(error)}`)
    const excused = node.excuse !== undefined || this.#faults.excuses(node)
    if (!excused || !(error instanceof HeddleError)) {
      this.violate(
        'starts',
        `${node.name} does not start (${node.excuse ?? 'no fault struck it'}): ${nameOf(error)} ${error.message}`,
      )
      return
    }
    this.#faults.cannotStart(node, error)
  }

  stopFailed(node: SimNode, error: Error): void {
    if (node.excuse === undefined && !this.#faults.excuses(node))
      this.violate('stops', `${node.name} does not stop: ${error.message}`)
    else this.#faults.outage(node, true, 100)
  }

  /** A node has blocks on its disk. */
  stored(node: SimNode, blocks: readonly Block[]): void {
    for (const block of blocks) {
      this.trace.whisper(node.name, () => {
        const names = block.data.map((bytes) => this.clients.find(bytes)?.name ?? 'configuration')
        return `stored block ${block.number}: ${names.join(' ')}`
      })
    }
    this.checker.stored(node.name, blocks)
    this.heard?.(node, blocks)
  }

  /** A node ended itself. */
  halted(node: SimNode, error: Error): void {
    this.trace.tell(node.name, `halts: ${nameOf(error)}`)
    if (node.excuse === undefined && !this.#faults.excuses(node))
      this.violate('halts', `${node.name} halted for no fault: ${nameOf(error)} ${error.message}`)
    else this.#faults.afterHalt(node)
  }

  #settled(actor: Owner | undefined): void {
    if (actor === undefined || this.prepared.observe === undefined) return
    const node = this.nodes[actor.id]
    if (node?.life === actor && actor.alive) this.prepared.observe(node)
  }

  #heal(): void {
    this.healed = true
    this.trace.tell('world', 'heals')
    this.network.healAll(CALM_LATENCY)
    this.#faults.heal()
    this.prepared.heal?.()
  }

  async #settle(open: () => string | undefined): Promise<void> {
    const { scheduler } = this
    const deadline = scheduler.now + this.plan.patience
    while (this.violations.length === 0) {
      const why = open()
      if (why === undefined) return
      if (scheduler.now >= deadline) {
        this.violate('liveness', `${this.plan.patience} ms after healing: ${why}`)
        return
      }
      await scheduler.run(scheduler.now + LOOK)
    }
  }

  /** What still has to happen after healing. */
  #unsettled(): string | undefined {
    for (const node of this.nodes) if (node.state !== 'up') return `${node.name} is ${node.state}`
    if (!this.clients.done) {
      const open = this.clients.records.filter(({ state }) => state === 'waiting').map(({ name }) => name)
      return `${open.length} envelopes have no answer: ${open.slice(0, 5).join(' ')}`
    }
    if (this.administrator.open > 0) return `${this.administrator.open} config updates have no answer`
    if (this.prepared.settled?.() === false) return 'the subject has not settled'
    const heights = this.nodes.map((node) => node.host!.height)
    if (heights.some((height) => height !== this.checker.height))
      return `heights are ${heights.join(' ')} of ${this.checker.height}`
    return undefined
  }

  async #finish(): Promise<void> {
    const { checker, clients } = this
    let read = 0
    for (const node of this.nodes) {
      const reading = async (): Promise<void> => {
        for await (const block of node.blocks()) checker.compare(node.name, block)
        read++
      }
      reading().catch((error) => this.violate('durability', `${node.name} cannot read its blocks: ${nameOf(error)}`))
    }
    await this.#settle(() => (read === this.nodes.length ? undefined : 'chains cannot be read'))
    for (const record of clients.records) {
      if (record.state === 'acknowledged' && !record.blocks.includes(record.acknowledgedIn!))
        this.violate(
          'acknowledged is ordered',
          `${record.name} was acknowledged in block ${record.acknowledgedIn} and is not there`,
        )
      if (record.state === 'gave up' && record.blocks.length > 0)
        this.violate(
          'refused is not ordered',
          `${record.name} was refused as not ordered, and is in block ${record.blocks.join(', ')}`,
        )
    }
    this.#faults.report()
    this.prepared.finish?.()
    for (const { block } of checker.agreed) this.trace.mixBytes(block.header.previousHash)
  }

  #genesisBlock(): Block {
    const { plugin } = this.subject
    const { batchTimeout, ...limits } = this.plan.batch
    const nodes = this.nodes.map(({ name, identity }) => ({ name, mspId: 'OrdererMSP', identity }))
    return genesisBlock({
      channel: CHANNEL,
      ordering: {
        type: plugin.capabilities.consensusType ?? plugin.name,
        metadata: plugin.genesisMetadata?.(nodes, this.plan.options) ?? new Uint8Array(0),
        batchSize: { ...limits, absoluteMaxBytes: LARGE_LIMIT },
        batchTimeout,
        organizations: [{ name: 'OrdererOrg', mspConfig: keyedHashMsp('OrdererMSP') }],
      },
      application: { organizations: [{ name: 'ClientOrg', mspConfig: keyedHashMsp('ClientMSP') }] },
    })
  }
}
