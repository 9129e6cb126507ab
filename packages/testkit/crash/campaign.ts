import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyFolder } from '@heddle/core'
import { seededRandom } from '@heddle/core/testing'
import { type Acknowledged, LedgerModel } from './ledger-model.ts'
import { ledgerFolder, type OlderCopy, putBack, removeDatabases, takeCopy } from './older-copy.ts'
import type { ChildOrders, ReportLine } from './report-line.ts'
import { type Death, type Life, live } from './victim.ts'

const PEERS = ['peer0.org1', 'peer0.org2']
const ORDERER = 'orderer0.orderer'

/** Milliseconds after the first acknowledgement between which a process under load is killed. */
const EARLIEST = 50
const LATEST = 800
/** Share of the processes that are killed while they start. */
const DURING_START = 0.35
/** Every so many kills older databases are put back, and all is examined from block 0. */
const PERIOD = 10
/** Networks that are killed while they are made. */
const FIRST_STARTS = 6
/** Transactions of unknown outcome that are sent again after a kill. */
const RESEND = 16

export interface CampaignOptions {
  readonly kills: number
  readonly seed: string
  /** Syncs write nothing: a loss must be found. */
  readonly withoutFsync: boolean
  readonly say: (text: string) => void
}

export interface Check {
  readonly name: string
  readonly passed: boolean
  readonly complaints: readonly string[]
}

export interface Loss {
  /** Kills until then. */
  readonly kill: number
  readonly what: string
  /** Acknowledged transactions that are not in the block files; counted where a loss was wanted. */
  readonly lostTransactions: number
}

export interface CampaignReport {
  readonly kills: number
  /** Of these, during start-up and recovery. */
  readonly killsDuringStart: number
  readonly acknowledged: Acknowledged
  readonly blocks: number
  readonly checks: readonly Check[]
  /** The first thing that was wrong. */
  readonly loss: Loss | undefined
  /** Steps of the clients that failed while nothing was killed, by code. */
  readonly refused: Readonly<Record<string, number>>
}

/** Starts a network again and again on one data folder and kills it, and holds what it finds to what was acknowledged. */
export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-crash-'))
  try {
    return await new Campaign(options, join(folder, 'network'), join(folder, 'older')).run()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Kills networks in their first start, while identities, genesis block and files are made; a second start must go on from whatever
 * is there.
 */
export async function firstStarts({ seed, say }: Pick<CampaignOptions, 'seed' | 'say'>): Promise<Check[]> {
  const random = seededRandom(`first starts ${seed}`)
  const checks: Check[] = []
  for (let i = 0; i < FIRST_STARTS; i++) {
    const place = await mkdtemp(join(tmpdir(), 'heddle-crash-'))
    try {
      const model = new LedgerModel()
      const hear = (line: ReportLine): void => model.take(line)
      const orders: ChildOrders = { folder: place, ignoreSync: false, seed, from: 0, examineOnly: true, resend: [] }
      // Composing and deploying takes from a third of a second to two, by machine: the draw covers both ends.
      const delay = Math.round(250 + random.float() ** 2 * 1250)
      const first = await live(orders, { after: 'spawn', delay }, hear)
      model.begin()
      const second = await live(orders, { after: 'never' }, hear)
      const complaints = second.examined ? model.check(PEERS) : []
      if (second.fault !== undefined) complaints.unshift(`${second.fault.code}: ${second.fault.message}`)
      const name = `killed ${delay} ms after its first start, ${first.examined ? 'made' : 'not yet made'}, a network starts`
      say(name)
      checks.push({ name, passed: complaints.length === 0, complaints })
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  }
  return checks
}

class Campaign {
  private readonly options: CampaignOptions
  private readonly folder: string
  private readonly copies: string
  private readonly model = new LedgerModel()
  private readonly checks: Check[] = []
  private readonly refused = new Map<string, number>()
  private readonly random: ReturnType<typeof seededRandom>
  private older: OlderCopy | undefined
  private kills = 0
  private killsDuringStart = 0
  private startUp = 700
  private loss: Loss | undefined
  /** Complaints about what the last process found. */
  private found: readonly string[] = []

  constructor(options: CampaignOptions, folder: string, copies: string) {
    this.options = options
    this.folder = folder
    this.copies = copies
    this.random = seededRandom(`crash ${options.seed}`)
  }

  async run(): Promise<CampaignReport> {
    const { kills } = this.options
    const period = Math.min(PERIOD, Math.max(2, kills))
    while (this.kills < kills && this.loss === undefined) {
      const { kills: before } = this
      const usual = before === 0 ? 'a new network starts' : `after kill ${before} every acknowledged transaction is on every peer`
      const name = this.prepare(period)
      const life = await this.round(this.death(name !== undefined), before % period === 0)
      this.judge(name ?? usual, life)
    }
    if (this.loss === undefined) await this.finish()
    else if (this.options.withoutFsync) await this.count()
    return {
      kills: this.kills,
      killsDuringStart: this.killsDuringStart,
      acknowledged: this.model.acknowledged,
      blocks: this.model.height,
      checks: this.checks,
      loss: this.loss,
      refused: Object.fromEntries(this.refused),
    }
  }

  /** Takes copies of databases and puts older ones back, in turns; names the latter. */
  private prepare(period: number): string | undefined {
    const { kills, model } = this
    if (kills === 0) return undefined
    const turn = Math.floor(kills / period)
    if (kills % period === Math.floor(period / 2)) this.older = takeCopy(this.folder, this.copies, turn, model.height)
    if (kills % period !== 0 || this.older === undefined) return undefined
    const { node, databases, height } = this.older
    putBack(this.folder, this.older)
    return `older ${databases.join(' and ')} of ${node} (of block ${height}, now ${model.height}) brought forward`
  }

  /** A process that has to be examined is not killed before that is done. */
  private death(examine: boolean): Death {
    const { random } = this
    const duringStart = !examine && this.kills > 0 && random.float() < DURING_START
    const draw = random.float()
    if (duringStart) return { after: 'spawn', delay: Math.round(draw * this.startUp * 0.95) }
    return { after: 'acknowledgement', delay: Math.round(EARLIEST + draw * (LATEST - EARLIEST)) }
  }

  private async round(death: Death, all: boolean): Promise<Life> {
    const { model, options } = this
    const before = model.acknowledged
    const life = await this.live(death, all ? 0 : Math.max(0, model.height - 1), false)
    if (life.killed) {
      this.kills++
      if (!life.examined) this.killsDuringStart++
    }
    if (life.startUp !== undefined) this.startUp = life.startUp
    for (const [code, count] of life.refused) this.refused.set(code, (this.refused.get(code) ?? 0) + count)
    const { ordered, committed } = model.acknowledged
    const when =
      death.after === 'never'
        ? ''
        : `${death.delay} ms after ${death.after === 'spawn' ? 'its start' : 'the first acknowledgement'}`
    options.say(
      `kill ${this.kills} of ${options.kills} ${when}${life.examined ? '' : ' (while it started)'}: ${ordered - before.ordered} more acknowledged as ordered, ${committed - before.committed} as committed; ${model.height} blocks were there at its start`,
    )
    return life
  }

  private live(death: Death, from: number, examineOnly: boolean): Promise<Life> {
    const { model, folder, options } = this
    const orders: ChildOrders = {
      folder,
      ignoreSync: options.withoutFsync,
      seed: `${options.seed} ${this.kills}`,
      from,
      examineOnly,
      resend: model.outstanding(RESEND),
    }
    model.begin()
    this.found = []
    return live(orders, death, (line) => {
      model.take(line)
      // Now, before it acknowledges more.
      if (line[0] === 'examined') this.found = model.check(PEERS)
    })
  }

  private judge(name: string, life: Life): boolean {
    // One that was killed before it had told everything says nothing; the next one will.
    const complaints = [...this.found]
    if (life.fault !== undefined) complaints.unshift(`${life.fault.code}: ${life.fault.message}`)
    const passed = complaints.length === 0
    if (life.examined || !passed) this.checks.push({ name, passed, complaints })
    if (!passed) this.loss = { kill: this.kills, what: complaints[0]!, lostTransactions: 0 }
    return passed
  }

  /** Takes away what made the nodes notice, so that the block files alone answer: what of the acknowledged is not there? */
  private async count(): Promise<void> {
    removeDatabases(this.folder, [...PEERS, ORDERER])
    this.model.forgetChains()
    await this.live({ after: 'never' }, 0, true)
    this.loss = { ...this.loss!, lostTransactions: this.model.lost() }
  }

  /** Examines all once more, then lets the verifier judge the files of each peer. */
  private async finish(): Promise<void> {
    const life = await this.live({ after: 'never' }, 0, true)
    if (!this.judge('after the last kill everything is there, from block 0', life)) return
    for (const peer of PEERS) {
      this.options.say(`verifying the ledger of ${peer} from its genesis block`)
      const report = await verifyFolder(ledgerFolder(this.folder, peer))
      const state = this.model.state(peer)
      const complaints: string[] = []
      if (!report.verified) complaints.push(`does not verify: ${JSON.stringify(report.firstDifference)}`)
      if (report.blocks !== state?.height) complaints.push(`${report.blocks} blocks verified, the peer had ${state?.height}`)
      if (report.commitHash !== state?.commitHash) complaints.push('another commit hash than the peer had')
      if (report.contentHash !== state?.contentHash) complaints.push('a replay gives another content than the peer had')
      this.checks.push({
        name: `the ledger of ${peer} verifies, and a replay gives its state`,
        passed: complaints.length === 0,
        complaints,
      })
    }
  }
}
