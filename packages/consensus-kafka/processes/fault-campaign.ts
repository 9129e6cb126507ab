import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KafkaOptions } from '../src/index.ts'
import type { ClusterAdmin } from './cluster-admin.ts'
import { type KafkaCluster, ownChild } from './kafka-cluster.ts'
import { CHANNEL, type OrdererPlace, transaction } from './orderer.ts'
import type { AgreedBlock, Order, Report } from './orderer-child.ts'

const CHILD = fileURLToPath(new URL('./orderer-child.ts', import.meta.url))
const NAMES = ['orderer0', 'orderer1', 'orderer2']
const SIZE = 700
/** Transactions on their way at each orderer. */
const LANES = 12
/** Acknowledgements that have to come between one fault and the next. */
const PROGRESS = 40

/** What a campaign did and saw. */
export interface CampaignReport {
  readonly acknowledged: number
  readonly blocks: number
  readonly brokerKills: Readonly<Record<string, number>>
  readonly ordererKills: number
  readonly configUpdates: number
  /** Transactions that stand in the chain again: resent, or repeated by a producer. */
  readonly duplicates: number
  readonly unknownOutcomes: number
}

export interface CampaignOptions {
  readonly cluster: KafkaCluster
  readonly admin: ClusterAdmin
  readonly kills: number
  readonly options: KafkaOptions
  readonly say: (line: string) => void
}

/** A transaction whose fate is open. */
interface Pending {
  readonly id: string
  readonly envelope: Uint8Array
}

/** One orderer in a process of its own, which can be killed and comes back with what is on its disk. */
class OrdererProcess {
  readonly name: string
  private readonly place: OrdererPlace
  private child: ChildProcess | undefined
  private serial = 0
  private readonly waiting = new Map<number, (report: Report | undefined) => void>()
  halted: string | undefined

  constructor(place: OrdererPlace) {
    this.name = place.name
    this.place = place
  }

  get isUp(): boolean {
    return this.child !== undefined
  }

  async start(): Promise<void> {
    const child = fork(CHILD, [JSON.stringify(this.place)], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    ownChild(child)
    await new Promise<void>((resolve, reject) => {
      child.on('message', (report: Report) => {
        if ('started' in report) {
          this.child = child
          resolve()
        } else if ('halted' in report) this.halted = report.halted
        else this.heard(report)
      })
      child.once('exit', (code) => {
        if (this.child === child) this.child = undefined
        for (const done of this.waiting.values()) done(undefined)
        this.waiting.clear()
        reject(new Error(`${this.name} ended with ${code} before it had started`))
      })
    })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Undefined when the process died before it answered. */
  ask(order: (id: number) => Order): Promise<Report | undefined> {
    const { child } = this
    if (child === undefined) return Promise.resolve(undefined)
    const id = ++this.serial
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      child.send(order(id), (error) => {
        if (error !== null && this.waiting.delete(id)) resolve(undefined)
      })
    })
  }

  private heard(report: Report): void {
    const id =
      'ordered' in report ? report.ordered : 'refused' in report ? report.refused : 'blocks' in report ? report.blocks : -1
    const done = this.waiting.get(id)
    this.waiting.delete(id)
    done?.(report)
  }
}

/**
 * Three orderers under load on three brokers, which are killed with -9, the topic's leader and the controllers' included, as the orderers
 * are. Every transaction is sent, and sent again as the errors say, until it is acknowledged.
 *
 * @throws AssertionError when something acknowledged is lost, or orderers differ
 */
export class Campaign {
  private readonly given: CampaignOptions
  private readonly folder = mkdtempSync(join(tmpdir(), 'heddle-orderers-'))
  private readonly orderers: OrdererProcess[]
  private readonly acknowledged = new Map<string, number>()
  private readonly progress = new Set<() => void>()
  private readonly tag: string
  private running = true
  private made = 0
  private unknownOutcomes = 0
  private configUpdates = 0
  private ordererKills = 0
  private readonly brokerKills: Record<string, number> = { leader: 0, controller: 0, other: 0 }
  private readonly seen: Record<string, number> = {}

  constructor(given: CampaignOptions) {
    this.given = given
    this.tag = `faults ${process.pid} ${Date.now()}`
    this.orderers = NAMES.map(
      (name) =>
        new OrdererProcess({
          name,
          members: NAMES,
          folder: join(this.folder, name),
          tag: this.tag,
          maxMessageCount: 50,
          options: { ...given.options, brokers: given.cluster.addresses, topics: { [CHANNEL]: this.topic } },
        }),
    )
  }

  get topic(): string {
    return `faults-${process.pid}`
  }

  async run(): Promise<CampaignReport> {
    const { kills, say } = this.given
    try {
      await Promise.all(this.orderers.map((orderer) => orderer.start()))
      const lanes = this.orderers.flatMap((_, i) => Array.from({ length: LANES }, () => this.lane(i)))
      await this.acknowledges(PROGRESS)
      for (let round = 0; round < kills; round++) {
        await this.round(round)
        say(`${round + 1} of ${kills} rounds, ${this.acknowledged.size} acknowledged`)
      }
      this.running = false
      await Promise.all(lanes)
      return await this.compare()
    } finally {
      this.running = false
      for (const orderer of this.orderers) await orderer.kill()
      rmSync(this.folder, { recursive: true, force: true })
    }
  }

  /** A broker dies, then an orderer, while the others go on; both come back. */
  private async round(round: number): Promise<void> {
    const { cluster, admin } = this.given
    const [role, broker] = await this.victim(round)
    await cluster.kill(broker)
    this.brokerKills[role] = (this.brokerKills[role] ?? 0) + 1
    await this.acknowledges(PROGRESS)
    const orderer = this.orderers[round % this.orderers.length]!
    await orderer.kill()
    this.ordererKills++
    await this.acknowledges(PROGRESS)
    if (round % 3 === 1) await this.configure(40 + round)
    await Promise.all([orderer.start(), cluster.restart(broker)])
    await this.acknowledges(PROGRESS)
    // The next kill must leave enough replicas, or the brokers would rightly refuse everything.
    while ((await admin.inSync(this.topic).catch(() => 0)) < cluster.ids.length) await pause(100)
    for (const { halted, name } of this.orderers) assert.equal(halted, undefined, `${name} halted`)
  }

  private async victim(round: number): Promise<[string, number]> {
    const { cluster, admin } = this.given
    const [leader, controller] = [await admin.leaderOf(this.topic), await admin.controller()]
    const role = (['leader', 'controller', 'other'] as const)[round % 3]!
    if (role === 'leader') return [leader === controller ? 'leader and controller' : 'leader', leader]
    if (role === 'controller') return [leader === controller ? 'leader and controller' : 'controller', controller]
    return ['other', cluster.ids.find((id) => id !== leader && id !== controller) ?? leader]
  }

  private async configure(maxMessageCount: number): Promise<void> {
    for (let i = 0; ; i++) {
      const orderer = this.orderers[i % this.orderers.length]!
      const report = await orderer.ask((configure) => ({ configure, maxMessageCount }))
      if (report !== undefined && 'ordered' in report) break
      // Ordered after all, perhaps: then the same change is refused as no change, and this one has done what it was for.
      if (report !== undefined && 'refused' in report && report.duty === 'fix-input') break
      if (report === undefined) await pause(50)
    }
    this.configUpdates++
  }

  /** One transaction after another, each until it is acknowledged. */
  private async lane(first: number): Promise<void> {
    while (this.running) {
      const id = `tx-${this.made++}`
      await this.deliver({ id, envelope: transaction(`${id} ${this.tag}`, SIZE) }, first)
    }
  }

  private async deliver({ id, envelope }: Pending, first: number): Promise<void> {
    for (let turn = first; ; turn++) {
      const orderer = this.orderers[turn % this.orderers.length]!
      const report = await orderer.ask((submit) => ({ submit, envelope }))
      if (report !== undefined && 'ordered' in report) {
        this.acknowledged.set(id, report.block)
        for (const each of [...this.progress]) each()
        return
      }
      if (report !== undefined && 'refused' in report) {
        this.seen[report.code] = (this.seen[report.code] ?? 0) + 1
        assert.ok(['retry', 'ask-status'].includes(report.duty), `${id} was refused with ${report.code}: ${report.message}`)
        if (report.duty === 'ask-status') this.unknownOutcomes++
      } else {
        this.unknownOutcomes++
        // Its process is dead; the next one may be as well.
        await pause(20)
      }
    }
  }

  private acknowledges(count: number): Promise<void> {
    const goal = this.acknowledged.size + count
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.acknowledged.size < goal) return
        this.progress.delete(look)
        resolve()
      }
      this.progress.add(look)
      look()
    })
  }

  private async compare(): Promise<CampaignReport> {
    const last = Math.max(...this.acknowledged.values())
    const chains = await Promise.all(
      this.orderers.map(async (orderer) => {
        const report = await orderer.ask((chain) => ({ chain, to: last }))
        assert.ok(report !== undefined && 'blocks' in report, `${orderer.name} gave no chain`)
        return report.chain
      }),
    )
    const [chain = []] = chains
    assert.equal(chain.length, last + 1)
    chains.forEach((other, i) => {
      assert.deepEqual(other, chain, `${NAMES[i]} has other blocks than ${NAMES[0]}`)
    })
    chain.forEach(({ previous }, number) => {
      if (number > 0) assert.equal(previous, chain[number - 1]!.hash, `block ${number} does not follow the one before`)
    })
    return { ...this.examined(chain), acknowledged: this.acknowledged.size, blocks: chain.length }
  }

  private examined(chain: readonly AgreedBlock[]) {
    const places = new Map<string, number[]>()
    chain.forEach(({ transactions }, number) => {
      for (const each of transactions) {
        const id = each.split(' ')[0]!
        places.set(id, [...(places.get(id) ?? []), number])
      }
    })
    const lost = [...this.acknowledged].filter(([id, block]) => places.get(id)?.includes(block) !== true)
    assert.deepEqual(lost, [], 'these were acknowledged and are not where the acknowledgement says')
    // Validation takes the first of a transaction id and flags the others: here each must be the same transaction.
    const strangers = [...places.keys()].filter((id) => !this.acknowledged.has(id))
    assert.deepEqual(strangers, [], 'these were never acknowledged, though each was sent until it was')
    const { unknownOutcomes, configUpdates, ordererKills, brokerKills } = this
    const duplicates = [...places.values()].reduce((sum, { length }) => sum + length - 1, 0)
    return { duplicates, unknownOutcomes, configUpdates, ordererKills, brokerKills }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
